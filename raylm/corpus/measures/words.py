"""How many words a document has and how long they are, after Gopher (Rae et al. 2021, appendix A.1)."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.marks import SYMBOLS
from raylm.corpus.measures.each import Each, Figure, share


@dataclass(frozen=True)
class Words(Each):
    """`words`: words that are not of punctuation alone; `word_length`: their mean length in characters; `words_with_letters`: share
    of all words, those of punctuation among them, that have a letter of any script.
    """

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("words", "word_length", "words_with_letters")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the figures of one document."""
        words = document.view.words
        odd = [word for word in words if not word.isalpha()]
        without = [word for word in odd if not (word[0].isalpha() or any(map(str.isalpha, word)))]
        symbols = [word for word in without if not word.strip(SYMBOLS)]
        counted = len(words) - len(symbols)
        characters = sum(map(len, words)) - sum(map(len, symbols))
        return float(counted), share(characters, counted), share(len(words) - len(without), len(words))
