"""Steps that survive a kill: each fills a folder, then leaves a marker with its result and the names of the files it wrote.

A marker counts only while every file that it names is there. So what a kill left half done or half deleted, or what somebody
removed, costs the step again; it never passes for an empty result.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from raylm.storage import Folder

FOLDER = "_steps"
"""Where the steps are, in what the stage fills."""

Result = list[dict[str, Any]]
"""What a step says of itself: small rows of JSON types."""


def in_order(rows: Iterable[dict[str, Any]]) -> Result:
    """Return rows of JSON types in an order of their own, not in that of their arrival."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


@dataclass
class Markers:
    """The steps of one build, run one after the other."""

    output: Folder
    """What the stage fills; the steps' folders and markers are in its `_steps` until the end."""
    _done: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Folder:
        """The folder of the steps' folders and markers."""
        return self.output.child(FOLDER)

    def kept(self, name: str) -> Result | None:
        """Return the result of a step that an earlier attempt finished; None if it, or any file that it wrote, is not there."""
        if not self.folder.exists(_marker(name)):
            return None
        made = self.folder.read_json(_marker(name))
        if not isinstance(made, dict):  # of a version that named no files
            return None
        whole = all(set(names) <= set(self.output.child(folder).names()) for folder, names in made["files"].items())
        return list(made["rows"]) if whole else None

    def run(self, name: str, make: Callable[[Folder], Iterable[dict[str, Any]]], fills: tuple[str, ...] = ()) -> Result:
        """Run a step once: what an earlier attempt finished is returned, what it left half done is discarded.

        Args:
            name: The step's name.
            make: Given the step's own folder, `_steps/name`, writes partitions and returns small rows of JSON types that sum it up.
            fills: Folders of `output` that it writes to instead of its own.

        Returns:
            The summary rows, `in_order`.
        """
        rows = self.kept(name)
        if rows is None:
            self._forget_later()
            filled = fills or (f"{FOLDER}/{name}",)
            for folder in filled:
                self.output.child(folder).clear()
                self.output.child(folder).create()
            rows = in_order(make(self.folder.child(name)))
            files = {folder: self.output.child(folder).names(".parquet") for folder in filled}
            self.folder.write_json(_marker(name), {"rows": rows, "files": files})
        self._done.append(name)
        return rows

    def clear(self, last: str) -> None:
        """Delete the steps but for the marker of the `last` one, whose rows tell all that the stage needs until it is published."""
        # Markers first: none may outlive a file that it names.
        for marker in self.folder.names(".json"):
            if marker != _marker(last):
                self.folder.remove(marker)
        for name in self.folder.folders():
            self.folder.child(name).clear()

    def _forget_later(self) -> None:
        """Delete the markers of all but the steps done so far: what they stand for was made of what is now made anew."""
        for marker in self.folder.names(".json"):
            if marker not in map(_marker, self._done):
                self.folder.remove(marker)


def _marker(name: str) -> str:
    return f"{name}.json"
