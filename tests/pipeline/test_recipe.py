"""Sections that are right alone but do not fit each other are refused before anything starts, by key."""

import pytest
import yaml

import raylm
from raylm.errors import RecipeError, UserError
from raylm.pipeline.recipe import read_recipe


def write(tmp_path, **sections):
    (tmp_path / "texts").mkdir(exist_ok=True)
    (tmp_path / "texts" / "a.txt").write_text("one text")
    sources = [{"name": "texts", "kind": "folder", "path": str(tmp_path / "texts")}]
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({"name": "x", "storage": str(tmp_path / "runs"), "corpus": {"sources": sources}, **sections}))
    return path


@pytest.mark.parametrize(("sections", "expected"), [
    ({"pretrain": {"length": 600}}, "r.yaml: pretrain.length: got 600, allowed: at most pretrain.model.context, 512"),
    ({"sft": {"length": 513}}, "r.yaml: sft.length: got 513, allowed: at most pretrain.model.context, 512"),
    ({"reward": {"length": 513}}, "r.yaml: reward.length: got 513, allowed: at most pretrain.model.context, 512"),
    ({"tokenize": {"vocabulary": 2048}, "pretrain": {"model": {"vocabulary": 1000}}},
     "r.yaml: pretrain.model.vocabulary: got 1000, allowed: 0 (the tokenizer's) or at least tokenize.vocabulary, 2048"),
])
def test_sections_must_fit_each_other(tmp_path, sections, expected):
    with pytest.raises(RecipeError) as caught:
        read_recipe(write(tmp_path, **sections))
    assert str(caught.value) == expected


def test_a_network_that_the_endpoint_could_not_run_is_refused_before_the_corpus_is_read(tmp_path):
    path = write(tmp_path, pretrain={"model": {"hidden": 192, "heads": 8, "kv_heads": 4}})
    with pytest.raises(UserError, match="this model's are 24 wide"):
        raylm.run(path)
    assert not (tmp_path / "runs").exists()
