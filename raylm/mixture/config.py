"""What the mix stage can be told."""

from typing import Annotated

from pydantic import Field

from raylm.model.config import ModelConfig
from raylm.recipe.section import Section, resource


class MixConfig(Section):
    """How the sources' weights are searched: the proxies, what counts as good, and what a weight may be."""

    proxies: int | None = Field(None, ge=4)
    """Proxy models trained on different weights, the natural and the uniform mix among them; 3 per source, at least 12, if not
    given. Fewer than one per source cannot tell the sources apart."""
    model: ModelConfig = ModelConfig(hidden=64, layers=2, heads=4, kv_heads=4, feed_forward=176, context=128)
    """The proxies' network. Small ones order mixes nearly as large ones do; where sources differ finely, take a larger one."""
    steps: int = Field(120, ge=10)
    """Optimiser steps of a proxy."""
    batch: int = Field(16, ge=1)
    """Windows of `model.context` tokens per step."""
    learning_rate: float = Field(4e-3, gt=0)
    """The proxies' peak learning rate."""
    evaluate_tokens: int = Field(12_000, ge=1000)
    """Held-out tokens of each target that a proxy is measured on."""
    target: dict[str, Annotated[float, Field(gt=0)]] | None = None
    """What to do well on: weights of the sources whose held-out loss counts; all sources equally if not given."""
    minimum_tokens: int = Field(10_000, ge=1000)
    """Sources with fewer training tokens are left out of the mix (weight 0)."""
    planned_tokens: int | None = Field(None, ge=1)
    """Tokens that the later training will see, for `max_epochs`; as many as the corpus has if not given."""
    max_epochs: float = Field(4.0, ge=1)
    """A source's weight is bounded so that it is not repeated more often than this. Up to about 4 times, repeated text is
    almost as good as new (Muennighoff et al. 2023, arXiv:2305.16264); what short proxies cannot notice, this bound prevents."""
    minimum_share: float = Field(0.1, ge=0, le=1)
    """No source is picked with less than this fraction of its natural share, even where another source makes up for it on the
    targets: what the held-out text does not ask for may still be wanted."""
    prior_strength: float = Field(0.02, ge=0)
    """How much a departure from the natural mix must pay: bits per byte of target loss per nat of KL divergence."""
    top: int = Field(32, ge=1)
    """The pick is the mean of this many best-predicted mixes: a guard against errors of the fitted law."""
    verify_seeds: int = Field(2, ge=1, le=16)
    """Fresh seeds with which the picked, the natural and the uniform mix are trained again and compared."""
    concurrency: int | None = resource(None, ge=1)
    """Most proxies trained at once, a core each; as many as the cluster has cores if not given."""
    gpus_per_proxy: float = resource(0.0, ge=0)
    """Share of a GPU for each proxy; 0 trains them on CPU cores."""
