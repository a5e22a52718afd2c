"""A tokenizer of English learns Chinese and forgets nothing."""

from pathlib import Path

import pytest
from test_existing import bert, byte_level, llama
from worlds import differing, random_texts, write_folder

from raylm.errors import UserError
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.existing import read_existing
from raylm.tokenizer.extend import extend
from raylm.tokenizer.extension import measured
from raylm.tokenizer.kinds import KINDS
from raylm.tokenizer.learn import learn
from raylm.tokenizer.text import Tokenizer

pytest.importorskip("transformers")
FOREIGN = {"byte level": byte_level, "bert": bert, "llama": llama,
           "t5": lambda texts: llama(texts, model_type="unigram", byte_fallback=False, normalization_rule_name="nmt_nfkc")}
BASES = [kind for kind in KINDS if kind != "byte"] + list(FOREIGN)


def base_of(name: str, texts: list[str], folder: Path) -> bytes:
    if name in KINDS:
        return learn(texts, TokenizeConfig(kind=name, vocabulary=2000))
    made = FOREIGN[name](texts)
    if isinstance(made, bytes):
        (folder / "tokenizer.model").write_bytes(made)
    else:
        made.save(str(folder / "tokenizer.json"))
    return read_existing(str(folder), [])


@pytest.mark.parametrize("name", BASES)
def test_old_ids_stay_and_chinese_takes_far_fewer_tokens(name: str, shakespeare: list[str], poems: list[str], tmp_path: Path):
    old = base_of(name, shakespeare[:200], tmp_path)
    new = extend(old, poems[:1500], 1500, coverage=0.9995, split_digits=True)
    assert new == extend(old, poems[:1500], 1500, coverage=0.9995, split_digits=True)
    before, after = Tokenizer(old), Tokenizer(new)
    assert before.vocabulary + 1300 < after.vocabulary <= before.vocabulary + 1500
    assert all(before.piece(i) == after.piece(i) for i in range(before.vocabulary))
    assert after.special == before.special and after.pad == before.pad
    unseen = poems[4800:]
    then, now = measured(before, unseen), measured(after, unseen)
    if then["unknown"]:
        assert now["unknown"] < 0.2 * then["words"]
    else:
        assert now["tokens_per_byte"] < 0.6 * then["tokens_per_byte"]
    english = shakespeare[300:]
    same = sum(before.encode(text) == after.encode(text) for text in english)
    assert same >= 0.99 * len(english)
    assert differing(write_folder(new, tmp_path / "out"), after, [*unseen[:100], *english[:50], *random_texts(100)]) == 0
    if name in KINDS or name == "byte level":
        assert all(after.decode(after.encode(text)) == text for text in [*unseen, *random_texts(200)])


def test_an_extended_tokenizer_can_be_extended_again(shakespeare: list[str], poems: list[str], library: list[str]):
    once = extend(learn(shakespeare[:100], TokenizeConfig(vocabulary=1000)), poems[:500], 300, coverage=0.99, split_digits=True)
    twice = Tokenizer(extend(once, [text[:3000] for text in library[:60]], 200, coverage=0.99, split_digits=True))
    assert twice.vocabulary > Tokenizer(once).vocabulary + 150
    assert [twice.piece(i) for i in range(1300)] == [Tokenizer(once).piece(i) for i in range(1300)]
    pieces = [twice.piece(i) for i in range(1300, twice.vocabulary)]
    assert not any(len(piece) > 1 and any(c.isdigit() for c in piece) for piece in pieces), "digits stay single"


def test_what_cannot_be_extended_is_one_clear_line():
    with pytest.raises(UserError, match="a tokenizer of bytes"):
        extend(learn(["a"], TokenizeConfig(kind="byte")), ["世界"], 10, coverage=1.0, split_digits=True)
    with pytest.raises(UserError, match="no training text in the new language"):
        extend(b"{}", [""], 10, coverage=1.0, split_digits=True)
