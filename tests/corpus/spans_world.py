"""A read artifact made by hand: what the tests of steps that cut repeats, or look for evaluation items, run on."""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa

from raylm.corpus.markers import Markers
from raylm.corpus.masks import MASKS
from raylm.corpus.parts import read_part, write_part
from raylm.corpus.read.schema import masked_column, read_schema
from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.corpus.steps.state import CHANGES, changes_table
from raylm.progress import Meter
from raylm.storage import Folder


def make_corpus(root: Path, documents: dict[str, tuple[str, str]], parts: int, measures=(), **columns: dict) -> Corpus:
    """Write documents, (source, text) by id, into partitions by a hash of the id; `columns` are further values by id."""
    schema = read_schema(measures)
    read = Folder.at(root / "read").create()
    for part in range(parts):
        rows = []
        for id, (source, text) in sorted(documents.items()):
            if int.from_bytes(blake2b(id.encode(), digest_size=4).digest(), "big") % parts == part:
                more = {name: values.get(id) for name, values in columns.items()}
                rows.append({**dict.fromkeys(map(masked_column, MASKS), 0), "id": id, "source": source, "path": f"{id}.txt",
                             "text": text, "content": "prose", "bytes": len(text.encode()), **more})
        write_part(read, part, pa.Table.from_pylist(rows, schema))
    return Corpus(read, None, parts, ranks={"first": 0, "second": 1})


def run_step(step: Step, corpus: Corpus, root: Path) -> tuple[dict[str, str | None], dict]:
    """Run a step; return the text left of each document that it changed, None for one that it removed, and the step's figures."""
    markers = Markers(Folder.at(root / "out").create())
    figures = step.run(corpus, Work(markers, "00-step", step.do, Meter()))
    left: dict[str, str | None] = {}
    for part in range(corpus.parts):
        ids = corpus.rows(part, ["id"])
        by_row = dict(zip(ids["row"].to_pylist(), ids["id"].to_pylist(), strict=True))
        for change in read_part(markers.folder.child("00-step"), part, CHANGES).to_pylist():
            assert change["by"] == step.do and (change["reason"] is None) != (change["text"] is None)
            left[by_row[change["row"]]] = change["text"]
    return left, figures


def make_earlier(root: Path, texts: list[str], parts: int) -> str:
    """Publish texts as an earlier corpus has them, as far as steps that cut repeats look at one; return its place."""
    folder = Folder.at(root / "earlier").create()
    for part in range(parts):
        rows = [{"id": f"earlier-{number}", "text": text} for number, text in enumerate(texts) if number % parts == part]
        write_part(folder.child("documents").create(), part, pa.Table.from_pylist(rows, pa.schema([
            ("id", pa.string()), ("text", pa.large_string())])))
        write_part(folder.child("fingerprints").create(), part, pa.table({"id": [row["id"] for row in rows]}))
    folder.write_json("manifest.json", {})
    return folder.uri


def edit(corpus: Corpus, root: Path, texts: dict[str, str]) -> Corpus:
    """Return the corpus after a step that gave some documents other texts, by id."""
    changes = Folder.at(root / "edited").create()
    for part in range(corpus.parts):
        mine = [row for row in corpus.rows(part, ["id"]).to_pylist() if row["id"] in texts]
        write_part(changes, part, changes_table([row["row"] for row in mine], "cut", text=[texts[row["id"]] for row in mine]))
    return corpus.after(changes)


def in_one_process(documents: dict[str, tuple[str, str]], parts: int, length: int, keep_first: bool):
    """Find repeated substrings with the pure functions of the step, in any number of partitions; return ranges of bytes by id."""
    from raylm.corpus.dedup.repeats import SENT, answer_rows, repeated_ranges, sent_rows
    from raylm.corpus.dedup.substrings import counted_names, name_rows
    from raylm.corpus.dedup.winnow import suspects

    ids = [sorted(id for id in documents if int(id) % parts == part) for part in range(parts)]
    loaded = [one_part(part, {id: documents[id] for id in own}) for part, own in enumerate(ids)]
    named, _ = counted_names(pa.concat_tables([name_rows(one, length, 3) for one in loaded]))

    def find(one):
        names = named.filter(pa.compute.equal(named["part"], one.part))["name"].sort().to_numpy()
        return suspects(one.texts, length, names) if len(names) else iter(())

    sent = [sent_rows(one, spans, 5) for one in loaded for spans in find(one)]
    answers = answer_rows(pa.concat_tables([SENT.empty_table(), *sent]))
    found = {id: [] for id in documents}
    for one, own in zip(loaded, ids, strict=True):
        known = answers.filter(pa.compute.equal(answers["part"], one.part)).sort_by("place")
        starts, ends = repeated_ranges(one, find, known, keep_first)
        for start, end, document in zip(starts, ends, one.texts.document(starts), strict=True):
            found[own[document]].append((int(start - one.texts.offsets[document]), int(end - one.texts.offsets[document])))
    return found


def one_part(part: int, documents: dict[str, tuple[str, str]]):
    """Return documents as `load` gives those of a partition."""
    from raylm.corpus.dedup.occurrences import precedence
    from raylm.corpus.dedup.repeats import Loaded
    from raylm.corpus.dedup.texts import Texts

    ranks = np.array([("first", "second").index(source) for source, _ in documents.values()], dtype=np.int64)
    texts = pa.chunked_array([pa.array([text for _, text in documents.values()], pa.large_string())])
    return Loaded(part, np.arange(len(documents)), precedence(ranks, list(documents)), Texts.of(texts))
