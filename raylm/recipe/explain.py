"""Every key of a recipe with its default and meaning, read from the sections themselves, so that it cannot be out of date."""

import ast
import inspect
import re
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from raylm.errors import UserError


@dataclass(frozen=True)
class Key:
    """One key of a recipe."""

    path: str
    """Dotted, as `--set` takes it; `[]` stands for a position in a list, `[near]` for that of an entry of this kind."""
    kind: str
    default: str
    meaning: str


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Yield all keys of a section and of the sections in it, in the order of the file."""
    meant = _meanings(model)
    for name, field in model.model_fields.items():
        path, inner = f"{prefix}{name}", _sections(field.annotation)
        default = field.get_default(call_default_factory=True)
        listed = "[]" if typing.get_origin(field.annotation) in (list, tuple) else ""
        if not inner:
            yield Key(path, _kind(field.annotation), "required" if default is PydanticUndefined else _shown(default),
                      " ".join(meant.get(name, "").split()))
        for section in inner:
            kind = _tag(section) if len(inner) > 1 else ""
            yield from keys(section, f"{path}{f'[{kind}]' if kind else listed}.")


def explain(model: type[BaseModel], prefix: str = "") -> list[Key]:
    """Return the keys below `prefix`.

    Raises:
        UserError: there is no such key.
    """
    every = list(keys(model))
    parent, _, last = prefix.rpartition(".")
    asked = (prefix, f"{parent}[{last}]") if parent else (prefix,)
    found = [key for key in every for one in asked
             if key.path == one or key.path.startswith((f"{one}.", f"{one}[") if one else "")]
    if not found:
        raise UserError(f"{prefix}: no such key; allowed: {', '.join(_beside(every, prefix))}")
    return found


def _beside(every: list[Key], prefix: str) -> list[str]:
    """Return what there is at the deepest level of a wrong key that is right."""
    while prefix:
        prefix = prefix.rpartition(".")[0]
        below = dict.fromkeys(re.split(r"[.\[]", key.path[len(prefix):].lstrip("."))[0] for key in every
                              if not prefix or key.path.startswith(f"{prefix}."))
        if below:
            return list(below)
    return []


def _tag(section: type[BaseModel]) -> str:
    """Return the value by which a union tells this section from its others; empty if it has none."""
    for name in ("do", "kind"):
        field = section.model_fields.get(name)
        if field is not None and isinstance(field.default, str):
            return field.default
    return ""


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what is written below each field of a section. Read from its source when asked: Pydantic would at every import, in
    every worker."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is BaseModel or not issubclass(owner, BaseModel):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        for field, below in pairwise(body.body if isinstance(body, ast.ClassDef) else []):
            said = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(said, str):
                found[field.target.id] = said
    return found


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [section for argument in typing.get_args(annotation) for section in _sections(argument)]


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return " | ".join(map(str, typing.get_args(annotation)))
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return annotation.__name__
    parts = [_kind(argument) for argument in typing.get_args(annotation) if argument not in (type(None), Ellipsis)]
    origin = typing.get_origin(annotation)
    if origin in (list, tuple, dict):
        return f"{'mapping' if origin is dict else 'list'} of {', '.join(dict.fromkeys(parts))}"
    return " | ".join(parts) or str(annotation)


def _shown(value: Any) -> str:
    if value is None or value in ("", (), [], {}):
        return "-" if value is None else "empty"
    return str(value).lower() if isinstance(value, bool) else str(list(value)) if isinstance(value, tuple) else str(value)
