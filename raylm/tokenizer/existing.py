"""Tokenizers that came from elsewhere, read from a file or folder and used as they are: every text keeps the ids it had.

A SentencePiece model that takes text as it is (as ours do) stays one; any other becomes a `tokenizer.json` with the same
normalisation. Special tokens that the chain needs and the tokenizer lacks are added behind its vocabulary, under our names: a
document begins with our `<s>` even where the tokenizer has another token of that use.
"""

import base64
import json
from typing import Any

import sentencepiece
import tokenizers

from raylm.errors import UserError
from raylm.storage import Folder
from raylm.tokenizer import special
from raylm.tokenizer.backends import is_json
from raylm.tokenizer.backends.sentence_piece import MARK, kind_of
from raylm.tokenizer.huggingface import bpe_model, unigram_model
from raylm.tokenizer.protobuf import protobuf
from raylm.tokenizer.text import JSON_FILE, MODEL_FILE

FILES = (MODEL_FILE, JSON_FILE, "spiece.model", "sentencepiece.bpe.model", "sentencepiece.model")
"""What a folder is searched for; then any one `.model`."""


def read_existing(place: str, extra: list[str]) -> bytes:
    """Return the model (see `text.Tokenizer`) of an existing tokenizer, with all special tokens.

    Args:
        place: a folder (also a tokenize artifact or a checkpoint), a `tokenizer.json` or a SentencePiece model; local path or URI.
        extra: special tokens besides the chain's own.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    candidates = _contents(place)
    problem = ""
    for name, data in candidates.items():
        try:
            # Where both are at hand, a SentencePiece model is taken only if it needs no translation.
            if not is_json(data) and not _takes_text_as_it_is(data) and JSON_FILE in candidates:
                continue
            return with_special(data if is_json(data) or _takes_text_as_it_is(data) else translated(data), extra)
        except UserError:
            raise
        except Exception as error:  # the libraries raise their own types, and bare ones
            problem = f": {name} cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    raise UserError(f"{place}: no tokenizer here{problem}; allowed: a folder with {JSON_FILE} or {MODEL_FILE}, or such a file")


def _contents(place: str) -> dict[str, bytes]:
    """The files that may be the tokenizer, by name, best first; none if there is no such place."""
    whole = Folder.at(place)
    parent, _, name = whole.uri.rpartition("/")
    try:
        if name.endswith((".json", ".model")) and Folder(parent).exists(name):
            return {name: Folder(parent).read_bytes(name)}
        for folder in (whole, whole.child("tokenizer")):
            names = folder.names()
            found = [name for name in FILES if name in names] or [name for name in names if name.endswith(".model")][:1]
            if found:
                return {name: folder.read_bytes(name) for name in found}
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error})") from None
    return {}


def _takes_text_as_it_is(data: bytes) -> bool:
    """Whether a SentencePiece model neither normalises nor adds anything, so that our backend reads it as it is."""
    model = protobuf.ModelProto.FromString(data)
    spec = model.normalizer_spec
    kinds = {piece.type for piece in model.pieces}
    piece = protobuf.ModelProto.SentencePiece
    return not (spec.precompiled_charsmap or spec.add_dummy_prefix or spec.remove_extra_whitespaces
                or model.trainer_spec.treat_whitespace_as_suffix or kinds & {piece.USER_DEFINED, piece.UNUSED}
                or model.trainer_spec.model_type == protobuf.TrainerSpec.WORD)


def with_special(data: bytes, extra: list[str]) -> bytes:
    """Return a model with the chain's special tokens and `extra` ones: those that it lacks are added behind its vocabulary."""
    wanted = [*special.SPECIAL, *extra]
    if is_json(data):
        return _json_with_special(data, wanted)
    model = protobuf.ModelProto.FromString(data)
    kind = protobuf.ModelProto.SentencePiece
    known = {piece.piece for piece in model.pieces if piece.type in (kind.CONTROL, kind.UNKNOWN)}
    missing = [token for token in wanted if token not in known]
    if not missing:
        return data
    for token in missing:
        model.pieces.add(piece=token, score=0.0, type=kind.CONTROL)
    return bytes(model.SerializeToString(deterministic=True))


def _json_with_special(data: bytes, wanted: list[str]) -> bytes:
    tokens = tokenizers.Tokenizer.from_buffer(data)
    tokens.no_truncation()
    tokens.no_padding()
    tokens.add_special_tokens([tokenizers.AddedToken(token, normalized=False, special=True) for token in wanted])
    return str(tokens.to_str(pretty=True)).encode()


def translated(data: bytes) -> bytes:
    """Return the `tokenizer.json` of a SentencePiece model, with its normalisation and its way with spaces.

    Raises:
        UserError: it is of a kind that `tokenizer.json` cannot say.
    """
    model, pieces = protobuf.ModelProto.FromString(data), sentencepiece.SentencePieceProcessor(model_proto=data)
    if model.trainer_spec.treat_whitespace_as_suffix or model.trainer_spec.model_type == protobuf.TrainerSpec.WORD:
        raise UserError("tokenize.existing: a SentencePiece model of whole words, or with spaces behind words, allowed: "
                        "bpe, unigram or char with spaces before words")
    names = [piece.piece for piece in model.pieces]
    kind = protobuf.ModelProto.SentencePiece
    fallback = bool(model.trainer_spec.byte_fallback)
    algorithm = model.trainer_spec.model_type
    unigram = algorithm == protobuf.TrainerSpec.UNIGRAM if algorithm else kind_of(pieces) == "unigram"
    added = [_added(i, piece.piece) for i, piece in enumerate(model.pieces) if piece.type in (kind.CONTROL, kind.UNKNOWN)]
    whole = sorted((piece.piece for piece in model.pieces if piece.type == kind.USER_DEFINED), key=lambda name: (-len(name), name))
    prefix = bool(model.normalizer_spec.add_dummy_prefix)
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": _normalisers(model.normalizer_spec)},
        # Pieces that the user defined are taken whole wherever they stand, the longest first, and join no others.
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "|".join(map(_escaped, whole))}, "behavior": "Isolated",
                          "invert": False} if whole else None,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            *([{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefix else [])]},
        "model": (unigram_model(pieces, names, fallback) if unigram
                  else bpe_model(pieces, names, fallback) | {"unk_token": names[pieces.unk_id()], "ignore_merges": bool(whole)}),
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _added(token: int, content: str) -> dict[str, Any]:
    return {"id": token, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True}


def _escaped(text: str) -> str:
    """For a regular expression of Oniguruma."""
    return "".join(character if character.isalnum() else f"\\x{{{ord(character):x}}}" for character in text)


def _normalisers(spec: Any) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    if spec.precompiled_charsmap:
        steps.append({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(spec.precompiled_charsmap).decode()})
    if spec.remove_extra_whitespaces:
        steps += [{"type": "Replace", "pattern": {"Regex": "^ +| +$"}, "content": ""},
                  {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]
    if spec.add_dummy_prefix:
        steps.append({"type": "Prepend", "prepend": MARK})
    return [*steps, {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]
