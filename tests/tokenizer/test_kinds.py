"""Every kind of tokenizer keeps what the chain relies on."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from worlds import differing, random_texts, write_folder

from raylm.tokenizer import special
from raylm.tokenizer.backends.segments import Segments
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds import KINDS
from raylm.tokenizer.learn import learn
from raylm.tokenizer.text import Tokenizer

transformers = pytest.importorskip("transformers")
CODE = "def f(x):\n\tif x:\n        return {'a': [1234, \"b\"]}  # 世界\r\n\n\n    \n"


@pytest.fixture(scope="module")
def models(sample: list[str]) -> dict[str, bytes]:
    return {kind: learn(sample[:150], TokenizeConfig(kind=kind, vocabulary=1200)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_any_text_comes_back_as_it_was(models, kind: str):
    tokenizer = Tokenizer(models[kind])
    for text in [CODE, *random_texts(400)]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert tokenizer.byte_lengths()[tokenizer.encode(text)].sum() == len(text.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_computes_the_same_ids(models, kind: str, library: list[str], tmp_path: Path):
    texts = [CODE, *random_texts(400), *(text[:2000] for text in library[:300])]
    tokenizer = Tokenizer(models[kind])
    ties = len(texts) // 20 if kind == "unigram" else 0  # equally likely splits, see `TokenizeConfig.kind`
    assert differing(write_folder(models[kind], tmp_path), tokenizer, texts) <= ties


@pytest.mark.parametrize("kind", KINDS)
def test_opened_from_its_folder_it_chats_as_the_template_says(models, kind: str, tmp_path: Path):
    tokenizer = Tokenizer.open(write_folder(models[kind], tmp_path))
    fast = transformers.AutoTokenizer.from_pretrained(tmp_path)
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{CODE}<|end|></s>"},
            {"role": "assistant", "content": "Yes \u2581."}]
    for prompt in (True, False):
        theirs = fast.apply_chat_template(chat, add_generation_prompt=prompt, tokenize=True, return_dict=False)
        assert tokenizer.chat(chat, prompt) == theirs
    assert fast("x")["input_ids"] == [tokenizer.bos, *tokenizer.encode("x")]
    assert [tokenizer.unknown, tokenizer.bos, tokenizer.eos, tokenizer.pad, tokenizer.user, tokenizer.assistant,
            tokenizer.end] == list(range(7))


@pytest.mark.parametrize("kind", KINDS)
def test_many_texts_at_once_give_the_same_ids(models, kind: str):
    tokenizer, texts = Tokenizer(models[kind]), random_texts(100, seed=1)
    assert [ids.tolist() for ids in tokenizer.encode_many(texts)] == [tokenizer.encode(text) for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_learning_in_another_process_gives_the_same_bytes(kind: str, tmp_path: Path):
    program = (
        "import sys, hashlib; from raylm.tokenizer.learn import learn; from raylm.tokenizer.config import TokenizeConfig\n"
        "texts = ['the cat, the dog %d, 猫 %s\\n' % (i, chr(0x4e00 + i % 90)) for i in range(400)]\n"
        f"print(hashlib.sha256(learn(texts, TokenizeConfig(kind='{kind}', vocabulary=400))).hexdigest())")
    texts = [f"the cat, the dog {i}, 猫 {chr(0x4e00 + i % 90)}\n" for i in range(400)]
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                           env={"PYTHONHASHSEED": "7", "TOKENIZERS_PARALLELISM": "true"})
    assert other.stdout.strip() == sha256(learn(texts, TokenizeConfig(kind=kind, vocabulary=400))).hexdigest()


def test_a_byte_is_its_value_behind_the_special_tokens(models):
    tokenizer = Tokenizer(models["byte"])
    assert tokenizer.vocabulary == 263
    assert tokenizer.encode("a \u2581世") == [byte + 7 for byte in "a \u2581世".encode()]


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece", "character"])
def test_without_bytes_what_has_no_piece_is_unknown_and_counted(sample: list[str], kind: str, tmp_path: Path):
    model = learn(["abc abd\n"] * 50 + sample[:60], TokenizeConfig(kind=kind, vocabulary=700, byte_fallback=False))
    tokenizer = Tokenizer(model)
    texts = ["abc 世界 abd", "世", "\u2581世", "a世b", "abc\n", "世 \u2581 界界"]
    assert [tokenizer.unknowns(ids) > 0 for ids in tokenizer.encode_many(texts)] == ["世" in t for t in texts]
    assert differing(write_folder(model, tmp_path), tokenizer, texts + random_texts(200, seed=3)) == 0
    assert tokenizer.decode(tokenizer.encode("abc\n")) == "abc\n"
    whole = Tokenizer(learn(sample[:60], TokenizeConfig(kind=kind, vocabulary=900)))
    assert sum(map(whole.unknowns, whole.encode_many(random_texts(100)))) == 0


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece"])
def test_digits_are_split_only_where_asked_for(kind: str):
    texts = [f"in {1900 + i % 100} there were 365 days\n" for i in range(300)]
    split, kept = (Tokenizer(learn(texts, TokenizeConfig(kind=kind, vocabulary=420, split_digits=digits)))
                   for digits in (True, False))
    assert [split.piece(i) for i in split.encode("365")] == ["3", "6", "5"]
    assert not any(sum(c.isdigit() for c in split.piece(i)) > 1 for i in split.encode("1984 365 1900"))
    longest = [max(sum(c.isdigit() for c in one.piece(i)) for i in range(263, one.vocabulary)) for one in (split, kept)]
    assert longest[0] <= 1 < longest[1]


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_of_the_recipe_follow_the_chain_s_own(sample: list[str], kind: str, tmp_path: Path):
    model = learn(sample[:60], TokenizeConfig(kind=kind, vocabulary=900, special=["<|tool|>", "<fim>"]))
    tokenizer = Tokenizer(model)
    assert tokenizer.special == [*special.SPECIAL, "<|tool|>", "<fim>"]
    fast = transformers.AutoTokenizer.from_pretrained(write_folder(model, tmp_path))
    assert fast("<|tool|><fim>", add_special_tokens=False)["input_ids"] == [7, 8]
    assert min(tokenizer.encode("a<|tool|>b<fim>")) > 8, "in text they are text"
    chat = [{"role": "user", "content": "<|tool|> it's <fim>"}]
    assert tokenizer.chat(chat, True) == fast.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)


@pytest.mark.parametrize("tokens", [["<s>"], ["a b"], ["<x>", "<x>"], ["x"]])
def test_a_special_token_that_cannot_be_one_is_refused(tokens: list[str]):
    with pytest.raises(ValueError, match="two or more characters"):
        TokenizeConfig(special=tokens)


def test_look_up_of_stretches_is_used_where_no_piece_reaches_across_words():
    assert Segments.fitting([" the", "    ", "):\n", "\n#", "a"], lambda texts: [[0]] * len(texts)) is not None
    assert Segments.fitting([" the", "of the"], lambda texts: [[0]] * len(texts)) is None
