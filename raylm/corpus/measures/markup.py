"""Markup that extraction or conversion left behind in prose."""

import re
from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share

# Every repetition is bounded, so that no text takes long.
_TAGS = (
    r"</?[a-zA-Z][a-zA-Z0-9:-]{0,20}(?:\s[^<>]{0,500})?/?>|<!--.{0,500}?-->|<!\[CDATA\[|\]\]>|<!DOCTYPE[^>]{0,200}>"
    r"|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8}\d{0,2});"  # entities
    r"|\{\{[^{}\n]{0,300}\}\}|\{%[^{}\n]{0,300}%\}|\[\[[^\[\]\n]{0,300}\]\]"  # templates, wikis
    r"|'{2,5}|^\{\||^\|[-+}]|__[A-Z]{3,20}__|^={2,6}[^=\n]{1,200}={2,6}[ \t]*$"
    r"|\[/?(?:b|i|u|s|url|img|quote|code|size|color|list|font|center)(?:=[^\]\n]{0,200})?\]"  # forums
)
_MARKDOWN = r"|\]\([^()\s]{1,500}\)|^#{1,6}[ \t]|^(?:```|~~~)|\*\*|__(?=\w)"
_PATTERNS = {markdown: re.compile(_TAGS + (_MARKDOWN if markdown else ""), re.MULTILINE) for markdown in (False, True)}
_SIGNS = re.compile(r"[<&{|_=#`~*\[\]]|''")
"""One of these is in all markup."""


@dataclass(frozen=True)
class Markup(Each):
    """`markup`: share of the characters in tags, entities, wiki templates and links, forums' signs, and with `markdown` in
    Markdown's signs and addresses. None of code.
    """

    markdown: bool = False

    def names(self) -> tuple[str, ...]:
        """Return the column."""
        return ("markup",)

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the share of one document."""
        if document.content == "code":
            return (None,)
        if not _SIGNS.search(document.text):
            return (share(0, len(document.text)),)
        return (share(sum(map(len, _PATTERNS[self.markdown].findall(document.text))), len(document.text)),)
