"""The base of every typed part of a recipe.

A section is frozen, refuses unknown keys, and knows which of its values decide what a stage makes. Fields declared with
`resource()` (workers, threads, memory) decide only how fast it is made, so they stay out of an artifact's address: one worker
or fifty build the same artifact and share it.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen, validated part of a recipe. Unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def identity(self) -> dict[str, Any]:
        """Return the values that decide what is made, as JSON types; resource fields are left out, at any depth."""
        return {
            name: _identity(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if not (isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("resource"))
        }

    def identity_for(self, stage: str) -> dict[str, Any]:
        """Return the values that decide what one stage makes of this section; all of them where only one stage reads it."""
        return self.identity()

    def contents_for(self, stage: str) -> list[str]:
        """Return the places (files, folders, artifacts) that the section names and whose contents decide what a stage makes."""
        return []


def _identity(value: Any) -> Any:
    if isinstance(value, Section):
        return value.identity()
    if isinstance(value, dict):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    return value


def resource(default: Any, **constraints: Any) -> Any:
    """Declare a field that changes how fast a stage runs and nothing of what it makes.

    `constraints` are those of `pydantic.Field` (`ge`, `le`, ...).
    """
    return Field(default, json_schema_extra={"resource": True}, **constraints)
