"""New pieces for an existing tokenizer, learned from text in a new language by going on where its own merges ended.

The text is cut by the tokenizer as it is; pairs of its pieces that stand together often become pieces themselves (byte-pair
encoding, with the old pieces for letters). Characters that it could only spell in bytes are added first. New pieces have the ids
behind the old ones and rank below them, so text in the old languages is cut as before, but for the rare place where a new one fits.
"""

import json
import math
import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import sentencepiece
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from raylm.errors import UserError
from raylm.tokenizer.backends import is_json
from raylm.tokenizer.backends.sentence_piece import MARK, kind_of
from raylm.tokenizer.huggingface import NEVER
from raylm.tokenizer.protobuf import protobuf

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_FIRST = 0x10000
"""Symbols are handed to the learner as single characters from here on: over a million, more than any vocabulary has."""

Word = list[str]
"""Pieces that stand together and may be joined; a character without a piece stands for itself."""


@dataclass(frozen=True)
class Learned:
    """What is to be added."""

    characters: list[str]
    merges: list[tuple[str, str]]
    """In the order learned, each of pieces that are there by then."""
    counts: Counter[str]
    """How often each piece, old or new, is in the text when it is cut with all of them."""


def extend(base: bytes, texts: list[str], pieces: int, *, coverage: float, split_digits: bool) -> bytes:
    """Return a model with at most `pieces` more pieces; ids of the old ones stay.

    Args:
        base: the model, with all special tokens (`existing.read_existing`).
        texts: passages in the new language.
        pieces: how many to add at most.
        coverage: share of the characters without a piece that get one; they take at most half of `pieces`.
        split_digits: whether no new piece holds a digit beside anything else.

    Raises:
        UserError: there is no text, or the model has no pieces but bytes.
    """
    if not any(texts):
        raise UserError("tokenize.extend: there is no training text in the new language; every document is held out or empty")
    return (_extend_json if is_json(base) else _extend_sentence_piece)(base, texts, pieces, coverage, split_digits)


def _extend_sentence_piece(base: bytes, texts: list[str], pieces: int, coverage: float, split_digits: bool) -> bytes:
    processor = sentencepiece.SentencePieceProcessor(model_proto=base)
    model, kind = protobuf.ModelProto.FromString(base), protobuf.ModelProto.SentencePiece
    known = {piece.piece: number for number, piece in enumerate(model.pieces)}
    plain = [piece for piece in model.pieces if piece.type == kind.NORMAL]
    if not plain:
        raise UserError("tokenize.extend: got a tokenizer of bytes, allowed: one with pieces to add to")
    cut = ([symbol for piece in line for symbol in ([piece] if piece in known else piece)]
           for line in processor.encode(texts, out_type=str, num_threads=1))
    words = [word for line in cut for word in _words(_characters(line), split_digits)]
    algorithm = kind_of(processor)
    learned = learn_merges(words, known, pieces, coverage, characters_only=algorithm == "character")
    added = _new(learned, known, "")
    total = learned.counts.total()
    for rank, piece in enumerate(added):
        score = -float(len(plain) + rank) if algorithm == "bpe" else math.log(max(learned.counts[piece], 0.5) / total)
        model.pieces.add(piece=piece, score=score, type=kind.NORMAL)
    model.trainer_spec.vocab_size = len(model.pieces)
    return bytes(model.SerializeToString(deterministic=True))


def _extend_json(base: bytes, texts: list[str], pieces: int, coverage: float, split_digits: bool) -> bytes:
    content, tokens = json.loads(base), tokenizers.Tokenizer.from_buffer(base)
    model = content["model"]
    if model["type"] not in ("BPE", "WordPiece", "Unigram"):
        raise UserError(f"tokenize.extend: got a tokenizer of kind {model['type']}, allowed: BPE, WordPiece or Unigram")
    tokens.encode_special_tokens = True
    known: dict[str, int] = tokens.get_vocab(with_added_tokens=True)
    prefix = model.get("continuing_subword_prefix") or ""
    words = []
    for text in texts:
        cut = _cut(text, tokens, known, model.get("unk_token"), prefix)
        # Without a pre-tokenizer, the text is one word to the tokenizer, and where pieces may not reach across is ours to say.
        words += cut if content["pre_tokenizer"] is not None else [word for line in cut for word in _words(line, split_digits)]
    learned = learn_merges(words, known, pieces, coverage, prefix=prefix)
    added = _new(learned, known, prefix)
    first = max(known.values()) + 1
    # Added tokens come into the vocabulary itself: their ids would otherwise be dealt anew, behind the new pieces.
    outside = [(token["content"], token["id"]) for token in content["added_tokens"]]
    if model["type"] == "Unigram":
        vocabulary = {number: name for name, number in outside if number >= len(model["vocab"])}
        model["vocab"] += [[vocabulary[number], NEVER] for number in range(len(model["vocab"]), first)]
        total = learned.counts.total()
        model["vocab"] += [[piece, math.log(max(learned.counts[piece], 0.5) / total)] for piece in added]
    else:
        model["vocab"] |= dict(outside) | {piece: first + number for number, piece in enumerate(added)}
    if model["type"] == "BPE":
        old = {tuple(merge.split(" ", 1)) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]}
        model["merges"] += [" ".join(pair) if model["merges"] and isinstance(model["merges"][0], str) else list(pair)
                            for pair in learned.merges if pair not in old]
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _cut(text: str, tokens: tokenizers.Tokenizer, known: dict[str, int], unknown: str | None, prefix: str) -> list[Word]:
    """The words of a text as the tokenizer's own pre-tokenizer cuts it; what is unknown falls apart into characters."""
    words: dict[int, Word] = {}
    encoding = tokens.encode(text, add_special_tokens=False)
    for token, (start, end), number in zip(encoding.tokens, encoding.offsets, encoding.word_ids, strict=True):
        word = words.setdefault(-1 if number is None else number, [])
        if token == unknown or token not in known:  # BPE and WordPiece name it `unknown`; Unigram gives the text
            lost = text[start:end] if token == unknown else token
            if token == unknown and tokens.normalizer is not None:
                lost = tokens.normalizer.normalize_str(lost).strip().removeprefix(MARK)
            word += [prefix * bool(word or place) + character for place, character in enumerate(lost)]
        else:
            word.append(token)
    return [_characters(word) for word in words.values()]


def _characters(symbols: Word) -> Word:
    """Put bytes that were fallen back on together again to characters."""
    result: Word = []
    run = bytearray()
    for symbol in [*symbols, ""]:
        byte = _BYTE.fullmatch(symbol)
        if byte:
            run.append(int(byte[1], 16))
            continue
        if run:
            result += run.decode(errors="replace")
            run.clear()
        if symbol:
            result.append(symbol)
    return result


def _words(symbols: Word, split_digits: bool) -> list[Word]:
    """Cut where no piece may reach across: before a space, between scripts, signs and letters, and at line breaks."""
    words: list[Word] = []
    before = ""
    for symbol in symbols:
        begins = _class(symbol[0])
        joins = before == begins or before == "space"
        if not words or begins == "space" or not joins or begins == "line" or (split_digits and "digit" in (before, begins)):
            words.append([])
        words[-1].append(symbol)
        before = _class(symbol[-1])
    return words


def _class(character: str) -> str:
    if character in (" ", MARK):
        return "space"
    category = unicodedata.category(character)
    if category[0] == "Z" or category == "Cc":
        return "line"
    if category[0] == "N":
        return "digit"
    if category[0] in "LM":
        return "wide letter" if character >= "\u2e80" else "letter"
    return "sign"


def learn_merges(words: list[Word], known: dict[str, int], pieces: int, coverage: float, *, prefix: str = "",
                 characters_only: bool = False) -> Learned:
    """Return the characters and merges to add to a vocabulary, at most `pieces` together.

    Args:
        words: the text; nothing is joined across words.
        known: ids of the old pieces by name.
        pieces: how many new ones at most.
        coverage: share of the characters without a piece that get one.
        prefix: what a piece inside a word begins with (WordPiece's `##`).
        characters_only: whether to add no merges.
    """
    counts = Counter(symbol for word in words for symbol in word)
    strange = sorted(((count, symbol) for symbol, count in counts.items() if symbol not in known and symbol != "\ufffd"),
                     key=lambda pair: (-pair[0], pair[1]))
    left, frequent = coverage * sum(count for count, _ in strange), []
    for count, symbol in strange:
        if left <= 0:
            break
        left -= count
        frequent.append(symbol)
    if characters_only:
        return Learned(frequent[:pieces], [], counts)
    characters = frequent[:(pieces + 1) // 2]
    usable = sorted((symbol for symbol in counts if symbol in known), key=known.__getitem__) + characters
    code = {symbol: chr(_FIRST + place) for place, symbol in enumerate(usable)}
    lines = ["".join(code.get(symbol, "\n") for symbol in word) for word in words if len(word) > 1]
    learner = tokenizers.Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Split("\n", "removed")
    alphabet = set().union(*lines) - {"\n"}
    learner.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=len(alphabet) + pieces - len(characters), min_frequency=2, show_progress=False))
    spelt = {name: _joined(name, usable, prefix) for name in learner.get_vocab()}
    names = {number: spelt[name] for name, number in learner.get_vocab().items()}
    merges = [(spelt[left_], spelt[right]) for left_, right in json.loads(learner.to_str())["model"]["merges"]]
    final = Counter(number for line in learner.encode_batch_fast(lines) for number in line.ids)
    cut = Counter({names[number]: count for number, count in final.items()}) + Counter(word[0] for word in words if len(word) == 1)
    # Where little can be joined (BERT makes each Chinese character a word), characters have the rest of the room.
    more = frequent[len(characters):pieces - len(merges)]
    return Learned(characters + more, merges, cut + Counter({symbol: counts[symbol] for symbol in more}))


def _joined(name: str, symbols: list[str], prefix: str) -> str:
    first, *rest = (symbols[ord(character) - _FIRST] for character in name)
    return first + "".join(symbol.removeprefix(prefix) for symbol in rest)


def _new(learned: Learned, known: dict[str, int], prefix: str) -> list[str]:
    """The pieces to add, in order, each once."""
    names = [*learned.characters, *(left + right.removeprefix(prefix) for left, right in learned.merges)]
    return [name for name in dict.fromkeys(names) if name not in known]
