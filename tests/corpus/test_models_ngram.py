"""The n-gram language model: the published estimator, probabilities that sum to one, and an ARPA file that kenlm reads as we do."""

import numpy as np
import pytest

from raylm.corpus.models import Examples, NgramConfig
from raylm.corpus.models.arpa import arpa
from raylm.corpus.models.backoff import backoff_model, lines_of, perplexities, word_numbers
from raylm.corpus.models.kneser_ney import BEGIN, END, UNKNOWN, adjusted, count, discounts, estimate
from raylm.corpus.models.words import words

A, B, C = 3, 4, 5
TOY = np.array([BEGIN, A, B, C, END, BEGIN, A, B, END, BEGIN, B, A, B, END])
"""Three lines: a b c, a b, b a b."""
TEXT = ["the cat sat on the mat.\nthe dog sat on the log.", "a cat and a dog sat there, and the cat saw the dog.",
        "春眠不觉晓，处处闻啼鸟。", "the mat was on the log and the cat was on the mat.",
        "on the log sat a dog; on the mat sat a cat."] * 3


def model(order=4, prune=0, texts=TEXT):
    known = sorted({word for text in texts for word in words(text)})[2:]  # two words are left unknown
    numbers = word_numbers(["", "", "", *known])
    levels, _ = estimate(lines_of(texts, numbers).tokens, len(known) + 3, order, prune)
    return backoff_model(known, levels), numbers


def test_counts_do_not_cross_lines():
    unigrams, bigrams, trigrams = count(TOY, 6, 3)
    assert unigrams.counts.tolist() == [0, 3, 3, 3, 4, 1]
    named = {tuple(np.divmod(key, 6)): number for key, number in zip(bigrams.keys.tolist(), bigrams.counts.tolist(), strict=True)}
    assert named == {(BEGIN, A): 2, (A, B): 3, (B, C): 1, (C, END): 1, (B, END): 2, (BEGIN, B): 1, (B, A): 1}
    assert trigrams.counts.sum() == 8


def test_adjusted_counts_are_of_distinct_words_before_but_at_a_lines_beginning():
    levels = count(TOY, 6, 2)
    # Before a: <s>, b. Before b: a, <s>. Before c: b. Before </s>: c, b.
    assert adjusted(levels)[0].tolist() == [0, 0, 2, 2, 2, 1]
    three = count(TOY, 6, 3)
    by_key = dict(zip(three[1].keys.tolist(), adjusted(three)[1].tolist(), strict=True))
    assert by_key[BEGIN * 6 + A] == 2  # how often it occurs, as nothing is before it
    assert by_key[A * 6 + B] == 2  # after <s> and after b


def test_discounts_are_the_closed_form():
    counts = np.repeat([1, 2, 3, 4, 7], [10, 5, 3, 2, 4])
    y = 10 / (10 + 2 * 5)
    assert np.allclose(discounts(counts), [0, 1 - 2 * y * 5 / 10, 2 - 3 * y * 3 / 5, 3 - 4 * y * 2 / 3])
    assert discounts(np.array([1, 1, 2])).tolist() == [0, 0.5, 1.0, 1.5]


def test_a_bigram_model_by_hand():
    levels, told = estimate(TOY, 6, 2, 0)
    # Too few unigrams for the closed form; of bigrams there are four, two and one with the counts 1, 2 and 3.
    assert told == [[0.5, 1.0, 1.5], [1 - 2 * 0.5 * 2 / 4, 2 - 3 * 0.5 * 1 / 2, 3.0]]
    # Unigrams: adjusted counts a 2, b 2, c 1, </s> 2; 7 in all; discounts 1, 1, 0.5, 1 leave 3.5 / 7, spread over 5 words.
    uniform = 0.5 / 5
    assert np.allclose(levels[0].probability, [uniform, 0, 1 / 7 + uniform, 1 / 7 + uniform, 1 / 7 + uniform, 0.5 / 7 + uniform])
    # After b: c 1, </s> 2, a 1; 4 in all; discounts 0.5, 1.25, 0.5 leave 2.25 / 4.
    assert levels[0].backoff[B] == pytest.approx(2.25 / 4)
    place = levels[1].keys.tolist().index(B * 6 + END)
    assert levels[1].probability[place] == pytest.approx((2 - 1.25) / 4 + 2.25 / 4 * (1 / 7 + uniform))


@pytest.mark.parametrize("prune", [0, 1, 3])
def test_probabilities_after_any_context_sum_to_one(prune):
    made, _ = model(prune=prune)
    vocabulary = len(made.words)
    rng = np.random.default_rng(0)
    for _ in range(30):
        context = [BEGIN, *rng.integers(0, vocabulary, rng.integers(0, 5)).tolist()]
        context = [word for word in context if word not in (END,)]
        context = [word if place == 0 or word != BEGIN else UNKNOWN for place, word in enumerate(context)]
        total = 0.0
        for word in range(vocabulary):
            if word != BEGIN:
                total += 10 ** made.log10(np.array([*context, word]))[-1]
        assert total == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("order", "prune"), [(2, 0), (3, 1), (5, 0), (5, 2)])
def test_kenlm_reads_the_same_perplexities(tmp_path, order, prune):
    kenlm = pytest.importorskip("kenlm")
    made, numbers = model(order, prune)
    (tmp_path / "model.arpa").write_bytes(arpa(made))
    reference = kenlm.Model(str(tmp_path / "model.arpa"))
    for text in ["the cat sat on the mat.", "a log on a dog saw nothing at all", "处处闻", "xyzzy", "the the the the the the"]:
        ours = perplexities(made, numbers, [text])[0]
        assert ours == pytest.approx(reference.perplexity(" ".join(words(text))), rel=1e-4)


def test_lines_are_sentences_and_empty_ones_are_none():
    numbers = word_numbers(["", "", "", "a", "b"])
    lines = lines_of(["a\n\n\nb a\n", "", "\n", "b zz"], numbers)
    assert lines.tokens.tolist() == [BEGIN, 3, END, BEGIN, 4, 3, END, BEGIN, 4, UNKNOWN, END]
    assert lines.owner.tolist() == [0] * 7 + [3] * 4
    made, known = model()
    found = perplexities(made, known, ["the cat", "", "the cat\nthe cat"])
    assert np.isnan(found[1])
    assert found[0] == pytest.approx(found[2])


def test_a_model_is_trained_for_each_language_that_has_words_enough(tmp_path):
    config = NgramConfig(name="lm", order=3, least_words=30)
    texts = [*TEXT, "nur wenige Wörter"]
    languages = ["zh" if "春" in text else "en" for text in TEXT] + ["de"]
    examples = Examples(texts, languages, np.ones(len(texts), bool), np.arange(len(texts)) == 0)
    made = config.train(examples, 0)
    assert sorted(made.files) == ["en.arpa", "en.safetensors", "zh.arpa", "zh.safetensors"]
    assert made.files == config.train(examples, 0).files
    for name, data in made.files.items():
        (tmp_path / name).write_bytes(data)
    scores = config.load(tmp_path).score(["the cat sat on the mat.", "die Katze", "春眠不觉晓", ""], ["en", "de", "zh", "en"])
    assert np.isnan(scores).tolist() == [False, True, False, True]
    shuffled = config.load(tmp_path).score(["mat the on sat cat the."], ["en"])
    assert shuffled[0] > 2 * scores[0]
