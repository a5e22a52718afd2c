"""The kinds of tokenizer that can be learned, by the name that the recipe gives them. A new one is a file here and a line below."""

from raylm.tokenizer.config import KindName
from raylm.tokenizer.kinds import bpe, byte, character, unigram, wordpiece
from raylm.tokenizer.kinds.base import Learn

KINDS: dict[KindName, Learn] = {
    "bpe": bpe.learn,
    "unigram": unigram.learn,
    "wordpiece": wordpiece.learn,
    "character": character.learn,
    "byte": byte.learn,
}
