"""Every key of a recipe with its default and meaning, read from the sections themselves, so that it cannot be out of date."""

import ast
import inspect
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
    """Dotted, as `--set` takes it; `[]` stands for a position in a list."""
    kind: str
    default: str
    meaning: str


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Yield all keys of a section and of the sections in it, in the order of the file."""
    meant = _meanings(model)
    for name, field in model.model_fields.items():
        path, inner = f"{prefix}{name}", _sections(field.annotation)
        default = field.get_default(call_default_factory=True)
        listed = typing.get_origin(field.annotation) in (list, tuple)
        if not inner:
            yield Key(path, _kind(field.annotation), "required" if default is PydanticUndefined else _shown(default),
                      " ".join(meant.get(name, "").split()))
        for section in inner:
            yield from keys(section, f"{path}{'[]' if listed else ''}.")


def explain(model: type[BaseModel], prefix: str = "") -> list[Key]:
    """Return the keys below `prefix`.

    Raises:
        UserError: there is no such key.
    """
    found = [key for key in keys(model) if key.path == prefix or key.path.startswith(f"{prefix}." if prefix else "")
             or key.path.startswith(f"{prefix}[]")]
    if not found:
        raise UserError(f"{prefix}: no such key; allowed: {', '.join(model.model_fields)}")
    return found


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
    parts = [_kind(argument) for argument in typing.get_args(annotation) if argument is not type(None)]
    origin = typing.get_origin(annotation)
    if origin in (list, tuple, dict):
        return f"{origin.__name__} of {', '.join(parts)}"
    return " | ".join(parts) or str(annotation)


def _shown(value: Any) -> str:
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
