"""Learning the vocabulary: SentencePiece with settings under which any text comes back as it was.

No normalisation, no added or dropped spaces, bytes for what has no piece, and runs of spaces as pieces, since indentation is
most of what code's whitespace is. The thread count is fixed because the unigram learner's sums depend on it.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable

import sentencepiece

from raylm.errors import UserError
from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig

THREADS = 4
RESERVED = 256 + len(special.SPECIAL)
"""Pieces that every vocabulary has: the bytes and the special tokens."""
LEAST_COVERAGE = 0.98
"""SentencePiece takes no less."""
LONGEST_PASSAGE = 1 << 20
"""Bytes; longer passages would be dropped by SentencePiece without a word. Ours are far shorter."""


def learn(sample: Iterable[str], config: TokenizeConfig) -> bytes:
    """Return a serialized SentencePiece model learned from passages of text; equal input gives equal bytes.

    If the sample cannot yield `config.vocabulary` pieces, the model has as many as it can.

    Raises:
        UserError: the sample is empty, or has more different characters than the vocabulary has room for.
    """
    texts = [text for text in sample if text]
    if not texts:
        raise UserError("tokenize: there is no training text to learn a vocabulary from; every document is held out or empty")
    try:
        return _train(texts, config, config.vocabulary)
    except RuntimeError as error:
        possible = re.search(r"set it to a value <= (\d+)", str(error))
        if possible:
            return _train(texts, config, int(possible.group(1)))
        needed = re.search(r"required_chars\. \d+ vs (\d+)", str(error))
        if needed:
            raise UserError(f"tokenize.vocabulary: got {config.vocabulary}, allowed: more than {needed.group(1)}, which this "
                            f"text's characters need even at a coverage of {LEAST_COVERAGE}") from None
        raise


def coverage(texts: list[str], config: TokenizeConfig) -> float:
    """Return the share of the texts' characters that get pieces of their own: `config.character_coverage`, or less (never below
    `LEAST_COVERAGE`), so that characters take only half of the vocabulary and thousands of Chinese ones leave room for words.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    room = max(1, (config.vocabulary - RESERVED) // 2)
    if len(counts) <= room:
        return config.character_coverage
    # Half a character less, or rounding could ask for one more than there is room for.
    fitting = sum(count for _, count in counts.most_common(room)) - 0.5
    return max(LEAST_COVERAGE, min(config.character_coverage, fitting / counts.total()))


def _train(texts: list[str], config: TokenizeConfig, vocabulary: int) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type=config.model_type,
        vocab_size=vocabulary,
        character_coverage=coverage(texts, config),
        split_digits=config.split_digits,
        split_by_unicode_script=config.split_scripts,
        allow_whitespace_only_pieces=True,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        max_sentence_length=LONGEST_PASSAGE,
        unk_id=0, unk_piece=special.UNKNOWN,
        bos_id=1, bos_piece=special.BOS,
        eos_id=2, eos_piece=special.EOS,
        pad_id=3, pad_piece=special.PAD,
        # Control symbols, not user-defined ones: the latter would be recognised inside plain text.
        control_symbols=[special.USER, special.ASSISTANT, special.END],
        num_threads=THREADS,
        minloglevel=2,
    )
    return model.getvalue()
