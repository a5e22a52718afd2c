"""The classifiers: equal bytes at every making, probabilities that mean something, grain and thresholds as they are told."""

import numpy as np
import pytest

from raylm.corpus.models import MODELS, Examples, FastTextConfig, LinearConfig
from raylm.corpus.models.bins import added, bins_of, edge, histogram, percentile
from raylm.corpus.models.features import features
from raylm.corpus.models.labelled import labelled_rows
from raylm.corpus.models.logistic import fit, log_count_ratio
from raylm.corpus.models.measuring import figures
from raylm.corpus.models.words import sentences
from raylm.corpus.score.asking import by_grain
from raylm.errors import UserError

KIND = "what a lovely garden you have, the roses are in flower number {}"
RUDE = "shut up you stupid fool, nobody wants you here number {}"
LABELLED = [{"path": "unread.csv", "positive": [1]}]
SMALL = {
    "fasttext": {"bits": 12},
    "linear": {"bits": 12},
    "transformer": {"pieces": 300, "hidden": 16, "layers": 1, "heads": 2, "context": 24, "epochs": 12, "batch": 8,
                    "learning_rate": 0.01},
}


def examples(count=80):
    texts = [(RUDE if number % 2 else KIND).format(number) for number in range(count)]
    return Examples(texts, ["en"] * count, np.arange(count) % 2 == 1, np.arange(count) % 5 == 0)


@pytest.mark.parametrize("kind", sorted(SMALL))
def test_a_classifier_is_equal_at_every_making_and_tells_the_classes_apart(tmp_path, kind):
    config = MODELS[kind](name="toxic", labelled=LABELLED, **SMALL[kind])
    made = config.train(examples(), 1)
    assert made.files == config.train(examples(), 1).files
    assert made.metrics["held_out"]["en"]["f1"] > 0.95
    for name, data in made.files.items():
        (tmp_path / name).write_bytes(data)
    scorer = config.load(tmp_path)
    scores = scorer.score(["you stupid fool, shut up", "the roses in the garden are lovely", ""], ["en"] * 3)
    assert scores[0] > 0.6 > 0.4 > scores[1]
    assert np.isnan(scores[2]) or kind != "transformer"
    assert scorer.score([], []).shape == (0,)
    together = scorer.score(examples().texts, examples().languages)
    alone = np.concatenate([scorer.score([text], ["en"]) for text in examples().texts[:5]])
    assert np.allclose(together[:5], alone, atol=1e-6)


@pytest.mark.parametrize("kind", sorted(SMALL))
def test_one_class_alone_is_an_error_of_one_line(kind):
    one = examples().where(np.arange(80) % 2 == 1)
    with pytest.raises(UserError, match="toxic: all 32 examples are of one class"):
        MODELS[kind](name="toxic", labelled=LABELLED, **SMALL[kind]).train(one, 1)


def test_features_are_those_of_the_text_alone():
    texts = ["The cat  sat", "", "猫坐在垫子上", "the\ncat sat"]
    whole = features(texts, 2, (1, 3), 16)
    for number, text in enumerate(texts):
        alone = features([text], 2, (1, 3), 16)
        assert np.array_equal(whole.places[whole.offsets[number]:whole.offsets[number + 1]], alone.places)
    rows = [set(whole.places[whole.offsets[number]:whole.offsets[number + 1]].tolist()) for number in range(4)]
    assert rows[0] == rows[3]
    assert len(rows[0]) == 5 + len({" the cat sat "[i:i + n] for n in (1, 2, 3) for i in range(14 - n)})


def test_the_log_count_ratio_by_hand():
    texts = features(["a b", "a c", "c"], 1, (1, 0), 16)
    ratio = log_count_ratio(texts, np.array([True, True, False]), 2**16, 1.0)
    place = features(["a"], 1, (1, 0), 16).places[0]
    p, q = (1 + 2) / (2**16 + 4), (1 + 0) / (2**16 + 1)
    assert ratio[place] == pytest.approx(abs(np.log(p / q)))


def test_logistic_regression_is_scikit_learns():
    linear_model = pytest.importorskip("sklearn.linear_model")
    texts = features(examples().texts, 2, (1, 3), 10)
    positive = examples().positive
    ours = fit(texts, positive, 2**10, 3.0).probabilities(texts)
    ratio = log_count_ratio(texts, positive, 2**10, 1.0)
    matrix = np.zeros((80, 2**10))
    matrix[np.repeat(np.arange(80), np.diff(texts.offsets)), texts.places] = ratio[texts.places]
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    reference = linear_model.LogisticRegression(C=3.0, max_iter=1000).fit(matrix, positive).predict_proba(matrix)[:, 1]
    assert np.allclose(ours, reference, atol=2e-3)


class Longest:
    """Scores a text by its length."""

    def score(self, texts, languages):
        return np.array([len(text) if text != "?" else np.nan for text in texts], dtype=float)


def test_with_the_grain_of_a_sentence_the_largest_or_the_mean_counts():
    texts = ["One. Three more!\nA line", "你好。再见！", "", "?"]
    assert sentences(texts[0]) == ["One.", "Three more!", "A line"]
    largest = LinearConfig(name="a", labelled=LABELLED, grain="sentence")
    mean = FastTextConfig(name="a", labelled=LABELLED, grain="sentence", over_sentences="mean")
    assert np.array_equal(by_grain(largest, Longest(), texts, [""] * 4), [11, 3, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(by_grain(mean, Longest(), texts, [""] * 4), [7, 3, np.nan, np.nan], equal_nan=True)


def test_a_percentile_is_that_of_the_values_to_within_a_bin():
    values = np.random.default_rng(0).lognormal(5, 1, 10_000) + 1
    counts = added([histogram(values[:3000], "perplexity"), histogram(values[3000:], "perplexity")])
    assert counts == histogram(values, "perplexity")
    for percent in (1, 10, 50, 90, 99, 100):
        found = percentile(counts, percent, "perplexity")
        assert found == pytest.approx(np.percentile(values, percent), rel=0.025)
        assert (values <= found).mean() >= percent / 100
    assert percentile({}, 50, "share") is None
    assert edge(int(bins_of(np.array([0.25]), "share")[0]), "share") == 0.25
    assert bins_of(np.array([0.0, 1.0]), "share").tolist() == [0, 999]


def test_figures_of_scores_by_hand():
    found = figures(np.array([0.9, 0.8, 0.4, 0.1]), np.array([True, False, True, False]))
    assert found["f1"] == 0.5 and found["accuracy"] == 0.5
    table = {row["threshold"]: row for row in found["thresholds"]}
    assert table[0.3]["recall"] == 1.0 and table[0.3]["precision"] == pytest.approx(2 / 3, abs=1e-6)
    assert table[0.85] == {"threshold": 0.85, "share": 0.25, "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3, abs=1e-6)}


def test_the_labelled_sample_is_bounded_and_independent_of_the_order(tmp_path):
    lines = [f'"{(RUDE if number % 2 else KIND).format(number)}",{number % 2}' for number in range(200)]
    rows = []
    for order in (lines, lines[::-1]):
        path = tmp_path / "file.csv"
        path.write_text("\ufefftext,label\n" + "\n".join(order), encoding="utf-8")
        config = LinearConfig(name="toxic", labelled=[{"path": str(path), "positive": [1], "language": "en"}], sample_mb=0.002)
        rows.append(labelled_rows(config, 5))
    assert rows[0] == rows[1]
    for positive in (True, False):
        size = sum(len(text) for _, text, _, is_positive in rows[0] if is_positive == positive)
        assert 1900 < size <= 2000


def test_a_range_the_wrong_way_round_is_refused():
    with pytest.raises(ValueError, match="the least first"):
        LinearConfig(name="a", labelled=LABELLED, only={"quality": [0.9, 0.1]})
    with pytest.raises(ValueError, match="training text"):
        LinearConfig(name="a")


def test_a_checkpoint_of_a_folder_is_fine_tuned_and_loads_from_what_it_leaves(tmp_path):
    transformers = pytest.importorskip("transformers")
    start, made = tmp_path / "start", tmp_path / "made"
    start.mkdir()
    made.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({word for text in (KIND, RUDE) for word in text.split()})]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizerFast(vocab=str(tmp_path / "vocab.txt")).save_pretrained(start)
    shape = transformers.BertConfig(vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                                    intermediate_size=32)
    transformers.BertForSequenceClassification(shape).save_pretrained(start)
    config = MODELS["transformer"](name="toxic", labelled=LABELLED, start=str(start), epochs=6, batch=8, learning_rate=0.01,
                                   context=32)
    assert config.files() == ("unread.csv", str(start))
    trained = config.train(examples(), 1)
    assert trained.files == config.train(examples(), 1).files
    assert trained.metrics["held_out"]["all"]["f1"] > 0.95
    for name, data in trained.files.items():
        (made / name).write_bytes(data)
    scores = config.load(made).score(examples().texts[:2], ["en", "en"])
    assert scores[1] > 0.5 > scores[0]
    with pytest.raises(UserError, match="no checkpoint of an encoder"):
        config.model_copy(update={"start": str(tmp_path / "nothing")}).train(examples(), 1)
