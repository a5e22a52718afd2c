"""SentencePiece's model format, as its library generates it, for the places that write or translate models."""

from typing import Any

from sentencepiece import sentencepiece_model_pb2

protobuf: Any = sentencepiece_model_pb2
"""`ModelProto`, `TrainerSpec`; the module makes its classes as it is imported, which no type checker sees."""
