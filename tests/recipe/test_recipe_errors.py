"""A wrong recipe is one line that names the key, what was given and what is allowed."""

import pytest
from pydantic import Field

from raylm.errors import RecipeError
from raylm.recipe.reading import parse_value, read_yaml, set_key, validate
from raylm.recipe.section import Section, resource


class Inner(Section):
    steps: int = Field(10, ge=1)
    workers: int = resource(2, ge=1)


class Outer(Section):
    name: str
    inner: Inner = Inner()
    items: tuple[Inner, ...] = ()


def message(data) -> str:
    with pytest.raises(RecipeError) as caught:
        validate(Outer, data, "r.yaml")
    return str(caught.value)


def test_an_unknown_key_names_itself_its_likely_meaning_and_what_is_allowed():
    text = message({"name": "x", "inner": {"stepz": 3}})
    assert text == "r.yaml: inner.stepz: unknown key (did you mean 'steps'?); allowed here: steps, workers"
    assert "items.0.stepz" in message({"name": "x", "items": [{"stepz": 1}]})


def test_a_wrong_value_names_key_value_and_what_is_allowed():
    assert message({"name": "x", "inner": {"steps": 0}}) == "r.yaml: inner.steps: got 0, allowed: greater than or equal to 1"
    assert "got 'many', allowed: a whole number" in message({"name": "x", "inner": {"steps": "many"}})
    assert message({}) == "r.yaml: name: required and not given"


def test_two_problems_are_two_lines():
    assert len(message({"name": "x", "inner": {"steps": 0}, "nam": 1}).splitlines()) == 2


def test_resources_do_not_change_what_is_made():
    assert Inner(workers=1).identity() == Inner(workers=9).identity() == {"steps": 10}
    assert Inner(steps=3).identity() != Inner().identity()
    assert Outer(name="a", items=(Inner(workers=5),)).identity()["items"] == [{"steps": 10}]


@pytest.mark.parametrize(("content", "expected"), [
    (b"a: [1", "not YAML: line"), (b"- 1", "got list"), (b"", "got NoneType"), (b"\xff\xfe\x00", "UTF-8")])
def test_unreadable_recipes(tmp_path, content, expected):
    path = tmp_path / "r.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=expected):
        read_yaml(path)


def test_a_missing_recipe(tmp_path):
    with pytest.raises(RecipeError, match="no such recipe file"):
        read_yaml(tmp_path / "none.yaml")


def test_settings_reach_into_mappings_and_lists():
    data = {"a": {"b": [{"c": 1}, {"c": 2}]}}
    set_key(data, "a.b.1.c", parse_value("7"))
    set_key(data, "a.new.deep", parse_value("true"))
    assert data == {"a": {"b": [{"c": 1}, {"c": 7}], "new": {"deep": True}}}
    with pytest.raises(RecipeError, match="'9' is not a position in a list of 2"):
        set_key(data, "a.b.9.c", 1)
    with pytest.raises(RecipeError, match="plain value"):
        set_key(data, "a.b.0.c.d", 1)
