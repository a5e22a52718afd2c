"""The long descriptions of the installed packages: the README that each carries in its METADATA, as Markdown or reST."""

import email
import email.message

from raylm.corpus.sources.base import Record, Root, SourceKind, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.python_packages import package_roots


def long_description(metadata: str) -> str:
    """Return the description in a METADATA file: its body, or the older `Description` field; empty if there is none."""
    message: email.message.Message = email.message_from_string(metadata)
    body = message.get_payload()
    if isinstance(body, str) and body.strip():
        return body
    # The older form indents the continuation lines by eight spaces or by "       |".
    lines = str(message.get("Description", "")).splitlines()
    return "\n".join(line.removeprefix("       |").removeprefix("        ") for line in lines)


class Descriptions(SourceKind):
    """One document for each installed package that describes itself."""

    content = "prose"

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the package folders."""
        return package_roots()

    def enters(self, relative: str) -> bool:
        """Look only into `*.dist-info` at the top."""
        return "/" not in relative and relative.endswith(".dist-info")

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take METADATA."""
        return relative.endswith(".dist-info/METADATA")

    def document(self, relative: str, text: str, raw_bytes: int) -> Record | Unread:
        """Keep the description, without the header's fields."""
        description = long_description(text)
        if not description.strip() or description.strip() == "UNKNOWN":
            return Unread(0, "no description", raw_bytes)
        return Record(0, description, len(description.encode(errors="replace")), self.content)
