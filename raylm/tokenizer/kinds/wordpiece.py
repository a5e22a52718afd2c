"""WordPiece: a word is cut into the longest pieces that fit, from left to right (Schuster and Nakajima 2012; Devlin et al. 2019,
arXiv:1810.04805), over a vocabulary learned by merges, as Hugging Face's `tokenizers` does it.

BERT's form loses white space and cannot say what is not in its alphabet. Here the words that are cut keep what stands between them
(a space belongs to the word behind it), pieces inside a word bear no mark, and the alphabet is the 256 bytes, so that any text
comes back. Without `byte_fallback` the alphabet is the frequent characters, and a word with another one is `<unk>`. A word is at
most 48 characters, since the search takes the square of its length.
"""

import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds.base import characters, control_tokens, coverage

LONGEST_WORD = 48
"""Characters."""


def words(config: TokenizeConfig) -> str:
    """Return the pattern of a word, in the syntax of Oniguruma: every character of a text is in exactly one match."""
    bound = f"{{1,{LONGEST_WORD}}}"
    digits = r"\p{N}" if config.split_digits else rf" ?\p{{N}}{bound}"
    return rf" ?[\p{{L}}\p{{M}}]{bound}|{digits}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]{bound}| {bound}|[^\S ]{bound}"


def learn(texts: list[str], config: TokenizeConfig) -> bytes:
    """Return the content of a `tokenizer.json`. The trainer's counts are sums and its ties go by id: its threads change nothing."""
    tokens = Tokenizer(models.WordPiece(unk_token=special.UNKNOWN, continuing_subword_prefix="",
                                        max_input_chars_per_word=4 * (LONGEST_WORD + 1)))
    split = pre_tokenizers.Split(Regex(words(config)), "isolated")
    if config.byte_fallback:
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        tokens.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        tokens.decoder = decoders.ByteLevel()
    else:
        alphabet = _alphabet(texts, config)
        rest = dict.fromkeys(map(ord, set(characters(texts)).difference(alphabet)), "\n")
        texts = [text.translate(rest) for text in texts]
        tokens.pre_tokenizer, tokens.decoder = split, decoders.Fuse()
    trainer = trainers.WordPieceTrainer(
        vocab_size=config.vocabulary, min_frequency=2, show_progress=False, special_tokens=control_tokens(config),
        continuing_subword_prefix="", initial_alphabet=alphabet)
    tokens.train_from_iterator(texts, trainer)
    return str(tokens.to_str(pretty=True)).encode()


def _alphabet(texts: list[str], config: TokenizeConfig) -> list[str]:
    """The most frequent characters that make up `coverage` of the text, ties by code point; a line break is always one."""
    counts = characters(texts)
    left, chosen = coverage(texts, config) * counts.total(), {"\n"}
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if left <= 0:
            break
        left -= count
        chosen.add(character)
    return sorted(chosen)
