"""The n-gram baseline is a probability distribution and knows what it has seen."""

import numpy as np
import pytest

from raylm.pretrain.ngram import DISCOUNT, KneserNey, hashes, unigram_loss


def test_probabilities_sum_to_one_after_any_context():
    generator = np.random.default_rng(0)
    tokens, documents = generator.integers(0, 7, 400), np.repeat(np.arange(8), 50)
    model = KneserNey(tokens, documents, 3, 7)
    for context in ([1, 2], [6, 6], [0, 3], [5]):
        row = np.array([[*context, word] for word in range(7)])
        text = np.repeat(np.arange(7), row.shape[1])
        last = np.tile(np.arange(row.shape[1]) == row.shape[1] - 1, 7)
        each = [np.exp(-model.loss(row.reshape(-1), text, last & (text == word))) for word in range(7)]
        assert sum(each) == pytest.approx(1.0)


def test_bigram_probabilities_by_hand():
    tokens = np.array([0, 1, 0, 1, 0, 2])
    documents = np.zeros(6, int)
    model = KneserNey(tokens, documents, 2, 3)
    # Bigrams: 01 x2, 10 x2, 02 x1. Distinct left neighbours: 0 after {1}, 1 after {0}, 2 after {0}: three bigram types.
    lower = (1 - DISCOUNT) / 3 + DISCOUNT * 3 / 3 / 3
    expected = (2 - DISCOUNT) / 3 + DISCOUNT * 2 / 3 * lower
    loss = model.loss(np.array([0, 1]), np.zeros(2, int), np.array([False, True]))
    assert np.exp(-loss) == pytest.approx(expected)


def test_it_learns_a_pattern_that_the_unigram_cannot():
    tokens = np.tile([3, 1, 4, 1, 5, 9, 2, 6], 100)
    documents = np.zeros(len(tokens), int)
    counted = np.arange(len(tokens)) >= 8
    assert KneserNey(tokens, documents, 5, 10).loss(tokens, documents, counted) < 0.05
    assert unigram_loss(tokens, tokens, 10) > 1.5


def test_contexts_do_not_cross_documents():
    tokens = np.tile([1, 2], 50)
    apart = np.arange(100) // 2
    model = KneserNey(tokens, apart, 3, 4)
    both = model.loss(np.array([2, 1]), np.zeros(2, int), np.array([False, True]))
    assert both > np.log(2)  # "2 1" was never seen inside a document


def test_hashes_name_the_last_tokens():
    key = hashes(np.array([5, 6, 7, 5, 6, 7]), 3)
    assert key[2] == key[5]
    assert len(set(key[2:].tolist())) == 3
