"""Bytes: 256 pieces besides the special tokens, nothing learned, no text that does not fit (Xue et al. 2022, ByT5,
arXiv:2105.13626).

Written as a SentencePiece model without any piece but the bytes it falls back on, so that whatever reads the other kinds reads it.
"""


from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds.base import control_tokens
from raylm.tokenizer.protobuf import protobuf


def learn(texts: list[str], config: TokenizeConfig) -> bytes:
    """Return the model, whatever the texts. A byte's id is its value behind the special tokens."""
    model = protobuf.ModelProto()
    kind = protobuf.ModelProto.SentencePiece
    tokens = control_tokens(config)
    for number, token in enumerate(tokens):
        model.pieces.add(piece=token, score=0.0, type=kind.CONTROL if number else kind.UNKNOWN)
    for byte in range(256):
        model.pieces.add(piece=f"<0x{byte:02X}>", score=0.0, type=kind.BYTE)
    trainer, normaliser = model.trainer_spec, model.normalizer_spec
    trainer.model_type, trainer.byte_fallback, trainer.vocab_size = protobuf.TrainerSpec.CHAR, True, len(model.pieces)
    trainer.unk_id, trainer.bos_id, trainer.eos_id, trainer.pad_id = range(4)
    trainer.unk_piece, trainer.bos_piece, trainer.eos_piece, trainer.pad_piece = tokens[:4]
    trainer.control_symbols.extend(tokens[4:])
    normaliser.name = "identity"
    # A space stays a space: there is no piece for U+2581.
    normaliser.add_dummy_prefix = normaliser.remove_extra_whitespaces = normaliser.escape_whitespaces = False
    return bytes(model.SerializeToString(deterministic=True))
