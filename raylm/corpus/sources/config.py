"""What a recipe says of one source of documents. Kept apart from the kinds so that the command line can validate it cheaply."""

from pydantic import Field, field_validator, model_validator

from raylm.recipe.section import Section


class SourceConfig(Section):
    """One source: where its documents come from, how much of it, and how it ranks among the others."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)
    """The source's name: the `source` column of its documents, and the key of its mixture weight."""
    kind: str
    """How documents are found and made: one of raylm.corpus.sources.KINDS (python_stdlib, folder, ...)."""
    path: str | list[str] | None = None
    """The folder or folders to read; for kinds such as `folder`, which need it."""
    include: list[str] = Field(default_factory=list)
    """Globs over paths relative to the source's root (`*` crosses `/`); empty takes all that the kind takes."""
    exclude: list[str] = Field(default_factory=list)
    """Globs of files that are left out, after `include`."""
    include_tests: bool = False
    """Whether the kinds that read Python code take test folders too: much text, little that is worth imitating."""
    max_bytes: int | None = Field(default=None, ge=1)
    """Cap on the bytes of the files read. The choice is by a hash of each file's path, so it is the same on every machine."""
    priority: int | None = None
    """Which source keeps a document that several have: the lowest number. By default the position in the list."""
    text_column: str = "text"
    """The column that holds the text, in .jsonl and .parquet files."""

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        from raylm.corpus.sources import KINDS

        if kind not in KINDS:
            raise ValueError(f"one of {', '.join(sorted(KINDS))}")
        return kind

    @model_validator(mode="after")
    def _path_fits_kind(self) -> "SourceConfig":
        from raylm.corpus.sources import KINDS

        takes = KINDS[self.kind].takes_path
        if takes and not self.paths:
            raise ValueError(f"a source of kind {self.kind!r} with a path")
        if not takes and self.paths:
            raise ValueError(f"no path: kind {self.kind!r} finds its own files")
        return self

    @property
    def paths(self) -> list[str]:
        """The given paths, as a list."""
        given = [self.path] if isinstance(self.path, str) else self.path or []
        return [path for path in given if path]
