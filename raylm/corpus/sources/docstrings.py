"""The docstrings of the standard library and the installed packages: prose about code, one document for each module.

Each docstring stands under the qualified name of what it documents. The document's origin is the module's file, so a held-out
module is held out here too.
"""

import ast
import inspect
import warnings
from collections.abc import Iterator

from raylm.corpus.sources.base import Record, Root, SourceKind, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.python_packages import package_roots
from raylm.corpus.sources.python_stdlib import is_test, stdlib_root

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def module_name(relative: str) -> str:
    """Return the dotted name of the module in a file: `json/decoder.py` is `json.decoder`."""
    return relative.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def docstrings(source: str, module: str) -> list[tuple[str, str]]:
    """Return (qualified name, cleaned docstring) of a module and all that is defined in it, in the order of the file.

    Raises:
        SyntaxError, ValueError, RecursionError: the source is no Python of this interpreter's version.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    return list(_walk(tree, module))


def _walk(node: _Documented, name: str) -> Iterator[tuple[str, str]]:
    text = ast.get_docstring(node, clean=False)
    if text and text.strip():
        yield name, inspect.cleandoc(text)
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, f"{name}.{child.name}")


class Docstrings(SourceKind):
    """One document for each module that has docstrings."""

    content = "prose"

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the standard library's and the packages' folders."""
        return [stdlib_root(), *package_roots()]

    def enters(self, relative: str) -> bool:
        """Walk each package folder once: as a root of its own, not from inside the standard library."""
        return relative.split("/")[0] not in ("site-packages", "dist-packages") and super().enters(relative)

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take .py files; tests only if asked."""
        return relative.endswith(".py") and (config.include_tests or not is_test(relative))

    def document(self, relative: str, text: str, raw_bytes: int) -> Record | Unread:
        """Write each docstring under its qualified name."""
        try:
            found = docstrings(text, module_name(relative))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Unread(0, "not valid Python", raw_bytes)
        if not found:
            return Unread(0, "no docstrings", raw_bytes)
        return Record(0, "\n\n\n".join(f"{name}\n\n{body}" for name, body in found), raw_bytes, self.content)
