"""The stage as the pipeline runs it, on real text in the corpus artifact's form."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raylm.errors import UserError
from raylm.progress import Meter
from raylm.stage import Outcome, StageContext
from raylm.storage import Artifact, Folder
from raylm.tokenizer.build import build
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.panels import panels
from raylm.tokenizer.shards import TokenShards
from raylm.tokenizer.split import is_held_out
from raylm.tokenizer.text import Tokenizer


def write_corpus(folder: Path, texts: dict[str, list[str]], parts: int) -> list[dict]:
    rows = []
    for source, of_source in texts.items():
        for number, text in enumerate(of_source):
            origin = hashlib.blake2b(str(number).encode(), digest_size=8).hexdigest()
            record = hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
            rows.append({"id": f"{origin}-{record}", "source": source, "path": f"{number}.py", "text": text,
                         "bytes": len(text.encode())})
    rows.sort(key=lambda row: row["id"])
    (folder / "documents").mkdir(parents=True)
    size = -(-len(rows) // parts)
    for part in range(parts):
        table = pa.Table.from_pylist(rows[part * size:(part + 1) * size])
        pq.write_table(table, folder / "documents" / f"part-{part:05d}.parquet")
    return rows


@pytest.fixture(scope="module")
def corpus(library: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, list[dict]]:
    folder = tmp_path_factory.mktemp("corpus")
    rows = write_corpus(folder, {"code": [t[:8000] for t in library[:120]], "tails": [t[-900:] for t in library[:80]]}, 3)
    return Artifact("corpus", "test", Folder.at(folder)), rows


def run(corpus: Artifact, output: Path, **config) -> Outcome:
    settings = TokenizeConfig(**{"vocabulary": 600, "sample_bytes": 100_000, "heldout_fraction": 0.1, "workers": 2, **config})
    return build(StageContext(settings, 5, {"corpus": corpus}, Folder.at(output), Meter()))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture(scope="module")
def built(ray_cluster, corpus, tmp_path_factory) -> tuple[Path, Outcome]:
    output = tmp_path_factory.mktemp("tokenize")
    return output, run(corpus[0], output)


def test_shards_hold_every_document_in_its_split(built, corpus):
    shards, tokenizer = TokenShards.open(built[0]), Tokenizer.open(built[0] / "tokenizer")
    assert shards.sources == ["code", "tails"]
    for source in shards.sources:
        for split in ("train", "heldout"):
            pairs = zip(shards.tokens(source, split), shards.offsets(source, split), strict=True)
            documents = [tokens[a:b].tolist() for tokens, offsets in pairs for a, b in pairwise(offsets)]
            texts = [row["text"] for row in corpus[1]
                     if row["source"] == source and is_held_out(row["id"], 0.1) == (split == "heldout")]
            assert texts
            assert [tokenizer.decode(document) for document in documents] == texts
            assert all(d[0] == tokenizer.bos and d[-1] == tokenizer.eos for d in documents)
            assert shards.size(source, split) == {"tokens": sum(map(len, documents)), "documents": len(texts),
                                                  "bytes": sum(len(t.encode()) for t in texts)}
            assert all(t.dtype == np.uint16 for t in shards.tokens(source, split))
            assert all(o.dtype == np.int64 for o in shards.offsets(source, split))


def test_one_worker_gives_the_same_bytes_as_two(built, corpus, tmp_path: Path):
    outcome = run(corpus[0], tmp_path, workers=1)
    assert tree(tmp_path) == tree(built[0])
    assert outcome.metrics == built[1].metrics


def test_killed_run_resumes_with_identical_files_and_keeps_what_was_done(built, corpus, tmp_path: Path):
    for name, data in tree(built[0]).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "index.json").unlink()
    (tmp_path / "parts/part-00001.json").unlink()
    (tmp_path / "shards/code/train/tokens-00001.npy").write_bytes(b"half")
    (tmp_path / "shards/code/train/.tokens-00002.npy.12345678").write_bytes(b"aside")
    kept = tmp_path / "shards/code/train/tokens-00000.npy"
    before = kept.stat().st_mtime_ns
    outcome = run(corpus[0], tmp_path)
    assert tree(tmp_path) == tree(built[0])
    assert kept.stat().st_mtime_ns == before
    assert outcome.metrics == built[1].metrics


def test_vocabulary_is_learned_from_training_documents_only(ray_cluster, library: list[str], tmp_path: Path):
    secret = "\u4e00\u4e01\u4e03" * 300
    rows = write_corpus(tmp_path / "a", {"code": [t[:2000] for t in library[:60]]}, 1)
    changed = [{**r, "text": secret, "bytes": 2700} if is_held_out(r["id"], 0.1) else r for r in rows]
    (tmp_path / "b/documents").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(changed), tmp_path / "b/documents/part-00000.parquet")
    for name in ("a", "b"):
        run(Artifact("corpus", name, Folder.at(tmp_path / name)), tmp_path / f"out-{name}")
    first, second = ((tmp_path / f"out-{name}/tokenizer/tokenizer.model").read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_corpus_too_small_for_the_fraction_holds_one_document_out(ray_cluster, library: list[str], tmp_path: Path):
    rows = write_corpus(tmp_path / "c", {"code": [t[:2000] for t in library[:12]]}, 2)
    run(Artifact("corpus", "c", Folder.at(tmp_path / "c")), tmp_path / "out", heldout_fraction=1e-6)
    index = json.loads((tmp_path / "out/index.json").read_text())
    assert index["sources"]["code"]["heldout"]["documents"] == 1
    assert [is_held_out(row["id"], index["heldout_fraction"]) for row in rows].count(True) == 1, "later stages agree"


def test_a_corpus_of_one_document_is_one_clear_line(ray_cluster, tmp_path: Path):
    write_corpus(tmp_path / "c", {"code": ["x = 1\n"]}, 1)
    with pytest.raises(UserError, match="nothing left to train on; give text of more files"):
        run(Artifact("corpus", "c", Folder.at(tmp_path / "c")), tmp_path / "out", heldout_fraction=1e-6)


def test_an_empty_corpus_is_one_clear_line(tmp_path: Path):
    with pytest.raises(UserError, match="no documents"):
        run(Artifact("corpus", "e", Folder.at(tmp_path / "nothing")), tmp_path / "out")


def test_the_report_shows_every_source(built):
    panel, _ = panels({"metrics": built[1].metrics}, built[1].cost)
    assert [row[0] for row in panel.content[0].rows] == ["code", "tails"]
    assert all(row[6] > 1.0 for row in panel.content[0].rows)


def write_languages(folder: Path, shakespeare: list[str], poems: list[str]) -> Artifact:
    """English and Chinese with their languages told, and code without."""
    rows = write_corpus(folder, {"plays": shakespeare[:150], "poems": poems[:900], "code": ["x = 1\n" * 40] * 30}, 2)
    for part in sorted((folder / "documents").iterdir()):
        table = pq.read_table(part)
        told = [{"plays": "en", "poems": "zh", "code": ""}[source] for source in table["source"].to_pylist()]
        pq.write_table(table.append_column("language", pa.array(told)), part)
    assert rows
    return Artifact("corpus", "languages", Folder.at(folder))


def test_fertility_is_counted_per_language_and_shown(ray_cluster, shakespeare, poems, tmp_path: Path):
    corpus = write_languages(tmp_path / "c", shakespeare, poems)
    outcome = run(corpus, tmp_path / "out", kind="character", byte_fallback=False, weights={"plays": 1.0})
    tokenizer, fertility = Tokenizer.open(tmp_path / "out/tokenizer"), outcome.metrics["fertility"]["language"]
    rows = pq.read_table(tmp_path / "c/documents").to_pylist()
    texts = [row["text"] for row in rows if row["language"] == "zh"]
    assert fertility["zh"]["documents"] == 900 == len(texts)
    assert fertility["zh"]["tokens"] == sum(map(len, map(tokenizer.encode, texts)))
    assert fertility["zh"]["bytes"] == sum(len(text.encode()) for text in texts)
    assert fertility["zh"]["unknown_share"] > 0.5 and fertility["en"]["unknown_share"] < 0.001
    assert set(outcome.metrics["sample"]) == {"plays"}
    assert "unknown tokens" in outcome.headline
    _, shown = panels({"metrics": outcome.metrics}, outcome.cost)
    assert [row[0] for row in shown.content[0].rows] == ["not identified", "en", "zh"]


def test_an_existing_tokenizer_is_used_and_another_language_added(ray_cluster, built, corpus, shakespeare, poems, tmp_path: Path):
    base = str(built[0] / "tokenizer")
    used = run(corpus[0], tmp_path / "used", existing=base)
    assert tree(tmp_path / "used/tokenizer") == tree(built[0] / "tokenizer")
    assert tree(tmp_path / "used/shards") == tree(built[0] / "shards")
    assert used.metrics["sources"] == built[1].metrics["sources"]
    added = run(write_languages(tmp_path / "c", shakespeare, poems), tmp_path / "added",
                extend={"base": base, "pieces": 700, "sources": ["poems"]})
    told = added.metrics["extension"]
    assert told["added"] == 700 and added.metrics["vocabulary"] == 1300
    assert told["new"]["after"]["tokens_per_byte"] < 0.6 * told["new"]["before"]["tokens_per_byte"]
    assert told["old"]["unchanged"] == told["old"]["passages"] > 0
    assert panels({"metrics": added.metrics}, added.cost)[2].title == "Extension"
    again = run(Artifact("corpus", "languages", Folder.at(tmp_path / "c")), tmp_path / "added",
                extend={"base": base, "pieces": 700, "sources": ["poems"]})
    assert again.metrics == added.metrics, "found again, not learned again"


def test_wordpiece_goes_through_the_stage_as_the_others_do(ray_cluster, corpus, tmp_path: Path):
    run(corpus[0], tmp_path, kind="wordpiece")
    shards, tokenizer = TokenShards.open(tmp_path), Tokenizer.open(tmp_path / "tokenizer")
    tokens, offsets = shards.tokens("code", "train")[0], shards.offsets("code", "train")[0]
    texts = {row["text"] for row in corpus[1]}
    assert all(tokenizer.decode(tokens[a:b].tolist()) in texts for a, b in pairwise(offsets))
    assert not (tmp_path / "tokenizer/tokenizer.model").exists()
