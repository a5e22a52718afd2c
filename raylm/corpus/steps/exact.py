"""Documents that are equal: in content whatever the white space (`exact`), or in their address on the web (`url`).

Each partition first settles what is equal within it and sends one row per key only. So a licence that is there a million times
costs a shuffle as many rows as there are partitions, and no worker holds more than its share of the distinct keys.
"""

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import numpy.typing as npt

from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.recipe.section import resource

if TYPE_CHECKING:
    import pyarrow as pa

U64 = npt.NDArray[np.uint64]


class Keyed(Step):
    """A step that keeps one of all documents with an equal key."""

    keep_by: str = ""
    """Which of the equal ones stays: the best by this column (a measure or a model's score); by default, and among equally good
    ones, that of the source with the higher priority, then the smaller id."""
    keep: Literal["high", "low"] = "high"
    """Whether a high value of `keep_by` is the better one."""
    against: tuple[str, ...] = ()
    """Earlier corpora, each a run's folder or a corpus artifact's: what is in one is removed from this one."""
    rows_in_one_task: int = resource(500_000, ge=0)
    """Documents, or pairs of duplicates, up to which one task compares them or hands them out (about 150 bytes each); above,
    shuffles do, with the same result."""

    def reason(self) -> str:
        """Return why the others go."""
        raise NotImplementedError

    def key_columns(self) -> tuple[str, ...]:
        """Return the columns that `keys` reads."""
        raise NotImplementedError

    def published(self) -> tuple[str, ...]:
        """Return those that an earlier corpus has of its documents."""
        raise NotImplementedError

    def keys(self, rows: "pa.Table") -> tuple[U64, U64, npt.NDArray[np.bool_]]:
        """Return the high and low halves of each row's 128-bit key, and which rows have one; of earlier corpora's rows too."""
        raise NotImplementedError

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the earlier corpora."""
        return self.against if stage == "corpus" else ()

    def run(self, corpus: Corpus, work: Work) -> dict[str, Any]:
        """Do what `Step.run` says."""
        from raylm.corpus.dedup.keyed import remove_equal

        return remove_equal(self, corpus, work)


class Exact(Keyed):
    """Removes documents whose words and symbols are those of another, whatever white space is between them."""

    do: Literal["exact"] = "exact"

    def reason(self) -> str:
        """Return the reason."""
        return "exact duplicate"

    def key_columns(self) -> tuple[str, ...]:
        """Return the hash's columns, and the text, which an earlier step may have changed."""
        return ("key", "key_low", "text")

    def published(self) -> tuple[str, ...]:
        """Return the hash's columns."""
        return ("key", "key_low")

    def keys(self, rows: "pa.Table") -> tuple[U64, U64, npt.NDArray[np.bool_]]:
        """Return the content's hash."""
        from raylm.corpus.dedup.signatures import content_key

        high, low = (rows[name].fill_null(0).to_numpy().copy() for name in ("key", "key_low"))
        for row in np.flatnonzero(rows["edited"].to_numpy()) if "edited" in rows.column_names else ():
            key = content_key(rows["text"][int(row)].as_py())
            high[row], low[row] = key >> 64, key & ((1 << 64) - 1)
        return high, low, np.ones(rows.num_rows, dtype=bool)


class Url(Keyed):
    """Keeps one document per address: the host in lower case, without `www.`, fragment, default port or tracking parameters."""

    do: Literal["url"] = "url"
    ignore_query: bool = False
    """Whether addresses that differ only after the `?` are the same."""

    def reason(self) -> str:
        """Return the reason."""
        return "same URL"

    def key_columns(self) -> tuple[str, ...]:
        """Return the address' column."""
        return ("url",)

    def published(self) -> tuple[str, ...]:
        """Return the address' column."""
        return ("url",)

    def keys(self, rows: "pa.Table") -> tuple[U64, U64, npt.NDArray[np.bool_]]:
        """Return the hash of the normalised address."""
        from raylm.corpus.dedup.signatures import content_key

        urls = [normalised(url, self.ignore_query) if url else "" for url in rows["url"].to_pylist()]
        keys = [content_key(url) for url in urls]
        high = np.array([key >> 64 for key in keys], dtype=np.uint64)
        low = np.array([key & ((1 << 64) - 1) for key in keys], dtype=np.uint64)
        return high, low, np.array([bool(url) for url in urls], dtype=bool)


_TRACKING = ("utm_", "fbclid=", "gclid=", "mc_cid=", "mc_eid=", "igshid=")


def normalised(url: str, ignore_query: bool = False) -> str:
    """Return an address in the form in which equal ones are equal (RFC 3986, section 6, and what trackers add taken off)."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return url.strip()
    if port and port != {"http": 80, "https": 443}.get(parts.scheme):
        host = f"{host}:{port}"
    query = "" if ignore_query else "&".join(
        sorted(item for item in parts.query.split("&") if item and not item.lower().startswith(_TRACKING)))
    return urlunsplit(("", host, parts.path.rstrip("/"), query, ""))

