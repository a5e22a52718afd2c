"""The same tokenizer as Hugging Face files, so that transformers and vLLM compute the ids that training saw.

Pieces are written with plain spaces instead of U+2581, which makes a normaliser unnecessary and keeps a literal U+2581 in
a text apart from a space, as `text.Tokenizer` does. BPE merges are not stored by SentencePiece: it joins whichever neighbours
form the piece of highest score, which is every split of every piece into two pieces, in the order of the joined piece's rank.
"""

import json
from typing import Any

import sentencepiece

from raylm.tokenizer import special
from raylm.tokenizer.text import MARK


def huggingface_files(model: bytes) -> dict[str, bytes]:
    """Return the files that `AutoTokenizer.from_pretrained` and vLLM read, by name, for a serialized SentencePiece model."""
    named = {"bos_token": special.BOS, "eos_token": special.EOS, "unk_token": special.UNKNOWN, "pad_token": special.PAD}
    turns = [special.USER, special.ASSISTANT, special.END]
    return {
        "tokenizer.json": _json(tokenizer_json(sentencepiece.SentencePieceProcessor(model_proto=model))),
        "tokenizer_config.json": _json({
            **named,
            "additional_special_tokens": turns,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],
            "chat_template": special.CHAT_TEMPLATE,
        }),
        "special_tokens_map.json": _json({**named, "additional_special_tokens": turns}),
        "chat_template.jinja": special.CHAT_TEMPLATE.encode(),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def tokenizer_json(pieces: sentencepiece.SentencePieceProcessor) -> dict[str, Any]:
    """Return the content of `tokenizer.json` (format 1.0 of the `tokenizers` library)."""
    names = [pieces.id_to_piece(i).replace(MARK, " ") for i in range(pieces.get_piece_size())]
    unigram = not _is_bpe(pieces)
    bos = pieces.bos_id()
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i, token in enumerate(special.SPECIAL)],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": special.BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": special.BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": special.BOS, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {special.BOS: {"id": special.BOS, "ids": [bos], "tokens": [special.BOS]}},
        },
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": _unigram(pieces, names) if unigram else _bpe(pieces, names),
    }


def _is_bpe(pieces: sentencepiece.SentencePieceProcessor) -> bool:
    """BPE scores are whole ranks 0, -1, -2, ...; unigram's are log-probabilities."""
    scores = [pieces.get_score(i) for i in range(pieces.get_piece_size()) if _is_plain(pieces, i)]
    return scores == [-float(rank) for rank in range(len(scores))]


def _is_plain(pieces: sentencepiece.SentencePieceProcessor, i: int) -> bool:
    return not (pieces.is_control(i) or pieces.is_unknown(i) or pieces.is_byte(i))


def _bpe(pieces: sentencepiece.SentencePieceProcessor, names: list[str]) -> dict[str, Any]:
    ids = {name: i for i, name in enumerate(names) if _is_plain(pieces, i)}
    merges = []
    for name in sorted(ids, key=lambda name: ids[name]):
        splits = [(name[:cut], name[cut:]) for cut in range(1, len(name))]
        known = [pair for pair in splits if pair[0] in ids and pair[1] in ids]
        merges += [list(pair) for pair in sorted(known, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    return {"type": "BPE", "dropout": None, "unk_token": special.UNKNOWN, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {name: i for i, name in enumerate(names)}, "merges": merges}


def _unigram(pieces: sentencepiece.SentencePieceProcessor, names: list[str]) -> dict[str, Any]:
    return {"type": "Unigram", "unk_id": pieces.unk_id(), "byte_fallback": True,
            "vocab": [[name, pieces.get_score(i)] for i, name in enumerate(names)]}
