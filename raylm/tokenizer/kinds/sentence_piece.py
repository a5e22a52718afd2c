"""What BPE, unigram and character share: SentencePiece's trainer with settings under which any text comes back as it was.

No normalisation, no added or dropped spaces, bytes for what has no piece, and runs of spaces as pieces, since indentation is
most of what code's whitespace is. The thread count is fixed because the unigram learner's sums depend on it.
"""

import io
import re
from typing import Literal

import sentencepiece

from raylm.errors import UserError
from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds.base import LEAST_COVERAGE, control_tokens, coverage

THREADS = 4
LONGEST_PASSAGE = 1 << 20
"""Bytes; longer passages would be dropped by SentencePiece without a word. Ours are far shorter."""

Algorithm = Literal["bpe", "unigram", "char"]


def train(texts: list[str], config: TokenizeConfig, algorithm: Algorithm) -> bytes:
    """Return a serialized SentencePiece model. If the text cannot yield `config.vocabulary` pieces, it has as many as it can.

    Raises:
        UserError: the text has more different characters than the vocabulary has room for.
    """
    try:
        return _train(texts, config, algorithm, config.vocabulary)
    except RuntimeError as error:
        possible = re.search(r"set it to a value <= (\d+)", str(error))
        if possible:
            return _train(texts, config, algorithm, int(possible.group(1)))
        needed = re.search(r"required_chars\. \d+ vs (\d+)", str(error))
        if needed:
            raise UserError(f"tokenize.vocabulary: got {config.vocabulary}, allowed: more than {needed.group(1)}, which this "
                            f"text's characters need even at a coverage of {LEAST_COVERAGE}") from None
        raise


def _train(texts: list[str], config: TokenizeConfig, algorithm: Algorithm, vocabulary: int) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type=algorithm,
        vocab_size=vocabulary,
        character_coverage=coverage(texts, config),
        split_digits=config.split_digits,
        split_by_unicode_script=config.split_scripts,
        allow_whitespace_only_pieces=True,
        byte_fallback=config.byte_fallback,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        max_sentence_length=LONGEST_PASSAGE,
        unk_id=0, unk_piece=special.UNKNOWN,
        bos_id=1, bos_piece=special.BOS,
        eos_id=2, eos_piece=special.EOS,
        pad_id=3, pad_piece=special.PAD,
        # Control symbols, not user-defined ones: the latter would be recognised inside plain text.
        control_symbols=control_tokens(config)[4:],
        num_threads=THREADS,
        minloglevel=2,
    )
    return model.getvalue()
