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
        lines = [_explain(model, problem, origin) for problem in error.errors()]
        raise RecipeError("\n".join(dict.fromkeys(lines))) from None


def _explain(model: type[BaseModel], problem: Any, origin: str) -> str:
    location = tuple(problem["loc"])
    key = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        allowed = _keys_at(model, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"{origin}: {key}: unknown key{hint}; allowed here: {', '.join(allowed) or 'nothing'}"
    if problem["type"] == "missing":
        return f"{origin}: {key}: required and not given"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not location:
        return f"{origin}: {message}"  # of a rule between sections, which names its keys itself
    given = problem["input"]
    shown = f"a mapping with {', '.join(map(str, given)) or 'no keys'}" if isinstance(given, dict) else repr(given)
    return f"{origin}: {key}: got {shown[:120]}, allowed: {message}"


def _keys_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys allowed at a place: follows field names through nested models, lists and unions."""
    models = [model]
    for part in location:
        if isinstance(part, str):
            following = [m for current in models if part in current.model_fields
                         for m in _models_in(current.model_fields[part].annotation)]
            # A name that is no field is the tag of a union's member: its value of `do`, `kind` or the like.
            tagged = [m for m in models if any(field.default == part for field in m.model_fields.values())]
            models = following or tagged or models
    return sorted({name for m in models for name in m.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
