"""The tokenizer as the other stages use it."""

import pickle

import pytest

from raylm.errors import UserError
from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.learn import LEAST_COVERAGE, coverage, learn
from raylm.tokenizer.text import Tokenizer

AWKWARD = [
    "", " ", "  leading and trailing  ", "\tif x:\n\t\treturn\r\n\n\n", "a\u2581b \u2581\u2581", "\0nul\0",
    "床前明月光，疑是地上霜。",
    "🎉👩‍👩‍👧 é e\u0301 \u00a0\u2003\u2028\ufeff", " \u2047 \u2585", "<0x41><unk>", "x" * 5000, " " * 999 + "end", "1234567890",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_comes_back_as_it_was(tokenizer: Tokenizer, text: str):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_real_code_comes_back_as_it_was(tokenizer: Tokenizer, library: list[str]):
    for text in library[::25]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("token", special.SPECIAL)
def test_special_tokens_spelt_out_in_text_stay_text(tokenizer: Tokenizer, token: str):
    ids = tokenizer.encode(f"a{token}b")
    assert min(ids) >= len(special.SPECIAL)
    assert tokenizer.decode(ids) == f"a{token}b"


def test_special_tokens_have_the_first_ids(tokenizer: Tokenizer):
    assert [tokenizer.unknown, tokenizer.bos, tokenizer.eos, tokenizer.pad] == [0, 1, 2, 3]
    assert [tokenizer.user, tokenizer.assistant, tokenizer.end] == [4, 5, 6]
    assert tokenizer.decode([1, *tokenizer.encode("x = 1"), 6, 2]) == "x = 1"


def test_indentation_is_one_token_and_digits_are_one_each(tokenizer: Tokenizer):
    assert tokenizer.piece(tokenizer.encode("        return 123")[0]) == " " * 8
    assert [tokenizer.piece(i) for i in tokenizer.encode("123")] == ["1", "2", "3"]


def test_learning_twice_gives_the_same_bytes(sample: list[str], model: bytes):
    assert learn(sample, TokenizeConfig(vocabulary=2048)) == model
    unigram = TokenizeConfig(vocabulary=512, kind="unigram")
    assert learn(sample[:40], unigram) == learn(sample[:40], unigram)


def test_small_sample_gives_a_smaller_vocabulary():
    tokenizer = Tokenizer(learn(["hello world, hello there"], TokenizeConfig(vocabulary=4096)))
    assert 263 < tokenizer.vocabulary < 400
    assert tokenizer.decode(tokenizer.encode("hello 世界")) == "hello 世界"


def test_rare_characters_are_spelt_in_bytes_where_they_would_fill_the_vocabulary(library: list[str]):
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    texts = [*library[:60], rare]
    config = TokenizeConfig(vocabulary=2000, character_coverage=1.0)
    assert LEAST_COVERAGE < coverage(texts, config) < 1.0
    assert coverage(texts, TokenizeConfig(vocabulary=20_000)) == 0.9995, "with room enough nothing changes"
    tokenizer = Tokenizer(learn(texts, config))
    assert tokenizer.vocabulary == 2000
    assert tokenizer.decode(tokenizer.encode(rare)) == rare


def test_too_many_characters_for_the_vocabulary_is_one_clear_line():
    with pytest.raises(UserError, match=r"tokenize.vocabulary: got 400, allowed: more than \d{4},"):
        learn(["".join(map(chr, range(0x4E00, 0x4E00 + 3000)))], TokenizeConfig(vocabulary=400))


def test_nothing_to_learn_from_is_one_clear_line():
    with pytest.raises(UserError, match="no training text"):
        learn([""], TokenizeConfig())


def test_byte_lengths_add_up_to_the_text(tokenizer: Tokenizer):
    lengths = tokenizer.byte_lengths()
    assert lengths.shape == (tokenizer.vocabulary,)
    for text in AWKWARD:
        assert lengths[tokenizer.encode(text)].sum() == len(text.encode())
    assert lengths[:7].sum() == 0


def test_tokenizer_pickles(tokenizer: Tokenizer):
    assert pickle.loads(pickle.dumps(tokenizer)).encode("def f():") == tokenizer.encode("def f():")


def test_unknown_role_is_one_clear_line(tokenizer: Tokenizer):
    with pytest.raises(UserError, match="not 'tool'"):
        tokenizer.chat([{"role": "tool", "content": "x"}], generation_prompt=True)
