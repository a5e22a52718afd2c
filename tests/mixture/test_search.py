"""Mixes that are tried and the one that is picked."""

import numpy as np
import pytest

from raylm.mixture.law import fit_law
from raylm.mixture.search import choose, kl_divergence, rounded, target_loss
from raylm.mixture.swarm import natural_mix, swarm, upper_bounds, within

TOKENS = np.array([700_000, 200_000, 60_000, 40_000])
NATURAL = natural_mix(TOKENS)
FREE = np.ones(4)


def laws(slopes: list[list[float]]):
    weights = np.random.default_rng(0).dirichlet(np.ones(4), 40)
    return [fit_law(weights, 1.0 + np.exp(weights @ np.array(slope))) for slope in slopes]


def test_swarm_begins_with_the_baselines_and_keeps_the_bounds():
    bounds = upper_bounds(TOKENS, int(TOKENS.sum()), 4.0)
    tried = swarm(NATURAL, bounds, 24, seed=0)
    assert tried.shape == (24, 4)
    assert np.allclose(tried.sum(axis=1), 1)
    assert np.allclose(tried[0], NATURAL)
    assert np.allclose(tried[1], 0.25)
    assert (tried[2:] <= bounds + 1e-9).all()
    assert (tried > 0).all()
    assert np.linalg.matrix_rank(tried) == 4
    assert (swarm(NATURAL, bounds, 24, seed=0) == tried).all()
    assert (swarm(NATURAL, bounds, 24, seed=1)[2:] != tried[2:]).any()


def test_bounds_are_epochs_over_the_plan_and_can_always_be_met():
    assert upper_bounds(TOKENS, 1_000_000, 4.0).tolist() == pytest.approx([1.0, 0.8, 0.24, 0.16])
    assert upper_bounds(TOKENS, 100_000_000, 2.0).sum() == pytest.approx(1.0)


def test_excess_over_a_bound_goes_to_the_others_in_proportion():
    mix = within(np.array([[0.6, 0.2, 0.1, 0.1]]), np.array([0.3, 1, 1, 1]))[0]
    assert mix.tolist() == pytest.approx([0.3, 0.35, 0.175, 0.175])


def test_the_pick_is_the_analytic_optimum():
    # One law per source, each falling in its own weight: by symmetry the mean is lowest at the uniform mix.
    found = choose(laws((-2 * np.eye(4)).tolist()), np.full(4, 0.25), NATURAL, FREE, least=0.0, strength=0.0, top=32, seed=0)
    assert found == pytest.approx(np.full(4, 0.25), abs=0.02)


def test_one_target_wants_its_own_source_up_to_the_bound():
    bounds = np.array([1.0, 1.0, 0.3, 1.0])
    found = choose(laws([[0, 0, -2, 0]]), np.ones(1), NATURAL, bounds, least=0.0, strength=0.0, top=8, seed=0)
    assert found[2] == pytest.approx(0.3, abs=0.01)
    assert found.sum() == pytest.approx(1)


def test_a_strong_prior_keeps_the_natural_mix():
    found = choose(laws([[0, 0, -2, 0]]), np.ones(1), NATURAL, FREE, least=0.0, strength=100.0, top=8, seed=0)
    assert found == pytest.approx(NATURAL, abs=0.02)
    weak = choose(laws([[0, 0, -2, 0]]), np.ones(1), NATURAL, FREE, least=0.0, strength=0.05, top=8, seed=0)
    assert kl_divergence(weak[None], NATURAL)[0] > kl_divergence(found[None], NATURAL)[0]


def test_no_source_is_starved():
    found = choose(laws([[0, 0, -2, 3]]), np.ones(1), NATURAL, FREE, least=0.5, strength=0.0, top=8, seed=0)
    assert (found >= 0.5 * NATURAL - 1e-9).all()
    assert found[3] < 0.6 * NATURAL[3]


def test_target_loss_weighs_the_targets():
    two = laws([[0, 0, -2, 0], [0, 0, 1, 0]])
    loss = target_loss(two, np.array([0.25, 0.75]), NATURAL[None])
    assert loss == pytest.approx(0.25 * two[0].predict(NATURAL[None]) + 0.75 * two[1].predict(NATURAL[None]))


def test_written_weights_sum_to_one():
    for seed in range(50):
        weights = rounded(np.random.default_rng(seed).dirichlet(np.ones(7)))
        assert sum(weights) == pytest.approx(1.0, abs=1e-12)
        assert min(weights) >= 0
