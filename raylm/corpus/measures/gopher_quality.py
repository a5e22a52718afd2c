"""Hashes, ellipses and bullet points, after Gopher (Rae et al. 2021, appendix A.1)."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share


@dataclass(frozen=True)
class GopherQuality(Each):
    """`hashes` and `ellipses`: occurrences for each word; `bullet_lines`: share of the lines, blank ones among them, that begin
    with a bullet or a dash; `ellipsis_lines`: share of them that end with an ellipsis.
    """

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("hashes", "ellipses", "bullet_lines", "ellipsis_lines")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the figures of one document."""
        text, words = document.text, len(document.view.words)
        lines = text.splitlines()
        ellipses = text.count("...") + text.count("…")
        bullets = "•" in text or "-" in text
        beginning = sum(line.lstrip().startswith(("•", "-")) for line in lines) if bullets else 0
        ending = sum(line.rstrip().endswith(("...", "…")) for line in lines) if ellipses else 0
        return (share(text.count("#"), words), share(ellipses, words), share(beginning, len(lines)), share(ending, len(lines)))
