"""The stages of the chain, in order: what each needs and where its code is. A new stage is one entry here and one in `recipe.py`.

Stage code is imported when a stage is built, not before: reading a recipe or a status must not load torch.
"""

import importlib
from dataclasses import dataclass
from typing import Any

from raylm.figures import Panel
from raylm.stage import Outcome, StageContext


@dataclass(frozen=True)
class StageSpec:
    """One stage. `package` holds `build.py` and `panels.py`; `version` goes up when equal inputs would give another artifact."""

    name: str
    package: str
    needs: tuple[str, ...]
    sentence: str
    version: int = 1
    section: str = ""
    """The recipe's section that it reads, where that has another name."""

    @property
    def key(self) -> str:
        """The name of its section in the recipe."""
        return self.section or self.name

    def build(self, context: StageContext[Any]) -> Outcome:
        """Fill the context's output folder."""
        outcome: Outcome = importlib.import_module(f"{self.package}.build").build(context)
        return outcome

    def panels(self, manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
        """Return what the report shows of a published artifact."""
        panels: list[Panel] = importlib.import_module(f"{self.package}.panels").panels(manifest, cost)
        return panels


STAGES = (
    StageSpec("read", "raylm.corpus.read", (),
              "Reads the sources, extracts and cleans their texts, masks personal data, and measures every document.",
              version=2, section="corpus"),
    StageSpec("score", "raylm.corpus.score", ("read",),
              "Trains the models that the recipe asks for, and asks them about every document.", section="corpus"),
    StageSpec("corpus", "raylm.corpus", ("read", "score"),
              "Applies the rules and removes duplicates, step by step; every removal has a reason.", version=4),
    StageSpec("tokenize", "raylm.tokenizer", ("corpus",),
              "Trains a tokenizer, or takes one, and turns documents into token shards, with a held-out split.", version=3),
    StageSpec("mix", "raylm.mixture", ("tokenize",),
              "Trains small proxies on different mixes of the sources and picks the weights that predict best.", version=2),
    StageSpec("pretrain", "raylm.pretrain", ("tokenize", "mix"),
              "Trains the language model with DeepSpeed ZeRO in Ray Train workers.", version=4),
    StageSpec("sft", "raylm.posttrain.sft", ("corpus", "tokenize", "pretrain"),
              "Fine-tunes it on instructions and answers taken from the corpus.", version=3),
    StageSpec("reward", "raylm.posttrain.reward", ("corpus", "tokenize", "sft"),
              "Trains a reward model to tell the right answer from another one.", version=3),
    StageSpec("rlhf", "raylm.posttrain.rlhf", ("corpus", "tokenize", "sft", "reward"),
              "Improves the model with PPO against the reward model and a program's check.", version=2),
    StageSpec("compress", "raylm.compress", ("tokenize", "rlhf"),
              "Writes the model with 8-bit weights and activations, calibrated on corpus text.", version=2),
    StageSpec("evaluate", "raylm.evaluate", ("corpus", "tokenize", "pretrain", "sft", "rlhf", "compress"),
              "Measures quality, size and speed of the checkpoint after each stage, on text that no stage has seen.",
              version=2),
)

BY_NAME = {stage.name: stage for stage in STAGES}


def closure(name: str) -> list[StageSpec]:
    """Return a stage and all that it needs, in the order they are built."""
    wanted = {name}
    for stage in reversed(STAGES):
        if stage.name in wanted:
            wanted.update(stage.needs)
    return [stage for stage in STAGES if stage.name in wanted]
