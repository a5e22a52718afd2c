"""The source code of the running interpreter's standard library: real, well-kept code that is on every machine."""

import sysconfig

from raylm.corpus.sources.base import Root, SourceKind
from raylm.corpus.sources.config import SourceConfig

TEST_FOLDERS = {"test", "tests", "idle_test", "testing"}


def stdlib_root() -> Root:
    """Return the folder of the standard library, labelled `stdlib`."""
    return Root("stdlib", sysconfig.get_paths()["stdlib"])


def is_test(relative: str) -> bool:
    """Whether a path leads through a folder of tests, or is a test module itself."""
    *folders, name = relative.split("/")
    return any(folder in TEST_FOLDERS for folder in folders) or name.startswith("test_") or name == "conftest.py"


class PythonStdlib(SourceKind):
    """The standard library's .py files, without installed packages."""

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the standard library's folder."""
        return [stdlib_root()]

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take .py files; tests only if asked."""
        return relative.endswith(".py") and (config.include_tests or not is_test(relative))

    def enters(self, relative: str) -> bool:
        """Stay out of the packages that are installed inside the library's folder."""
        return relative.split("/")[0] not in ("site-packages", "dist-packages") and super().enters(relative)
