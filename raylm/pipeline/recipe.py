"""The whole recipe: a name, a seed, a place for the artifacts, and one section per stage."""

import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from raylm.compress.config import CompressConfig
from raylm.corpus.config import CorpusConfig
from raylm.errors import RecipeError
from raylm.evaluate.config import EvaluateConfig
from raylm.mixture.config import MixConfig
from raylm.posttrain.reward.config import RewardConfig
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.sft.config import SftConfig
from raylm.pretrain.config import PretrainConfig
from raylm.recipe.reading import parse_value, read_yaml, set_key, validate
from raylm.recipe.section import Section, resource
from raylm.serve.config import ServeConfig
from raylm.tokenizer.config import TokenizeConfig


class Recipe(Section):
    """From raw text to an endpoint. Every section but `corpus` may be left out; its defaults then hold."""

    name: str = resource(..., pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    """Name of the run: its folder below `storage`. Lower-case letters, digits, `-` and `_`."""
    seed: int = Field(0, ge=0)
    """Where all randomness starts."""
    storage: str = resource("runs")
    """Where runs and artifacts are kept: a local path, or a URI such as s3://bucket/prefix that all nodes reach."""
    corpus: CorpusConfig
    """Sources, rules and deduplication."""
    tokenize: TokenizeConfig = TokenizeConfig()
    """Tokenizer and token shards."""
    mix: MixConfig = MixConfig()
    """Search for the sources' weights."""
    pretrain: PretrainConfig = PretrainConfig()
    """Network and pretraining."""
    sft: SftConfig = SftConfig()
    """Supervised fine-tuning."""
    reward: RewardConfig = RewardConfig()
    """Reward model."""
    rlhf: RlhfConfig = RlhfConfig()
    """PPO."""
    compress: CompressConfig = CompressConfig()
    """Quantisation."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """Measurements."""
    serve: ServeConfig = ServeConfig()
    """The endpoint."""

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        context = self.pretrain.model.context
        lengths = {"pretrain.length": self.pretrain.length, "sft.length": self.sft.length, "reward.length": self.reward.length}
        for key, length in lengths.items():
            if length > context:
                raise ValueError(f"{key}: got {length}, allowed: at most pretrain.model.context, {context}")
        if self.rlhf.prompt_tokens >= context:
            raise ValueError(f"rlhf.prompt_tokens: got {self.rlhf.prompt_tokens}, allowed: less than pretrain.model.context, "
                             f"{context}")
        vocabulary = self.pretrain.model.vocabulary
        ours = self.tokenize.existing is None and self.tokenize.extend is None and self.tokenize.kind != "byte"
        if ours and 0 < vocabulary < self.tokenize.vocabulary:
            raise ValueError(f"pretrain.model.vocabulary: got {vocabulary}, allowed: 0 (the tokenizer's) or at least "
                             f"tokenize.vocabulary, {self.tokenize.vocabulary}")
        names = [source.name for source in self.corpus.sources]
        for name in self.mix.target or {}:
            if name not in names:
                raise ValueError(f"mix.target: got {name!r}, allowed: the sources, {', '.join(names)}")
        return self


_VARIABLE = re.compile(r"\$\{([A-Za-z_]+)\}")


def read_recipe(path: str | Path, variables: dict[str, str] | None = None, changes: list[str] | None = None) -> Recipe:
    """Read, fill in and validate a recipe.

    Args:
        path: the YAML file.
        variables: values for `${name}` in the file's texts (`folder` for `--folder`).
        changes: `key.path=value` settings that override the file.

    Raises:
        RecipeError: one line per problem: the key, what was given, what is allowed.
    """
    used: set[str] = set()
    data = _substitute(read_yaml(path), variables or {}, str(path), used)
    for name in sorted((variables or {}).keys() - used):
        option = "--folder" if name == "folder" else f"--var {name}"
        raise RecipeError(f"{option}: {path} has no ${{{name}}} that it could be put into"
                          + ("; jobs/recipes/folder.yaml is for a folder of your own" if name == "folder" else ""))
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals or not key:
            raise RecipeError(f"--set {change}: got no '=', allowed: key.path=value")
        set_key(data, key, parse_value(value))
    return validate(Recipe, data, Path(path).name)


def _substitute(value: Any, variables: dict[str, str], origin: str, used: set[str]) -> Any:
    """Fill in a value's variables, and add to `used` which they were."""
    if isinstance(value, dict):
        return {key: _substitute(item, variables, origin, used) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, variables, origin, used) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            option = "--folder PATH" if name == "folder" else f"--var {name}=VALUE"
            raise RecipeError(f"{origin}: ${{{name}}} has no value; give {option}")
        used.add(name)
        return variables[name]

    return _VARIABLE.sub(replace, value)
