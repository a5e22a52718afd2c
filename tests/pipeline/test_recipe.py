"""Sections that are right alone but do not fit each other are refused before anything starts, by key."""

from pathlib import Path

import pytest
import yaml

import raylm
from raylm.errors import RecipeError, UserError
from raylm.pipeline.recipe import read_recipe

RECIPES = Path(raylm.__file__).parent.parent / "jobs" / "recipes"


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
    ({"rlhf": {"prompt_tokens": 512}}, "r.yaml: rlhf.prompt_tokens: got 512, allowed: less than pretrain.model.context, 512"),
    ({"mix": {"target": {"other": 1}}}, "r.yaml: mix.target: got 'other', allowed: the sources, texts"),
    ({"rlhf": {"rewards": {"parse": 1}}},
     "r.yaml: rlhf.rewards: got a mapping with parse, allowed: weights, not all 0, by the names model, ends, parses, varied"),
    ({"rlhf": {"rewards": {"parses": 0}}},
     "r.yaml: rlhf.rewards: got a mapping with parses, allowed: weights, not all 0, by the names model, ends, parses, varied"),
])
def test_sections_must_fit_each_other(tmp_path, sections, expected):
    with pytest.raises(RecipeError) as caught:
        read_recipe(write(tmp_path, **sections))
    assert str(caught.value) == expected


@pytest.mark.parametrize("key", ["actor_workers", "critic_workers"])
def test_workers_that_cannot_share_a_minibatch_are_refused(tmp_path, key):
    with pytest.raises(RecipeError, match=rf"{key} \(3\) must divide minibatch \(16\)"):
        read_recipe(write(tmp_path, rlhf={key: 3}))


@pytest.mark.parametrize("recipe", sorted(path.name for path in RECIPES.glob("*.yaml")))
def test_a_recipe_written_out_whole_reads_as_itself(tmp_path, recipe):
    read = read_recipe(RECIPES / recipe, variables={"folder": str(tmp_path)})
    whole = tmp_path / "whole.yaml"
    whole.write_text(yaml.safe_dump(read.model_dump(mode="json")))
    assert read_recipe(whole) == read


def test_a_date_that_no_calendar_has_is_a_text(tmp_path):
    assert read_recipe(write(tmp_path), changes=["name=2024-13-45"]).name == "2024-13-45"


def test_a_folder_of_others_is_not_taken_for_a_run(tmp_path):
    (tmp_path / "runs" / "x").mkdir(parents=True)
    (tmp_path / "runs" / "x" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"runs/x: raylm would write here, but it holds other files \(notes.txt"):
        raylm.run(write(tmp_path))
    assert sorted(path.name for path in (tmp_path / "runs" / "x").iterdir()) == ["notes.txt"]
    (tmp_path / "runs" / "x" / "notes.txt").unlink()
    (tmp_path / "runs" / "artifacts" / "vases").mkdir(parents=True)
    with pytest.raises(UserError, match=r"runs/artifacts: raylm would write here"):
        raylm.run(write(tmp_path))


def test_a_network_that_the_endpoint_could_not_run_is_refused_before_the_corpus_is_read(tmp_path):
    path = write(tmp_path, pretrain={"model": {"hidden": 192, "heads": 8, "kv_heads": 4}})
    with pytest.raises(UserError, match="this model's are 24 wide"):
        raylm.run(path)
    assert not (tmp_path / "runs").exists()
