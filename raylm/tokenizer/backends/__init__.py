"""What cuts text into ids: SentencePiece's library or Hugging Face's, chosen by what the bytes of the model are."""

from raylm.tokenizer.backends.base import Backend


def backend_of(model: bytes) -> Backend:
    """Return the backend of a model: the content of a `tokenizer.json`, or of a SentencePiece `tokenizer.model`."""
    if is_json(model):
        from raylm.tokenizer.backends.hugging_face import HuggingFaceBackend

        return HuggingFaceBackend(model)
    from raylm.tokenizer.backends.sentence_piece import SentencePieceBackend

    return SentencePieceBackend(model)


def is_json(model: bytes) -> bool:
    """Whether these are the bytes of a `tokenizer.json` (a SentencePiece model begins with the tag of its first piece, 0x0A)."""
    return model[:1] == b"{"
