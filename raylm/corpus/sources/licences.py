"""The licence texts that installed packages carry: prose, and the same few texts a hundred times, which deduplication must find."""

import re

from raylm.corpus.sources.base import Root, SourceKind
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.python_packages import package_roots

_NAME = re.compile(r"^(licen[cs]e|copying|copyright|notice|authors?)([._-].*)?$", re.IGNORECASE)


class Licences(SourceKind):
    """The licence, notice and author files in `*.dist-info`."""

    content = "prose"

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the package folders."""
        return package_roots()

    def enters(self, relative: str) -> bool:
        """Look only into `*.dist-info` and below."""
        return relative.split("/")[0].endswith(".dist-info") and super().enters(relative)

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take files named as licences are, and everything in a `licenses` folder (PEP 639) but code."""
        *folders, name = relative.split("/")
        return bool(folders) and not name.endswith(".py") and (bool(_NAME.match(name)) or "licenses" in folders)
