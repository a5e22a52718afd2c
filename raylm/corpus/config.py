"""The recipe's `corpus` section. Three stages read it: what is read and measured (`read`), which models judge it (`score`), and
which steps then decide (`corpus`). Each stage's address takes only what decides its own artifact.
"""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from raylm.corpus.cleaning import CleanConfig
from raylm.corpus.masks import MASKS, MasksConfig
from raylm.corpus.measures.base import Measure
from raylm.corpus.models import AnyModel
from raylm.corpus.read.identified import COLUMNS, MODES, Identified
from raylm.corpus.rules import Rule
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.steps.near import Near
from raylm.corpus.steps.registry import AnyStep
from raylm.recipe.section import Section, resource

__all__ = ["CorpusConfig", "MasksConfig", "SourceConfig"]

_FEWEST, _MOST = 8, 65_536
_PARTITION_BYTES = 100_000_000
"""Text in a partition by default. The address of a corpus knows the files' sizes, and not this: another value is another version
of the stage."""
_GIVEN = ("id", "source", "path", "content", "url", "metadata", "bytes", "raw_bytes", *COLUMNS)
_INTERNAL = ("text", "read_bytes", "unread", "key", "key_low", "part", "row", "edited")
"""Columns besides them that no model may be named like."""
_DEFAULT_STEPS = ("length", "comments", "lines", "characters", "repetition", "generated", "exact", "near")


class CorpusConfig(Section):
    """How raw files become clean documents."""

    sources: list[SourceConfig] = Field(min_length=1, max_length=127)
    """Where documents come from. Earlier sources keep what several have, unless `priority` says otherwise."""
    clean: CleanConfig = CleanConfig()
    """What is done to every text before anything looks at it."""
    mask: MasksConfig = MasksConfig()
    """Personal data that is replaced by placeholders."""
    language: Literal["vote", "fast", "off"] | tuple[str, ...] = "vote"
    """How each document's language is identified: `vote` (by several identifiers: cld2, langid, markers), `fast` (by cld2 alone),
    `off`, or a list of identifiers that vote, such as `[cld2, langid, markers, lingua]`. Those that need a package more, lid176 and
    lingua, say which."""
    models: tuple[AnyModel, ...] = ()
    """Models that raylm trains and asks about every document; each is a column that steps can read."""
    steps: tuple[AnyStep, ...] = Field(default_factory=lambda: tuple(_step(name) for name in _DEFAULT_STEPS))
    """What removes or changes documents, in order: rules, duplicates, evaluation sets. Each removed document has its step's
    reason. Without this key: length, comments, lines, characters, repetition, generated, exact, near; `[]` removes nothing."""
    partitions: int | None = Field(default=None, ge=1, le=_MOST)
    """Files that the documents are spread over by a hash of their id. One must fit in a worker's memory: about 200 MB of text. By
    default one for each 100 MB of text found, and at least 8."""
    read_block_bytes: int = resource(2_000_000, ge=1)
    """Bytes of files that one reading task takes."""
    read_group_bytes: int = resource(8_000_000_000, ge=1)
    """Bytes of files after which what was read is written down: what a kill may cost. A file is in one group whole."""
    batch_documents: int = resource(256, ge=1)
    """Documents that a reading task holds at a time, and"""
    batch_characters: int = resource(16_000_000, ge=1)
    """characters of their texts."""

    @field_validator("sources")
    @classmethod
    def _distinct_names(cls, sources: list[SourceConfig]) -> list[SourceConfig]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"sources with different names ({', '.join(twice)} is there twice)")
        return sources

    @field_validator("language", mode="before")
    @classmethod
    def _known_identifiers(cls, language: Any) -> str | tuple[str, ...]:
        if language is False:  # YAML's reading of `off`
            return "off"
        if isinstance(language, str) and language in MODES:
            return language
        from raylm.corpus.language import IDENTIFIERS

        told = isinstance(language, list | tuple) and all(isinstance(name, str) and name in IDENTIFIERS for name in language)
        # Some only choose between what others name, and nobody votes twice.
        if not told or len(set(language)) < len(language) or not any(IDENTIFIERS[name].alone for name in language):
            alone = [name for name, kind in IDENTIFIERS.items() if kind.alone]
            raise ValueError(f"{', '.join(MODES)}, or a list of different ones of {', '.join(IDENTIFIERS)}, with at least one of "
                             f"{', '.join(alone)}")
        return tuple(language)

    @model_validator(mode="after")
    def _cleaning_fits(self) -> "CorpusConfig":
        names = [source.name for source in self.sources]
        for name in self.clean.c4_lines.sources if self.clean.c4_lines else ():
            if name not in names:
                raise ValueError(f"corpus.clean.c4_lines.sources: got {name!r}, allowed: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _models_fit(self) -> "CorpusConfig":
        taken = {*_GIVEN, *_INTERNAL, *(f"masked_{kind}" for kind in MASKS), *self._measured()}
        numbers, names = self._numbers(), [source.name for source in self.sources]
        for number, model in enumerate(self.models):
            where = f"corpus.models.{number} ({model.name})"
            earlier = [one.name for one in self.models[:number]]
            if model.name in taken or model.name in earlier:
                what = "an earlier model's name" if model.name in earlier else "the name of a column that documents have"
                raise ValueError(f"{where}: name: got {model.name!r}, which is {what}; allowed: any other")
            known = numbers - {one.name for one in self.models[number:]}
            for column in model.only:
                if column not in known:
                    raise ValueError(f"{where}: only: got {column!r}, allowed: an earlier model or one of "
                                     f"{', '.join(sorted(known))}")
            for name in (*model.sources, *(name for text in model.training() for name in text.text.sources)):
                if name not in names:
                    raise ValueError(f"{where}: sources: got {name!r}, allowed: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _steps_fit(self) -> "CorpusConfig":
        names, models = [source.name for source in self.sources], [model.name for model in self.models]
        columns = {*_GIVEN, *(f"masked_{kind}" for kind in MASKS), *models, *self._measured()}
        for number, step in enumerate(self.steps):
            where = f"corpus.steps.{number} ({step.do})"
            for name in step.sources:
                if name not in names:
                    raise ValueError(f"{where}: sources: got {name!r}, allowed: {', '.join(names)}")
            fitting = [model.name for model in self.models if model.scale == step.scale]
            for name in step.models_asked():
                if name not in fitting:
                    what = "a language model" if step.scale == "perplexity" else "a classifier"
                    raise ValueError(f"{where}: got {name!r}, allowed: {what} of corpus.models "
                                     f"({', '.join(fitting) or 'there is none'})")
            keep_by = getattr(step, "keep_by", "")
            if keep_by and keep_by not in self._numbers():
                raise ValueError(f"{where}: keep_by: got {keep_by!r}, allowed: a model of corpus.models or one of "
                                 f"{', '.join(sorted(self._numbers()))}")
            for name in step.columns() if isinstance(step, Rule) else ():
                if name not in columns:
                    raise ValueError(f"{where}: got {name!r}, allowed: one of {', '.join(sorted(columns))}")
            for kind in step.masks_asked():
                if not getattr(self.mask, kind):
                    raise ValueError(f"{where}: kinds: got {kind!r}, which corpus.mask does not look for; turn it on there")
            if self.language == "off" and step.needs_language:
                raise ValueError(f"{where}: asks for the language, and with corpus.language off none is known")
            if self.language == "off" and step.languages:
                raise ValueError(f"{where}: judges only {', '.join(step.languages)}, and with corpus.language off no language is "
                                 "known; turn it on, or give `languages: []` for all")
        return self

    def _measured(self) -> dict[str, str]:
        """Return Arrow's type of each measured column that a recipe can name.

        Columns of what is measured with a list are named after its content: nobody writes such a name. And a finished run may be
        looked at when its lists are long gone, so lists are read where a run is planned or built, and not here.
        """
        asked = [measure for step in self.steps if not step.files("read") for measure in step.measures()]
        return {name: kind for measure in (Identified(self.language), *asked) for name, kind in measure.columns.items()}

    def _numbers(self) -> set[str]:
        """Return the columns that hold numbers, the models' among them: what documents can be ordered by."""
        measured = {name for name, kind in self._measured().items() if kind not in ("string", "binary")}
        masked = {f"masked_{kind}" for kind in MASKS}
        return {"bytes", "raw_bytes", "read_bytes", *masked, *measured, *(model.name for model in self.models)}

    def measures(self) -> tuple[Measure, ...]:
        """Return what is measured of every document: the language, and what any step asks for, each once."""
        asked = {measure for step in self.steps for measure in step.measures() if not COLUMNS.keys() & measure.columns.keys()}
        return (Identified(self.language), *sorted(asked, key=repr))

    def fingerprints(self) -> tuple[str, ...]:
        """Return the columns by which a later corpus can be compared with this one."""
        signatures = {name for step in self.steps if isinstance(step, Near) for name in step.signature().columns}
        return ("key", "key_low", *sorted(signatures))

    def identity_for(self, stage: str) -> dict[str, Any]:
        """Return the values that decide what one of the three stages makes, as JSON types."""
        whole = self.identity()
        if stage == "read":
            sources = [{key: value for key, value in source.items() if key != "priority"} for source in whole["sources"]]
            return {"sources": sources, "clean": whole["clean"], "mask": whole["mask"], "partitions": whole["partitions"],
                    "measures": [repr(measure) for measure in self.measures()]}
        if stage == "score":
            return {"models": whole["models"]}
        return {"steps": whole["steps"], "ranks": self.rank_by_source()}

    def contents_for(self, stage: str) -> list[str]:
        """Return the places that models (`score`) or steps (`corpus`; `read`, for what they measure with) name besides the
        sources."""
        if stage == "score":
            return [place for model in self.models for place in model.files()]
        places = [place for step in self.steps for place in step.files(stage)]
        return list(dict.fromkeys(places))

    def partitions_for(self, text_bytes: int) -> int:
        """Return `partitions`, or where the recipe leaves it open the number for so many bytes of text.

        It depends on nothing else, least of all on the number of workers: which document is in which file is part of the artifact.
        """
        return self.partitions or min(max(_FEWEST, -(-text_bytes // _PARTITION_BYTES)), _MOST)

    def rank_by_source(self) -> dict[str, int]:
        """Return each source's rank, 0 first: by priority (default its position in the list), then position."""
        def key(position: int) -> tuple[int, int]:
            priority = self.sources[position].priority
            return (position if priority is None else priority, position)

        order = sorted(range(len(self.sources)), key=key)
        return {self.sources[position].name: rank for rank, position in enumerate(order)}


def _step(name: str) -> Any:
    from raylm.corpus.steps.registry import STEPS

    return STEPS[name](do=name)
