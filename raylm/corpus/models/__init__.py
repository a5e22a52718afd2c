"""The kinds of models that raylm trains itself. To add one: a small file here with a `ModelConfig`, and its line in `MODELS`."""

from typing import Annotated

from pydantic import Field

from raylm.corpus.models.base import Examples, ModelConfig, Scorer, Trained
from raylm.corpus.models.fasttext import FastTextConfig
from raylm.corpus.models.linear import LinearConfig
from raylm.corpus.models.ngram import NgramConfig
from raylm.corpus.models.transformer import TransformerConfig

MODELS: dict[str, type[ModelConfig]] = {
    "ngram": NgramConfig,
    "fasttext": FastTextConfig,
    "linear": LinearConfig,
    "transformer": TransformerConfig,
}

AnyModel = Annotated[NgramConfig | FastTextConfig | LinearConfig | TransformerConfig, Field(discriminator="kind")]
"""An entry of `corpus.models`."""

__all__ = ["MODELS", "AnyModel", "Examples", "ModelConfig", "Scorer", "Trained"]
