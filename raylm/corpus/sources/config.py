"""What a recipe says of one source of documents. Kept apart from the kinds so that the command line can validate it cheaply."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from raylm.errors import UserError
from raylm.recipe.section import Section
from raylm.storage.place import place_of

_FOR_FILES = ("columns", "extract", "extract_rows", "content", "delimiter", "anonymous", "base")


class SourceConfig(Section):
    """One source: where its documents come from, how much of it, and how it ranks among the others."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)
    """The source's name: the `source` column of its documents, and the key of its mixture weight."""
    kind: str
    """How documents are found and made: one of raylm.corpus.sources.KINDS (python_stdlib, folder, ...)."""
    path: str | list[str] | None = None
    """What to read, for kinds such as `folder`, which need it: a folder, a file, a glob (`data/**/*.jsonl.gz`; `*` stays within a
    folder), or several; on local disks, in object stores (`s3://`, `gs://`, `abfs://`) or, as single files, on HTTP(S) servers. A
    file called `*.paths` (or `*.paths.gz`) is a list of files, one on each line, as Common Crawl publishes them."""
    base: str | None = None
    """What the lines of a `.paths` list are relative to, such as `s3://commoncrawl` or `https://data.commoncrawl.org`; by default
    the server, bucket or folder of the list."""
    anonymous: bool = False
    """Whether to read an object store without credentials, as public data sets on S3 and GCS allow."""
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
    """The column that holds the text, in JSON lines, CSV and Parquet. `a.b` is the field `b` of the object `a`."""
    columns: dict[str, str] = Field(default_factory=dict)
    """What else to keep of a row, for rules to read: the name that it gets, and the column it is in (`likes: score`, `url:
    meta.link`). In WARC and WET files, the header. `url` is the document's address; a column of that name is taken without
    asking."""
    content: Literal["code", "prose"] | None = None
    """Whether to judge the documents as code or as prose. By default files by their ending, rows and pages as prose."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """What stands between the columns of a CSV file; by default a comma, in .tsv files a tab."""
    extract: str | None = None
    """How to get the main text of HTML pages: `trafilatura` (the best), `resiliparse` (ten times as fast, coarser) or `visible`
    (all that is shown). Given, HTML files are pages to read, whatever they are called; by default .html files are source code like
    others, and only pages in WARC files are extracted, by trafilatura."""
    extract_seconds: float = Field(default=10.0, gt=0, le=3600)
    """Seconds of CPU time that one page may take."""
    extract_rows: bool = False
    """Whether the text column of rows holds HTML, to be extracted like a page."""

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        from raylm.corpus.sources import KINDS

        if kind not in KINDS:
            raise ValueError(f"one of {', '.join(sorted(KINDS))}")
        return kind

    @field_validator("extract")
    @classmethod
    def _known_extractor(cls, extract: str | None) -> str | None:
        from raylm.corpus.extract import EXTRACTORS

        if extract is not None and extract not in EXTRACTORS:
            raise ValueError(f"one of {', '.join(sorted(EXTRACTORS))}")
        return extract

    @field_validator("path", "base")
    @classmethod
    def _no_secrets(cls, value: Any) -> Any:
        for place in [value] if isinstance(value, str) else value or []:
            if "://" in place:
                try:
                    place_of(place.replace("?", "") if _is_glob(place) else place)
                except UserError as error:
                    raise ValueError(f"an address without secrets: {error}") from None
        return value

    @model_validator(mode="after")
    def _path_fits_kind(self) -> "SourceConfig":
        from raylm.corpus.sources import KINDS

        takes = KINDS[self.kind].takes_path
        if takes and not self.paths:
            raise ValueError(f"a source of kind {self.kind!r} with a path")
        if not takes and self.paths:
            raise ValueError(f"no path: kind {self.kind!r} finds its own files")
        # Compared with the defaults, not with what is set: a recipe that was written out whole names every key.
        fields = type(self).model_fields
        given = [name for name in _FOR_FILES if getattr(self, name) != fields[name].get_default(call_default_factory=True)]
        if not takes and given:
            raise ValueError(f"no {given[0]!r} for kind {self.kind!r}, which says itself how its files are read")
        if self.extract_rows and self.extract is None:
            raise ValueError("an extractor (extract: trafilatura) for the HTML in the rows")
        return self

    @property
    def paths(self) -> list[str]:
        """The given paths, as a list."""
        given = [self.path] if isinstance(self.path, str) else self.path or []
        return [path for path in given if path]


def _is_glob(place: str) -> bool:
    """Whether a URI of an object store has a `?` that stands for a character; on HTTP servers it begins a query."""
    return not place.startswith("http")
