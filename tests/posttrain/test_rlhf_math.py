"""The mathematics of PPO against plain loops, closed forms and exact expectations."""

import math

import pytest
import torch

from raylm.posttrain.rlhf.advantages import ESTIMATORS, gae, reinforce, whiten
from raylm.posttrain.rlhf.divergence import adapted_coefficient, kl_estimate
from raylm.posttrain.rlhf.losses import policy_loss, value_loss
from raylm.posttrain.rlhf.shaping import masked_mean, normalised, token_rewards


def random_batch(batch: int = 6, width: int = 9, holes: bool = True):
    generator = torch.Generator().manual_seed(3)
    rewards = torch.randn(batch, width, generator=generator, dtype=torch.float64)
    values = torch.randn(batch, width, generator=generator, dtype=torch.float64)
    lengths = torch.randint(1, width + 1, (batch,), generator=generator)
    mask = torch.arange(width) < lengths.unsqueeze(1)
    if holes:
        mask &= torch.rand(batch, width, generator=generator) > 0.3
    return rewards, values, mask


def gae_by_loop(rewards, values, mask, gamma, lam):
    """Each row's chosen tokens as one list; the definition, a double sum."""
    advantages = torch.zeros_like(rewards)
    for row in range(len(rewards)):
        places = [t for t in range(rewards.shape[1]) if mask[row, t]]
        errors = []
        for k, t in enumerate(places):
            after = values[row, places[k + 1]] if k + 1 < len(places) else 0.0
            errors.append(rewards[row, t] + gamma * after - values[row, t])
        for k, t in enumerate(places):
            advantages[row, t] = sum((gamma * lam) ** (j - k) * errors[j] for j in range(k, len(places)))
    return advantages


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (0.97, 0.0)])
@pytest.mark.parametrize("holes", [False, True])
def test_gae_is_its_double_sum_and_skips_masked_tokens(gamma, lam, holes):
    rewards, values, mask = random_batch(holes=holes)
    advantages, returns = gae(rewards, values, mask, gamma, lam)
    expected = gae_by_loop(rewards, values, mask, gamma, lam)
    torch.testing.assert_close(advantages, expected)
    torch.testing.assert_close(returns, torch.where(mask, expected + values, 0.0))


def test_gae_does_not_see_what_is_under_the_mask():
    rewards, values, mask = random_batch()
    noise = torch.where(mask, 0.0, 1e6).double()
    torch.testing.assert_close(gae(rewards + noise, values - noise, mask, 1.0, 0.95), gae(rewards, values, mask, 1.0, 0.95))


def test_reinforce_is_the_discounted_reward_to_go():
    rewards = torch.tensor([[1.0, 2.0, 4.0]])
    mask = torch.ones(1, 3, dtype=torch.bool)
    advantages, returns = reinforce(rewards, torch.full((1, 3), 9.0), mask, 0.5, 0.1)
    torch.testing.assert_close(advantages, torch.tensor([[1 + 1 + 1, 2 + 2, 4.0]]))
    torch.testing.assert_close(returns, advantages)
    assert set(ESTIMATORS) >= {"gae", "reinforce"}


def test_whitened_advantages_have_mean_0_and_deviation_1_over_chosen_tokens():
    values, _, mask = random_batch()
    white = whiten(values, mask)
    assert white[mask].mean().abs() < 1e-9
    assert white[mask].std() == pytest.approx(1.0, abs=1e-6)
    assert not white[~mask].any()
    assert torch.isfinite(whiten(torch.ones(2, 2), torch.ones(2, 2, dtype=torch.bool))).all()
    assert not whiten(values, torch.zeros_like(mask)).any()


def test_policy_loss_is_the_clipped_objective_token_by_token():
    generator = torch.Generator().manual_seed(0)
    new, old, advantages = (torch.randn(4, 5, generator=generator) for _ in range(3))
    mask = torch.rand(4, 5, generator=generator) > 0.4
    expected = clipped = 0.0
    for row in range(4):
        for t in range(5):
            if mask[row, t]:
                ratio, advantage = math.exp(new[row, t] - old[row, t]), float(advantages[row, t])
                objective = min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
                expected -= objective
                clipped += objective != ratio * advantage
    result = policy_loss(new, old, advantages, mask, 0.2)
    assert result.loss.item() == pytest.approx(expected, rel=1e-5)
    assert int(result.clipped) == clipped


def test_policy_loss_at_the_old_policy_has_ratio_1_and_the_policy_gradient():
    old = torch.tensor([[-1.0, -2.0, -3.0]])
    new = old.clone().requires_grad_()
    advantages, mask = torch.tensor([[2.0, -1.0, 5.0]]), torch.tensor([[True, True, False]])
    result = policy_loss(new, old, advantages, mask, 0.2)
    result.loss.backward()
    assert float(result.worst) == 0.0
    torch.testing.assert_close(new.grad, torch.tensor([[-2.0, 1.0, 0.0]]))


def test_padding_of_any_value_leaves_losses_finite():
    new = torch.tensor([[-1.0, 1e9]], requires_grad=True)
    old, zero, mask = torch.tensor([[-1.0, -1e9]]), torch.zeros(1, 2), torch.tensor([[True, False]])
    result = policy_loss(new, old, torch.ones(1, 2), mask, 0.2)
    result.loss.backward()
    assert torch.isfinite(new.grad).all()
    assert torch.isfinite(value_loss(torch.tensor([[0.0, float("inf")]]), zero, zero, mask, 0.2).loss)


def test_value_loss_is_the_larger_of_plain_and_clipped():
    generator = torch.Generator().manual_seed(1)
    new, old, returns = (torch.randn(4, 5, generator=generator) for _ in range(3))
    mask = torch.rand(4, 5, generator=generator) > 0.4
    expected = 0.0
    for row in range(4):
        for t in range(5):
            if mask[row, t]:
                value, before, wanted = float(new[row, t]), float(old[row, t]), float(returns[row, t])
                bounded = before + min(max(value - before, -0.2), 0.2)
                expected += max((value - wanted) ** 2, (bounded - wanted) ** 2) / 2
    assert value_loss(new, old, returns, mask, 0.2).loss.item() == pytest.approx(expected, rel=1e-5)


def five_token_policies():
    generator = torch.Generator().manual_seed(7)
    logits = torch.randn(5, generator=generator, dtype=torch.float64).requires_grad_()
    reference = torch.log_softmax(torch.randn(5, generator=generator, dtype=torch.float64), 0)
    return logits, reference


def test_kl_estimators_have_their_documented_expectation():
    logits, reference = five_token_policies()
    policy = torch.log_softmax(logits, 0).detach()
    exact = (policy.exp() * (policy - reference)).sum()
    expectation = {name: (policy.exp() * kl_estimate(policy, reference, name)).sum() for name in ("k1", "k2", "k3")}
    torch.testing.assert_close(expectation["k1"], exact)
    torch.testing.assert_close(expectation["k3"], exact)
    torch.testing.assert_close(expectation["k2"], (policy.exp() * (policy - reference) ** 2).sum() / 2)
    assert (kl_estimate(policy, reference, "k3") >= 0).all()
    assert not kl_estimate(policy, policy, "k3").any()


def test_kl_gradients_in_a_loss_are_the_documented_ones():
    logits, reference = five_token_policies()

    def of_loss(name):
        policy = torch.log_softmax(logits, 0)
        loss = (policy.detach().exp() * kl_estimate(policy, reference, name)).sum()
        return torch.autograd.grad(loss, logits)[0]

    def of(function):
        return torch.autograd.grad(function(torch.log_softmax(logits, 0)), logits)[0]

    reverse = of(lambda policy: (policy.exp() * (policy - reference)).sum())
    forward = of(lambda policy: -(reference.exp() * policy).sum())
    torch.testing.assert_close(of_loss("k1"), torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(of_loss("k2"), reverse)
    torch.testing.assert_close(of_loss("k3"), forward)


def test_unknown_kl_estimator_is_refused():
    with pytest.raises(ValueError, match="k1, k2, k3"):
        kl_estimate(torch.zeros(1), torch.zeros(1), "k4")


def test_adapted_coefficient_follows_the_target_and_stays_without_one():
    assert adapted_coefficient(0.1, 9.0, None, 0.5) == 0.1
    assert adapted_coefficient(0.1, 9.0, 0.1, 0.5) == pytest.approx(0.11)
    assert adapted_coefficient(0.1, 0.0, 0.1, 0.5) == pytest.approx(0.09)
    assert adapted_coefficient(0.1, 0.1, 0.1, 0.5) == pytest.approx(0.1)


def test_the_score_lands_on_the_last_token_even_of_a_truncated_answer():
    mask = torch.tensor([[True, True, False], [True, True, True]])
    rewards = token_rewards(torch.tensor([1.0, 2.0]), torch.full((2, 3), 0.1), torch.tensor([2, 3]), mask)
    torch.testing.assert_close(rewards, torch.tensor([[-0.1, 0.9, 0.0], [-0.1, -0.1, 1.9]]))


def test_truncated_answers_get_the_floor_and_others_a_clipped_normal_score():
    scores = normalised(torch.tensor([5.0, 1.0, 100.0]), 3.0, 2.0, torch.tensor([True, False, True]), 3.0, -1.5)
    torch.testing.assert_close(scores, torch.tensor([1.0, -1.5, 3.0]))
    assert masked_mean(scores, torch.zeros(3, dtype=torch.bool)) == 0.0
