"""The end of the page: the recipe as written, what each artifact is made of, and where it lies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from raylm.figures import Cell, Table
from raylm.pipeline.report.tables import table_html, text_html

LONGEST = 60_000
"""Characters of a folded JSON value or a recipe that are shown."""


def recipe_html(recipe_text: str) -> str:
    """Return the section with the recipe."""
    return (
        '<section id="recipe"><h2>Recipe</h2>'
        '<p class="say">What was asked for; the same text and seed make the same artifacts.</p>'
        f"<pre>{text_html(recipe_text[:LONGEST])}</pre></section>"
    )


def artifacts_html(stages: Sequence[tuple[str, Mapping[str, Any], str]]) -> str:
    """Return the section with every stage's artifact (name, manifest, place) and the versions that made them."""
    made = [(name, manifest, place) for name, manifest, place in stages if manifest]
    rows: list[list[Cell]] = [
        [name, _text(manifest.get("key")), _inputs(manifest.get("inputs")), _text(manifest.get("seed")), place]
        for name, manifest, place in made
    ]
    versions: dict[str, set[str]] = {}
    for _, manifest, _ in made:
        found = manifest.get("versions")
        for package, version in (found.items() if isinstance(found, Mapping) else ()):
            versions.setdefault(str(package), set()).add(str(version))
    listed: list[list[Cell]] = [[package, ", ".join(sorted(found))] for package, found in sorted(versions.items())]
    tables = table_html(Table(["Stage", "Address", "Made from", "Seed", "Place"], rows)) if rows else "<p>No artifact yet.</p>"
    if listed:
        packages = table_html(Table(["Package", "Version"], listed))
        tables += f"<details><summary>Versions that made them</summary>{packages}</details>"
    return (
        '<section id="artifacts"><h2>Artifacts</h2><p class="say">Each is addressed by a hash of all that it was made from.</p>'
        f"{tables}</section>"
    )


def making_html(manifest: Mapping[str, Any], cost: Mapping[str, Any]) -> str:
    """Return the folded account of a stage: its part of the recipe, what went in and out, what it cost."""
    parts = [
        f"<h3>{title}</h3><pre>{text_html(text[:LONGEST])}</pre>"
        for title, value in (("Settings", manifest.get("config")), ("Counts", manifest.get("counts")), ("Cost", cost))
        if value and (text := _json(value))
    ]
    if not parts:
        return ""
    return f"<details><summary>How this was made</summary>{''.join(parts)}</details>"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    except (TypeError, ValueError):  # keys of mixed types, circles
        return repr(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _inputs(value: Any) -> str:
    """Return the inputs' stages; manifests hold them as {stage: address} or as a list."""
    if isinstance(value, Mapping):
        return ", ".join(str(name) for name in value)
    return ", ".join(str(name) for name in value) if isinstance(value, list | tuple) else ""
