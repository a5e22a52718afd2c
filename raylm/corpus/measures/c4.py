"""What C4 judges a page by, after its line rules (Raffel et al. 2020, section 2.2)."""

from dataclasses import dataclass

from raylm.corpus.c4_lines import STANDARD, LineRules, is_boilerplate
from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure


@dataclass(frozen=True)
class C4Page(Each):
    """`lorem_ipsum`, `curly_brackets`: lines with them; `c4_sentences`: sentences. All of the lines that the line rules keep."""

    lines: LineRules = STANDARD

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("lorem_ipsum", "curly_brackets", "c4_sentences")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the numbers for one document."""
        fillers = curly = sentences = 0
        for line in self.lines.kept(document.text):
            lower = line.lower()
            if "lorem ipsum" in lower:
                fillers += 1
            elif "javascript" in lower:
                continue
            elif "{" in line:
                curly += 1
            elif not is_boilerplate(lower):
                sentences += len(document.view.splitter.sentences(line))
        return float(fillers), float(curly), float(sentences)
