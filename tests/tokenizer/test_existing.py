"""Tokenizers from elsewhere keep their ids."""

import io
import json
from pathlib import Path

import pytest
import sentencepiece
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers
from worlds import differing, random_texts, write_folder

from raylm.errors import UserError
from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.existing import read_existing
from raylm.tokenizer.text import Tokenizer

pytest.importorskip("transformers")


def byte_level(texts: list[str]) -> tokenizers.Tokenizer:
    """As GPT-2's: no unknown token, one special token for everything."""
    tokens = tokenizers.Tokenizer(models.BPE())
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokens.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=900, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokens


def bert(texts: list[str]) -> tokenizers.Tokenizer:
    tokens = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokens.normalizer, tokens.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokens.decoder = decoders.WordPiece()
    tokens.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    return tokens


def llama(texts: list[str], **options) -> bytes:
    """A SentencePiece model as Llama 2's: a space before the text, bytes for the rest."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=model, minloglevel=2, **{
        "model_type": "bpe", "vocab_size": 900, "byte_fallback": True, "split_digits": True, "allow_whitespace_only_pieces": True,
        "normalization_rule_name": "identity", "remove_extra_whitespaces": False, "num_threads": 1, **options})
    return model.getvalue()


@pytest.mark.parametrize("make", [byte_level, bert])
def test_a_hugging_face_folder_gives_its_own_ids(make, sample: list[str], library: list[str], tmp_path: Path):
    theirs = make(sample[:150])
    theirs.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    model = read_existing(str(tmp_path), ["<|tool|>"])
    ours = Tokenizer(model)
    assert ours.vocabulary == theirs.get_vocab_size() + 8
    texts = [*random_texts(200), *(text[:1500] for text in library[:200])]
    for text in texts:
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids
    assert differing(write_folder(model, tmp_path / "out"), ours, texts) == 0
    assert Tokenizer.open(tmp_path / "out").encode(texts[0]) == ours.encode(texts[0])
    assert set(special.SPECIAL).union(["<|tool|>"]) < set(ours.special)
    if make is byte_level:
        lengths = ours.byte_lengths()
        assert all(ours.decode(ours.encode(text)) == text for text in texts)
        assert all(lengths[ours.encode(text)].sum() == len(text.encode()) for text in texts)


def test_an_existing_tokenizer_chats_as_its_template_says(sample: list[str], tmp_path: Path):
    import transformers

    byte_level(sample[:100]).save(str(tmp_path / "tokenizer.json"))
    ours = Tokenizer(read_existing(str(tmp_path / "tokenizer.json"), []))
    fast = transformers.AutoTokenizer.from_pretrained(write_folder(read_existing(str(tmp_path), []), tmp_path / "out"))
    chat = [{"role": "user", "content": "it's <|endoftext|> or <|end|>"}, {"role": "assistant", "content": "x = 1"}]
    assert ours.chat(chat, True) == fast.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    assert (fast.bos_token_id, fast.eos_token_id, fast.pad_token_id) == (ours.bos, ours.eos, ours.pad)


@pytest.mark.parametrize("options", [
    {}, {"normalization_rule_name": "nmt_nfkc", "remove_extra_whitespaces": True}, {"model_type": "unigram"},
    {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc", "remove_extra_whitespaces": True},
    {"add_dummy_prefix": False}, {"byte_fallback": False},
    {"model_type": "char", "add_dummy_prefix": False, "user_defined_symbols": ["<a>"]},
    {"user_defined_symbols": ["<sep>", "  "]},
], ids=str)
def test_a_sentencepiece_model_gives_its_own_ids(options, sample: list[str], library: list[str], tmp_path: Path):
    data = llama(sample[:150], **options)
    (tmp_path / "spiece.model").write_bytes(data)
    theirs, model = sentencepiece.SentencePieceProcessor(model_proto=data), read_existing(str(tmp_path), [])
    ours = Tokenizer(model)
    texts = [text[:1500] for text in library[:200]] + ["", " a", "a  b ", "世界 it\u2019s ﬁne", "½ 1234", "x<a>y<sep> <sep>z   w"]
    wrong = [text for text in texts if ours.encode(text) != theirs.encode(text)]
    assert len(wrong) <= (len(texts) // 20 if "unigram" in options.values() else 0)
    assert differing(write_folder(model, tmp_path / "out"), ours, texts) == 0
    assert ours.vocabulary == theirs.get_piece_size() + 4 and (ours.bos, ours.eos) == (1, 2)


def test_a_tokenizer_of_ours_is_used_to_the_byte(folder: Path, model: bytes, tmp_path: Path):
    assert read_existing(str(folder), []) == model
    assert read_existing(str(folder / "tokenizer.model"), []) == model
    (tmp_path / "tokenizer").symlink_to(folder)
    assert read_existing(str(tmp_path), []) == model, "a tokenize artifact"
    more = Tokenizer(read_existing(str(folder), ["<|tool|>"]))
    assert more.encode("x = 1") == Tokenizer(model).encode("x = 1") and more.special[-1] == "<|tool|>"


def test_what_is_no_tokenizer_is_one_clear_line(tmp_path: Path):
    with pytest.raises(UserError, match="no tokenizer here; allowed"):
        read_existing(str(tmp_path / "nothing"), [])
    (tmp_path / "tokenizer.json").write_text('{"model": 1}')
    (tmp_path / "x.model").write_bytes(b"\xff\xfe no model")
    for name in ("tokenizer.json", "x.model", ""):
        with pytest.raises(UserError, match=r"cannot be read \("):
            read_existing(str(tmp_path / name), [])
    with pytest.raises(ValueError, match="one of `existing` and `extend`"):
        TokenizeConfig(existing="a", extend={"base": "b"})


def test_the_place_of_a_tokenizer_is_part_of_the_address():
    assert TokenizeConfig(existing="a").contents_for("tokenize") == ["a"]
    assert TokenizeConfig(extend={"base": "b"}).contents_for("tokenize") == ["b"]
    assert TokenizeConfig().contents_for("tokenize") == []
