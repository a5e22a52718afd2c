"""The source code of the packages installed beside raylm: many authors, many styles, and code copied from one to another."""

import sysconfig
from pathlib import Path

from raylm.corpus.sources.base import Root, SourceKind
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.python_stdlib import is_test


def package_roots() -> list[Root]:
    """Return the interpreter's package folders (pure and platform-specific are often one), labelled `site-packages`."""
    paths = sysconfig.get_paths()
    folders = dict.fromkeys(Path(paths[key]).resolve() for key in ("purelib", "platlib"))
    return [Root("site-packages", str(folder)) for folder in folders]


class PythonPackages(SourceKind):
    """The installed packages' .py files."""

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the package folders."""
        return package_roots()

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take .py files; tests only if asked."""
        return relative.endswith(".py") and (config.include_tests or not is_test(relative))
