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
    wanted = {"folder": str(tmp_path)} if "${folder}" in (RECIPES / recipe).read_text() else {}
    read = read_recipe(RECIPES / recipe, variables=wanted)
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


def wrong(tmp_path, corpus: str, variables: dict[str, str] | None = None) -> str:
    """What is said of a recipe whose corpus section is a source and these lines."""
    path = tmp_path / "r.yaml"
    path.write_text(f"name: x\ncorpus:\n  sources: [{{name: a, kind: folder, path: /tmp}}]\n{corpus}\n")
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, variables)
    return str(caught.value).removeprefix("r.yaml: ")


@pytest.mark.parametrize(("corpus", "said"), [
    ("  steps: [{do: neer}]", "corpus.steps.0.do: got 'neer' (did you mean 'near'?), allowed: length, "),
    ("  steps: [near]", "corpus.steps.0: got 'near', allowed: a mapping of keys to values"),
    ("  steps: [{near: {threshold: 0.8}}]", "corpus.steps.0: needs 'do', which says what it is; `raylm keys corpus.steps` lists"),
    ("  steps: {do: exact}", "corpus.steps: got a mapping with do, allowed: a list"),
    ("  steps: [{do: near, threshold: 2}]", "corpus.steps.0.threshold: got 2, allowed: less than 1"),
    ("  steps: [{do: near, treshold: 0.5}]", "corpus.steps.0.treshold: unknown key (did you mean 'threshold'?); allowed here: "),
    ("  steps: [{do: near, near: 0.5}]", "corpus.steps.0.near: unknown key; allowed here: against, "),
    ("  steps: [{do: exact, sources: [b]}]", "corpus.steps.0 (exact): sources: got 'b', allowed: a"),
    ("  steps: [{do: language, allowed: [english]}]", "corpus.steps.0.allowed: got ['english'], allowed: languages that are told"),
    ("  steps: [{do: exact, languages: [xx]}]", "corpus.steps.0.languages: got ['xx'], allowed: languages that are told apart"),
    ("  steps: [{do: language, allowed: [no]}]", "corpus.steps.0.allowed: got [False], allowed: languages by their codes; YAML"),
    ("  models: [{name: q, kind: nnn}]", "corpus.models.0.kind: got 'nnn', allowed: ngram, fasttext, linear, transformer"),
    ("  models: [{name: q, kind: ngram}]\n  steps: [{do: score, model: q, most: 0.5}]",
     "corpus.steps.0 (score): got 'q', allowed: a classifier of corpus.models (there is none)"),
    ("  language: off\n  steps: [{do: gopher_quality}]", "corpus.steps.0 (gopher_quality): judges only en, and with"),
    ("  language: off\n  steps: [{do: language}]", "corpus.steps.0 (language): asks for the language, and with corpus.language"),
    ("  steps: [{do: personal_data, kinds: [mac]}]", "corpus.steps.0 (personal_data): kinds: got 'mac', which corpus.mask does"),
    ("  mask: 5", "corpus.mask: got 5, allowed: a mapping of keys to values"),
])
def test_what_a_newcomer_writes_wrong_is_one_clear_line(tmp_path, corpus, said):
    told = wrong(tmp_path, corpus)
    assert told.startswith(said) and "\n" not in told


def test_what_yaml_reads_otherwise_is_understood(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("name: x\ncorpus:\n  language: off\n  sources: [{name: a, kind: folder, path: /tmp}]\n  steps: [{do: exact}]\n")
    assert read_recipe(path).corpus.language == "off"
    said = path.read_text().replace("language: off", "language: fast")
    path.write_text(said.replace("{do: exact}", "{do: language, allowed: en}"))
    assert read_recipe(path).corpus.steps[0].allowed == ("en",)


def test_a_variable_that_the_recipe_has_no_place_for_is_refused(tmp_path):
    assert wrong(tmp_path, "", {"folder": "/texts"}).startswith("--folder: ")
    assert "has no ${place}" in wrong(tmp_path, "", {"place": "/texts"})
    assert "${Folder} has no value" in wrong(tmp_path, '  clean: {normalisation: "${Folder}"}')
