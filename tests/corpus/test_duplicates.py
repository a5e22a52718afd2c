"""The steps that keep one of several: what is equal, what is near, which one stays, and what earlier corpora had already."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from raylm.corpus.clusters import as_text, largest, side_by_side
from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.keyed import key_sizes, least_of_each, node_rows, nodes_of
from raylm.corpus.dedup.measure import Signature
from raylm.corpus.dedup.signatures import content_key
from raylm.corpus.document import Document
from raylm.corpus.publish import publish
from raylm.corpus.read.identified import Identified
from raylm.corpus.steps.exact import Exact, normalised
from raylm.progress import Meter
from raylm.storage import Folder

from making import make  # isort: skip
from spans_world import edit, make_corpus  # isort: skip

WORDS = [first + second for first in ("ba", "do", "ki", "lu", "me", "ra") for second in ("lan", "mor", "nit", "pel", "sud", "tir")]


def prose(seed, words=300):
    rng = random.Random(seed)
    return [rng.choice(WORDS) + rng.choice(["", "s", "en"]) for _ in range(words)]


def edited(words, changes, seed):
    rng = random.Random(seed)
    words = list(words)
    for place in rng.sample(range(len(words)), changes):
        words[place] = f"x{rng.randrange(10**9)}"
    return words


def rows(folder, name, **columns):
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(columns.values())))
    path.write_text("".join(json.dumps({key: values[at] for key, values in columns.items()}) + "\n" for at in range(count)))


def config(sources, steps, **more):
    return CorpusConfig.model_validate({"partitions": 3, "language": "off", "steps": steps, "sources": [
        {"name": name, "kind": "folder", "path": str(path), "columns": {"url": "url", "likes": "likes"}}
        for name, path in sources.items()], **more})


def table(artifacts, name):
    folder = Path(artifacts["corpus"].folder.uri) / name
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def first(tmp_path_factory, ray_cluster):
    """Two sources: originals, then copies of them with one to forty words changed, an exact one, and one address three times."""
    root = tmp_path_factory.mktemp("duplicates")
    originals = [prose(seed) for seed in range(6)]
    rows(root / "one", "texts", text=[" ".join(words) for words in originals],
         url=[f"https://www.example.org/{number}?utm_source=x" for number in range(6)])
    copies = [edited(originals[0], 2, 1), edited(originals[1], 8, 2), edited(originals[2], 40, 3), originals[3],
              edited(originals[4], 2, 4), [*edited(originals[4], 2, 5), *prose(50, 250)]]
    rows(root / "two", "texts", text=[" ".join(words) for words in copies],
         url=["http://example.org/0/#top", *(f"https://other.org/{number}" for number in range(5))])
    steps = [{"do": "url"}, {"do": "exact"}, {"do": "near", "threshold": 0.7}]
    artifacts, outcome = make(config({"one": root / "one", "two": root / "two"}, steps), root / "made")
    return root, artifacts, outcome, originals, copies


def test_one_stays_of_each_and_the_rest_say_for_whom(first):
    _, artifacts, outcome, originals, copies = first
    assert outcome.metrics["reasons"] == {"url": {"same URL": 1}, "exact": {"exact duplicate": 1}, "near": {"near duplicate": 2}}
    kept = {row["id"]: row for row in table(artifacts, "documents")}
    removed = {row["text"] if "text" in row else row["id"]: row for row in table(artifacts, "removed")}
    assert len(kept) == 8 and all(row["source"] == "two" for row in removed.values())
    near = sorted((row["similarity"] for row in removed.values() if row["step"] == "near"), reverse=True)
    truth = []
    for original, copy in ((originals[1], copies[1]), (originals[4], copies[4])):
        a, b = ({tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (original, copy))
        truth.append(len(a & b) / len(a | b))
    assert near == sorted(truth, reverse=True)  # the third, with forty changes, and the fifth, much longer, are not near
    texts = {row["text"].strip() for row in kept.values()}
    assert {" ".join(words) for words in (*originals, copies[2], copies[5])} == texts
    assert {row["duplicate_of"] for row in removed.values()} <= kept.keys()
    assert {row["cluster_size"] for row in removed.values()} == {2} and {row["duplicate_in"] for row in removed.values()} == {None}
    stands = {row["duplicate_of"] for row in removed.values()}
    assert all(row["cluster_size"] == (2 if id in stands else 1) for id, row in kept.items())


def test_clusters_can_be_looked_at_side_by_side(first):
    _, artifacts, _, originals, copies = first
    found = largest(artifacts["corpus"], artifacts["read"], 5, 2, "near")
    assert [(cluster.size, len(cluster.removed)) for cluster in found] == [(2, 1), (2, 1)]
    cluster = next(one for one in found if one.kept.text.split() == originals[4])
    assert cluster.removed[0].text.split() == copies[4] and 0.9 < cluster.removed[0].similarity < 1
    shown = as_text(cluster, 100, 12)
    assert "┃" in shown and cluster.kept.path in shown and all(len(line) <= 104 for line in shown.splitlines())
    assert not list(side_by_side("one\ntwo\n", "one\ntwo\n", 20))


def test_what_an_earlier_corpus_has_is_removed_and_named(first):
    root, artifacts, _, originals, _ = first
    new = [originals[0], edited(originals[5], 2, 9), prose(77)]
    rows(root / "later", "texts", text=[" ".join(words) for words in new])
    earlier = artifacts["corpus"].folder.uri
    steps = [{"do": "exact", "against": [earlier]}, {"do": "near", "threshold": 0.7, "against": [earlier]}]
    made, outcome = make(config({"later": root / "later"}, steps), root / "second")
    assert [row["text"].split() for row in table(made, "documents")] == [new[2]]
    old = {row["text"].strip(): row["id"] for row in table(artifacts, "documents")}
    gone = {row["step"]: row["duplicate_of"] for row in table(made, "removed")}
    assert gone == {"exact": old[" ".join(originals[0])], "near": old[" ".join(originals[5])]}
    assert outcome.metrics["details"]["01-near"]["clusters"][0]["source"] == "an earlier corpus"


def test_a_folder_that_is_read_again_is_told_from_the_corpus_that_has_it(first):
    root, artifacts, _, originals, _ = first
    earlier = artifacts["corpus"].folder.uri
    later = [{"do": "url", "against": [earlier]}]
    rows(root / "new", "texts", text=[" ".join(prose(88))], url=["https://example.org/99"])
    made, outcome = make(config({"one": root / "one", "new": root / "new"}, later), root / "again")
    removed = table(made, "removed")
    assert len(removed) == 6 and len(table(made, "documents")) == 1
    assert all(row["duplicate_of"] == row["id"] and row["duplicate_in"] == earlier for row in removed)
    told = outcome.metrics["details"]["00-url"]["clusters"]
    assert {row["source"] for row in told} == {"an earlier corpus"} and all(row["path"].startswith("one/") for row in told)
    shown = largest(made["corpus"], made["read"], 9, 2)
    assert {cluster.kept.source for cluster in shown} == {f"one of {earlier}"}
    assert sorted(cluster.kept.text.split() for cluster in shown) == sorted(originals)
    manifest = Path(earlier) / "manifest.json"
    manifest.rename(manifest.with_suffix(".away"))
    gone = largest(made["corpus"], made["read"], 1, 2)[0].kept
    manifest.with_suffix(".away").rename(manifest)
    assert gone.source == f"an earlier corpus, gone from {earlier}" and not gone.text


def test_the_size_of_a_cluster_that_is_compared_in_pieces_is_that_of_the_whole(tmp_path, ray_cluster):
    many = [edited(prose(3), 2, seed) for seed in range(14)]
    rows(tmp_path / "texts", "texts", text=[" ".join(words) for words in [*many, many[0], prose(4)]])
    steps = [{"do": "exact"}, {"do": "near", "threshold": 0.7, "largest_group": 4}]
    artifacts, _ = make(config({"texts": tmp_path / "texts"}, steps), tmp_path / "made")
    assert sorted(row["cluster_size"] for row in table(artifacts, "documents")) in ([1, 15], [1, 14])
    near = [row for row in table(artifacts, "removed") if row["step"] == "near"]
    assert len(near) == 13 and {row["cluster_size"] for row in near} == {14}


def test_the_best_by_a_column_is_told_by_the_text_as_it_is_now(tmp_path):
    corpus = make_corpus(tmp_path, {"cut": ("first", "text " * 300), "whole": ("second", "text " * 20)}, 1)
    step = Exact(keep_by="bytes")
    best = {}
    for name, one in (("before", corpus), ("after", edit(corpus, tmp_path, {"cut": "only this left"}))):
        found = node_rows(step, one, 0, ["id"])
        best[name] = found["id"][int(nodes_of(step, one, 0, found).argmin())].as_py()
    assert best == {"before": "cut", "after": "whole"}


def test_fingerprints_are_those_of_the_texts_that_are_published(tmp_path, ray_cluster):
    signature = Signature(16, 5)
    texts = {"cut": " ".join(prose(1)), "whole": " ".join(prose(2))}
    signed = signature.measure([Document(text) for text in texts.values()])
    columns = {name: dict(zip(texts, values, strict=True)) for name, values in signed.items()}
    corpus = make_corpus(tmp_path, {name: ("first", text) for name, text in texts.items()}, 1, [signature, Identified("off")],
                         **columns, key=dict.fromkeys(texts, 1), key_low=dict.fromkeys(texts, 2))
    after = replace(edit(corpus, tmp_path, {"cut": " ".join(prose(1)[:99])}), measures=(signature,))
    publish(Folder.at(tmp_path / "made").create(), after, ["key", "key_low", *signature.columns], Meter())
    cut, whole = pq.read_table(tmp_path / "made" / "fingerprints").to_pylist()
    key = content_key(" ".join(prose(1)[:99]))
    assert (cut["key"], cut["key_low"]) == (key >> 64, key & (1 << 64) - 1) and (whole["key"], whole["key_low"]) == (1, 2)
    assert cut["shingles_5"] == 95 and whole["shingles_5"] == 296
    assert cut["minhash_16_5"] == signature.measure([Document(" ".join(prose(1)[:99]))])["minhash_16_5"][0] != whole["minhash_16_5"]


@pytest.mark.parametrize(("keep_by", "keep", "longer_stays"), [("bytes", "high", True), ("bytes", "low", False)])
def test_the_survivor_is_the_best_by_a_column(tmp_path, ray_cluster, keep_by, keep, longer_stays):
    short = prose(1)
    rows(tmp_path / "texts", "texts", text=[" ".join(words) for words in (short, [*short, *prose(2, 12)])])
    steps = [{"do": "near", "threshold": 0.7, "keep_by": keep_by, "keep": keep}]
    artifacts, _ = make(config({"texts": tmp_path / "texts"}, steps), tmp_path / "made")
    assert [len(row["text"].split()) > 300 for row in table(artifacts, "documents")] == [longer_stays]


@pytest.mark.slow
def test_a_hot_text_and_a_hot_cluster_are_cut_into_pieces_and_still_removed(tmp_path, ray_cluster):
    licence = prose(3)
    many = [licence] * 400 + [edited(licence, 2, seed) for seed in range(300)] + [prose(seed) for seed in range(100, 140)]
    rows(tmp_path / "texts", "texts", text=[" ".join(words) for words in many])
    steps = [{"do": "exact"}, {"do": "near", "threshold": 0.7, "largest_group": 40}]
    artifacts, outcome = make(config({"texts": tmp_path / "texts"}, steps), tmp_path / "made")
    assert outcome.metrics["reasons"]["exact"] == {"exact duplicate": 399}
    left = [row["text"].split() for row in table(artifacts, "documents")]
    # What each piece is compared with is in all of them, so one copy of 301 is left beside the forty others.
    assert sum(row["cluster_size"] for row in table(artifacts, "documents")) == len(many)
    assert len(left) == 41 and outcome.metrics["details"]["00-exact"]["clusters"][0]["members"] == 399


@pytest.mark.parametrize(("step", "message"), [
    ({"do": "exact", "keep_by": "url"}, "keep_by: got 'url', allowed: a model of corpus.models or one of bytes, "),
    ({"do": "near", "keep_by": "minhash_128_5"}, "keep_by: got 'minhash_128_5'"),
    ({"do": "near", "keep_by": "words"}, "keep_by: got 'words'"),
    ({"do": "near", "bands": 14}, "`bands` and `band_rows` together"),
    ({"do": "near", "band_rows": 8}, "`bands` and `band_rows` together"),
    ({"do": "near", "bands": 17, "band_rows": 8}, "17 bands of 8 rows: allowed: 128 values together"),
])
def test_a_step_that_cannot_be_what_was_meant_is_refused_before_anything_is_read(step, message):
    config({"texts": "nowhere"}, [{"do": "near", "bands": 16, "band_rows": 8, "keep_by": "shingles_5"}])
    with pytest.raises(ValueError, match=message):
        config({"texts": "nowhere"}, [step])


def test_keys_are_settled_by_their_smallest_node():
    import numpy as np

    high, low = np.array([5, 5, 7, 5, 7], dtype=np.uint64), np.array([1, 1, 1, 2, 1], dtype=np.uint64)
    order, least = least_of_each(high, low, np.array([30, 10, 8, 1, 9]))
    assert dict(zip(order.tolist(), least.tolist(), strict=True)) == {0: 1, 1: 1, 3: 3, 2: 2, 4: 2}
    assert key_sizes(least, np.array([1, 4, 1, 2, 3])[order]).tolist() == [5, 5, 2, 4, 4]


@pytest.mark.parametrize(("one", "other", "same"), [
    ("https://www.Example.org/a/", "http://example.org/a", True),
    ("https://example.org/a?b=1&a=2", "https://example.org/a?a=2&b=1", True),
    ("https://example.org/a?id=1", "https://example.org/a?id=2", False),
    ("https://example.org:443/a#x", "https://example.org/a", True),
    ("https://example.org:8443/a", "https://example.org/a", False),
    ("https://example.org/A", "https://example.org/a", False),
])
def test_equal_addresses_are_told(one, other, same):
    assert (normalised(one) == normalised(other)) is same
    assert normalised(one, ignore_query=True) == normalised(one.partition("?")[0].partition("#")[0], ignore_query=True)
