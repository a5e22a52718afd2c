"""The score stage: one column for each model, row for row, whatever the cascade and the scope leave; equal at every making."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from raylm.corpus.config import CorpusConfig
from raylm.corpus.models import AnyModel
from raylm.corpus.parts import read_part, write_part
from raylm.corpus.rules.score import PerplexityRule, ScoreRule, VoteRule
from raylm.corpus.score.build import build
from raylm.corpus.score.panels import panels
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.stage import StageContext
from raylm.storage import Artifact, Folder

GOOD = "the cat sat on the mat and the dog lay by the door while rain fell on the roof of the old house number {}"
BAD = "buy now cheap pills click here free offer winner cash prize act fast limited deal {}"


def models(*entries):
    return tuple(TypeAdapter(AnyModel).validate_python(entry) for entry in entries)


class Config:
    """The one key of the corpus section that the stage reads."""

    def __init__(self, *entries):
        self.models = models(*entries)


LM = {"name": "lm", "kind": "ngram", "order": 3, "least_words": 50, "text": {"sources": ["good"]}}
QUALITY = {"name": "quality", "kind": "linear", "bits": 12, "positive": {"sources": ["good"]}, "negative": {"sources": ["bad"]}}
CLOSE = {"name": "close", "kind": "fasttext", "bits": 12, "characters": [1, 0], "positive": {"sources": ["good"]},
         "negative": {"sources": ["bad"]}, "only": {"quality": [0.5, None], "words": [10, None]}, "languages": ["en"]}


@pytest.fixture
def read(tmp_path):
    """Two partitions of documents as the read stage leaves them; every tenth could not be read."""
    folder = Folder.at(tmp_path / "read")
    for part in range(2):
        rows = []
        for number in range(60):
            text = (GOOD if number % 2 else BAD).format(number)
            unread = "broken" if number % 10 == 0 else None
            rows.append({"id": f"{part}{number:015d}-{number:016d}", "source": "good" if number % 2 else "bad",
                         "language": "en" if number % 3 else "de", "text": None if unread else text, "bytes": len(text),
                         "unread": unread, "words": 12 if number % 4 else 5})
        write_part(folder.child("documents"), part, pa.Table.from_pylist(rows))
    return Artifact("read", "0", folder)


def make(read, output, *entries, seed=3):
    return build(StageContext(Config(*entries), seed, {"read": read}, Folder.at(output), Meter()))


def column(output, name, part=0):
    table = read_part(Folder.at(output).child("scores"), part, pa.schema([(name, pa.float64())]))
    return np.array([np.nan if value is None else value for value in table[name].to_pylist()])


def test_without_models_nothing_is_written(read, tmp_path):
    outcome = make(read, tmp_path / "out")
    assert outcome.metrics == {"models": {}}
    assert not (tmp_path / "out").exists()


def test_scores_are_row_for_row_and_null_where_the_cascade_skips(read, tmp_path, ray_cluster):
    outcome = make(read, tmp_path / "out", LM, QUALITY, CLOSE)
    rows = read.folder.child("documents")
    for part in range(2):
        given = read_part(rows, part, pa.schema([("unread", pa.string()), ("language", pa.string()), ("words", pa.int64())]))
        readable = given["unread"].is_null().to_numpy(zero_copy_only=False)
        quality, close = column(tmp_path / "out", "quality", part), column(tmp_path / "out", "close", part)
        assert len(quality) == 60
        assert (np.isnan(quality) == ~readable).all()
        with np.errstate(invalid="ignore"):
            english = np.array(given["language"].to_pylist()) == "en"
            asked = readable & english & (quality >= 0.5) & (given["words"].to_numpy() >= 10)
        assert asked.any() and not asked.all()
        assert (np.isnan(close) == ~asked).all()
    metrics = outcome.metrics["models"]
    assert metrics["quality"]["training"]["held_out"]["all"]["f1"] > 0.9
    assert metrics["quality"]["scored"] == 108 and metrics["quality"]["skipped"] == 12
    assert sum(sum(counts.values()) for counts in metrics["lm"]["histograms"].values()) == metrics["lm"]["scored"]
    assert len(panels({"metrics": outcome.metrics}, {})) == 3
    json.dumps(outcome.metrics)


def test_two_makings_and_a_resumed_one_are_equal(read, tmp_path, ray_cluster):
    first, second = make(read, tmp_path / "a", LM, QUALITY), make(read, tmp_path / "b", LM, QUALITY)
    assert first.metrics == second.metrics
    names = ["models/lm/en.arpa", "models/lm/en.safetensors", "models/quality/model.safetensors", "scores/part-00000.parquet",
             "scores/part-00001.parquet"]
    whole = [(tmp_path / "a" / name).read_bytes() for name in names]
    assert whole == [(tmp_path / "b" / name).read_bytes() for name in names]
    (tmp_path / "b" / "summaries" / "part-00001.json").unlink()
    (tmp_path / "b" / "scores" / "part-00001.parquet").write_bytes(b"half written")
    (tmp_path / "b" / "models" / "quality" / "model.json").unlink()
    assert make(read, tmp_path / "b", LM, QUALITY).metrics == first.metrics
    assert whole == [(tmp_path / "b" / name).read_bytes() for name in names]


def test_another_threshold_of_the_cascade_scores_again(read, tmp_path, ray_cluster):
    make(read, tmp_path / "out", QUALITY)
    outcome = make(read, tmp_path / "out", {**QUALITY, "only": {"words": [10, None]}})
    assert outcome.metrics["models"]["quality"]["scored"] == 84
    assert np.isnan(column(tmp_path / "out", "quality")).sum() == 18


def test_percentiles_are_resolved_from_the_metrics_alone(read, tmp_path, ray_cluster):
    metrics = make(read, tmp_path / "out", LM).metrics
    values, languages = column(tmp_path / "out", "lm"), np.array(
        read_part(read.folder.child("documents"), 0, pa.schema([("language", pa.string())]))["language"].to_pylist())
    rule = PerplexityRule(model="lm", most_percentile=50).resolve(metrics)
    rows = pa.table({"lm": pa.array(values, mask=np.isnan(values)), "language": languages})
    gone = np.array([reason == "lm perplexity too high" for reason in rule.reasons(rows)])
    assert not gone[np.isnan(values)].any()
    for language in ("en", "de"):
        scored = (languages == language) & ~np.isnan(values)
        assert scored.sum() > 10
        assert 0.2 < gone[scored].mean() < 0.7
        assert values[scored & gone].min() > values[scored & ~gone].max()
    with pytest.raises(UserError, match="no model 'other'; there are: lm"):
        PerplexityRule(model="other", most_percentile=50).resolve(metrics)
    with pytest.raises(ValueError, match="nobody resolved"):
        PerplexityRule(model="lm", most_percentile=50).reasons(rows)


def test_percentiles_of_a_model_that_scored_nothing_remove_nothing():
    metrics = {"models": {"lm": {"scale": "perplexity", "kind": "ngram", "histograms": {}}}}
    rule = PerplexityRule(model="lm", most_percentile=50).resolve(metrics)
    assert rule.bounds() == [] and rule.reasons(pa.table({"lm": pa.nulls(2, pa.float64()), "language": ["en", "de"]})) == [None] * 2


def test_labelled_files_train_and_a_missing_column_is_one_line(read, tmp_path, ray_cluster):
    path = tmp_path / "toxic.jsonl.gz"
    with gzip.open(path, "wt") as stream:
        for number in range(80):
            stream.write(json.dumps({"body": (GOOD if number % 2 else BAD).format(number), "class": number % 2}) + "\n")
    labelled = {"path": str(path), "text_column": "body", "label_column": "class", "positive": [0]}
    toxic = {"name": "toxic", "kind": "linear", "bits": 12, "labelled": [labelled]}
    make(read, tmp_path / "out", toxic)
    scores = column(tmp_path / "out", "toxic")
    assert np.nanmin(scores[0::2]) > np.nanmax(scores[1::2])
    with pytest.raises(UserError, match="row 1 has no 'text'"):
        make(read, tmp_path / "other", {**toxic, "labelled": [{**labelled, "text_column": "text"}]})
    with pytest.raises(UserError, match="`only` asks for 'nothing'"):
        make(read, tmp_path / "third", {**toxic, "only": {"nothing": [0, 1]}})


def test_a_vote_needs_enough_models_and_null_does_not_vote():
    rows = pa.table({"a": [0.9, 0.9, 0.1, None], "b": [0.9, 0.1, 0.1, 0.9], "c": [0.1, 0.1, 0.9, 0.9]})
    rule = VoteRule(models=("a", "b", "c"), at_least=2, most=0.5)
    assert rule.reasons(rows) == ["voted out", None, None, "voted out"]
    with pytest.raises(ValueError, match="no more than the 2"):
        VoteRule(models=("a", "b"), at_least=3, most=0.5)


def test_a_score_rule_removes_outside_its_bounds_and_keeps_what_was_not_scored():
    rows = pa.table({"quality": pa.array([0.1, 0.5, 0.95, None])})
    rule = ScoreRule(model="quality", least=0.3, most=0.9)
    assert rule.reasons(rows) == ["quality score too low", None, "quality score too high", None]


def whole(steps=(), **entry):
    model = {"name": "quality", "kind": "linear", "positive": {"sources": ["good"]}, "negative": {"sources": ["bad"]}, **entry}
    sources = [{"name": name, "kind": "folder", "path": "nowhere"} for name in ("good", "bad")]
    return CorpusConfig.model_validate({"sources": sources, "models": [LM, model], "steps": [{"do": "words", "max": 9}, *steps]})


@pytest.mark.parametrize(("entry", "message"), [
    ({"name": "lm"}, "'lm', which is an earlier model's name"), ({"name": "words"}, "'words', which is the name of a column"),
    ({"name": "bytes"}, "which is the name of a column"), ({"name": "text"}, "which is the name of a column"),
    ({"name": "masked_email"}, "which is the name of a column"), ({"name": "language_score"}, "which is the name of a column"),
    ({"sources": ["god"]}, r"models.1 \(quality\): sources: got 'god', allowed: good, bad"),
    ({"positive": {"sources": ["god"]}}, "sources: got 'god', allowed: good, bad"),
    ({"only": {"word": [1, None]}}, "only: got 'word', allowed: an earlier model or one of"),
    ({"only": {"quality": [1, None]}}, "only: got 'quality'"), ({"only": {"url": [1, None]}}, "only: got 'url'"),
])
def test_a_model_that_cannot_be_what_was_meant_is_refused_before_anything_is_read(entry, message):
    assert len(whole(only={"lm": [None, 9], "words": [1, None]}).models) == 2
    with pytest.raises(ValueError, match=message):
        whole(**entry)


@pytest.mark.parametrize("step", [
    {"do": "perplexity", "model": "words", "most": 9}, {"do": "score", "model": "words", "most": 0.5},
    {"do": "vote", "models": ["words", "quality"], "most": 0.5},
])
def test_only_a_model_can_be_asked_for_its_score(step):
    with pytest.raises(ValueError, match=r"got 'words', allowed: a (language model|classifier) of corpus.models \((lm|quality)\)"):
        whole([step])


def test_a_score_without_a_bound_is_refused():
    with pytest.raises(ValueError, match="least or most"):
        ScoreRule(model="quality")
