"""Reading a recipe from YAML, and saying in one line a problem what is wrong with it.

The text of every error names the key (dotted, as in the file), what was given, and what is allowed, so that nobody needs to
read this code to mend a recipe.
"""

import difflib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from raylm.errors import RecipeError

S = TypeVar("S", bound=BaseModel)

_NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""What YAML's reader raises: also for a date that no calendar has, and for a thousand nested brackets."""


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read one YAML mapping.

    Raises:
        RecipeError: the file is missing, unreadable, not UTF-8, not YAML, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    try:
        data = yaml.safe_load(text)
    except _NOT_YAML as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise RecipeError(f"{path}: not YAML: {where}{getattr(error, 'problem', error)}") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values, got {type(data).__name__}")
    return data


def parse_value(text: str) -> Any:
    """Read a value given on the command line (`--set pretrain.steps=100`) as YAML would."""
    try:
        return yaml.safe_load(text)
    except _NOT_YAML:
        return text


def set_key(data: dict[str, Any], dotted: str, value: Any) -> None:
    """Set `a.b.c` in a nested mapping, in place; list positions are numbers (`corpus.sources.0.limit`).

    Raises:
        RecipeError: the path leads through something that is not a mapping or a list.
    """
    *parents, last = dotted.split(".")
    node: Any = data
    for part in parents:
        if isinstance(node, list):
            node = node[_position(node, part, dotted)]
        elif isinstance(node, dict):
            node = node.setdefault(part, {})
        else:
            raise RecipeError(f"{dotted}: {part!r} is inside a plain value and cannot be set")
    if isinstance(node, list):
        node[_position(node, last, dotted)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise RecipeError(f"{dotted}: the key above {last!r} holds a plain value, nothing can be set below it")


def _position(items: list[Any], part: str, dotted: str) -> int:
    if not part.isdigit() or int(part) >= len(items):
        raise RecipeError(f"{dotted}: {part!r} is not a position in a list of {len(items)} (0 to {len(items) - 1})")
    return int(part)


def validate(model: type[S], data: dict[str, Any], origin: str) -> S:
    """Build `model` from plain data.

    Raises:
        RecipeError: one line per wrong key or value, each naming the key, what was given and what is allowed.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        said: dict[tuple[str, str | None], list[str]] = {}
        for problem in error.errors():
            key, given, allowed = _explain(model, problem)
            # One value that no member of a union takes is one line.
            said.setdefault((key, given) if given is not None else (allowed, None), []).append(allowed)
        lines = [key if given is None else f"{key}: got {given}, allowed: {' or '.join(dict.fromkeys(allowed))}"
                 for (key, given), allowed in said.items()]
        raise RecipeError("\n".join(f"{origin}: {line}" for line in lines)) from None


_TERMS = {"list_type": "a list", "tuple_type": "a list", "dict_type": "a mapping of keys to values",
          "model_type": "a mapping of keys to values", "model_attributes_type": "a mapping of keys to values",
          "string_type": "a text", "bool_type": "true or false", "bool_parsing": "true or false", "int_type": "a whole number",
          "int_parsing": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
          "float_parsing": "a number"}
"""What YAML's readers call what Pydantic has Python's names for."""


def _explain(model: type[BaseModel], problem: Any) -> tuple[str, str | None, str]:
    """Return the key, what was given and what is allowed; or the key, None, and all there is to say."""
    location = tuple(problem["loc"])
    unknown = location[-1:] if problem["type"] == "extra_forbidden" else ()
    place, models = _walk(model, location[:-1] if unknown else location)
    location = (*place, *unknown)
    key, context, given = ".".join(str(part) for part in location), problem.get("ctx", {}), problem["input"]
    if problem["type"] == "extra_forbidden":
        allowed = sorted({name for one in models for name in one.model_fields})
        hint = _close(location[-1], allowed)
        return key, None, f"{key}: unknown key{hint}; allowed here: {', '.join(allowed) or 'nothing'}"
    if problem["type"] == "missing":
        return key, None, f"{key}: required and not given"
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        name = context["discriminator"].strip("'")
        known = [tag.strip().strip("'") for tag in context.get("expected_tags", "").split(",") if tag]
        if not known:
            listed = ".".join(part for part in location if isinstance(part, str))
            return key, None, f"{key}: needs {name!r}, which says what it is; `raylm keys {listed}` lists all"
        tag = context["tag"]
        return key, None, f"{key}.{name}: got {tag!r}{_close(tag, known)}, allowed: {', '.join(known)}"
    message = _TERMS.get(problem["type"], problem["msg"].removeprefix("Value error, ").removeprefix("Input should be "))
    if problem["type"] == "string_pattern_mismatch":
        message = f"a text of the form {context['pattern']}"
    if problem["type"] == "too_short":
        message = f"at least {context['min_length']} of them"
    # A rule between keys names them itself.
    if not location or message.startswith(f"{key}."):
        return key, None, message
    shown = f"a mapping with {', '.join(map(str, given)) or 'no keys'}" if isinstance(given, dict) else repr(given)
    return key, shown[:120], message


def _close(name: Any, allowed: list[str]) -> str:
    close = difflib.get_close_matches(str(name), allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _walk(model: type[BaseModel], location: tuple[Any, ...]) -> tuple[list[Any], list[type[BaseModel]]]:
    """Follow a location: return those of its parts that the file has, and the sections that its end may be.

    Pydantic puts behind a union's place what it tried there: the member's tag (its value of `do`, `kind` or the like), or its type.
    """
    kept: list[Any] = []
    models = [model]
    for part in location:
        if not isinstance(part, str):
            kept.append(part)
        elif following := [one for one in models if part in one.model_fields]:
            kept.append(part)
            models = [inner for one in following for inner in _models_in(one.model_fields[part].annotation)]
        elif tagged := [one for one in models if any(field.default == part for field in one.model_fields.values())]:
            models = tagged
        elif part not in _TYPES and not part.startswith(("list[", "tuple[", "function-")):
            kept.append(part)
    return kept, models


_TYPES = ("str", "int", "float", "bool", "dict")


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
