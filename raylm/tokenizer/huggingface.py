"""The same tokenizer as Hugging Face files, so that transformers and vLLM compute the ids that training saw.

Pieces are written with plain spaces instead of U+2581, which makes a normaliser unnecessary and keeps a literal U+2581 in
a text apart from a space, as our SentencePiece backend does. BPE merges are not stored by SentencePiece: it joins whichever
neighbours form the piece of highest score, which is every split of every piece into two pieces, in the order of the joined
piece's rank.
"""

import json
from typing import Any

import sentencepiece

from raylm.tokenizer import special
from raylm.tokenizer.backends import is_json
from raylm.tokenizer.backends.sentence_piece import MARK, is_plain, kind_of
from raylm.tokenizer.text import JSON_FILE, Tokenizer

NEVER = -1e4
"""The score, as a log-probability, of a piece that no text is to be cut into."""


def huggingface_files(model: bytes) -> dict[str, bytes]:
    """Return the files that `AutoTokenizer.from_pretrained` and vLLM read, by name, for a model as `learn.learn` returns it."""
    named = {"bos_token": special.BOS, "eos_token": special.EOS, "unk_token": special.UNKNOWN, "pad_token": special.PAD}
    tokens = Tokenizer(model).special
    others = [token for token in tokens if token not in named.values()]
    template = special.chat_template(tokens)
    content = (with_bos(json.loads(model)) if is_json(model)
               else tokenizer_json(sentencepiece.SentencePieceProcessor(model_proto=model)))
    return {
        JSON_FILE: _json(content),
        "tokenizer_config.json": _json({
            **named,
            "additional_special_tokens": others,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],
            "chat_template": template,
        }),
        "special_tokens_map.json": _json({**named, "additional_special_tokens": others}),
        "chat_template.jinja": template.encode(),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def tokenizer_json(pieces: sentencepiece.SentencePieceProcessor) -> dict[str, Any]:
    """Return the content of `tokenizer.json` (format 1.0 of the `tokenizers` library) of a model that takes text as it is."""
    names = [pieces.id_to_piece(i).replace(MARK, " ") for i in range(pieces.get_piece_size())]
    fallback = any(pieces.is_byte(i) for i in range(len(names)))
    model = unigram_model(pieces, names, fallback) if kind_of(pieces) == "unigram" else bpe_model(pieces, names, fallback)
    return with_bos({
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i, token in enumerate(names) if pieces.is_control(i) or pieces.is_unknown(i)],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": model,
    })


def with_bos(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a `tokenizer.json` under which a text begins with `<s>`, as every document in training does."""
    bos = next(token["id"] for token in content["added_tokens"] if token["content"] == special.BOS)
    return content | {"post_processor": {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": special.BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"SpecialToken": {"id": special.BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": special.BOS, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {special.BOS: {"id": special.BOS, "ids": [bos], "tokens": [special.BOS]}},
    }}


def bpe_model(pieces: sentencepiece.SentencePieceProcessor, names: list[str], fallback: bool) -> dict[str, Any]:
    """Return the `model` of a BPE or character `tokenizer.json`: `names` of the pieces, and a merge for every split of each."""
    scores = {name: (-pieces.get_score(i), i) for i, name in enumerate(names) if is_plain(pieces, i)}
    merges = []
    for name in sorted(scores, key=lambda name: scores[name]):
        splits = [(name[:cut], name[cut:]) for cut in range(1, len(name))]
        known = [pair for pair in splits if pair[0] in scores and pair[1] in scores]
        merges += [list(pair) for pair in sorted(known, key=lambda pair: (scores[pair[0]], scores[pair[1]]))]
    return {"type": "BPE", "dropout": None, "unk_token": special.UNKNOWN, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": fallback, "ignore_merges": False,
            "vocab": {name: i for i, name in enumerate(names)}, "merges": merges}


def unigram_model(pieces: sentencepiece.SentencePieceProcessor, names: list[str], fallback: bool) -> dict[str, Any]:
    """Return the `model` of a unigram `tokenizer.json`."""
    return {"type": "Unigram", "unk_id": pieces.unk_id(), "byte_fallback": fallback,
            "vocab": [[name, NEVER if pieces.is_control(i) else pieces.get_score(i)] for i, name in enumerate(names)]}
