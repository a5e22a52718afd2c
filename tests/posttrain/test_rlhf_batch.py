"""Padding, division among workers, order of prompts, seeds, placement: what must be exact before any network runs."""

import pytest
import torch

from raylm.errors import UserError
from raylm.posttrain.rlhf.batch import answer_tokens, pad, seed_of, select, split, states_at
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.group import bundles, workers_of
from raylm.posttrain.rlhf.prompts import drawn
from raylm.posttrain.rlhf.state import engines_folder, read_progress, write_progress
from raylm.storage import Folder

PROMPTS = [[1, 2, 3], [4], [5, 6]]
ANSWERS = [[7], [8, 9, 10, 11], [12, 13]]


def test_padded_rows_give_back_every_token():
    rows = pad(PROMPTS, ANSWERS)
    assert rows["ids"].shape == (3, 8) and rows["mask"].shape == (3, 8)
    tokens = answer_tokens(rows["ids"], rows["prompt"], 8)
    for row, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        assert rows["ids"][row, :len(prompt)].tolist() == prompt
        assert tokens[row][rows["mask"][row]].tolist() == answer
        assert int(rows["answer"][row]) == len(answer)


def test_the_state_before_an_answers_first_token_is_the_prompts_last():
    places = states_at(torch.tensor([3, 1]), 4, 6)
    assert places.tolist() == [[2, 3, 4, 5], [0, 1, 2, 3]]
    assert states_at(torch.tensor([5]), 4, 6).max() == 5


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5])
def test_workers_get_equal_shares_and_fillers_count_nowhere(parts):
    rows = pad(PROMPTS, ANSWERS)
    shares = split(rows, parts)
    assert len({len(share["ids"]) for share in shares}) == 1
    together = torch.cat([share["mask"] for share in shares])
    assert together.sum() == rows["mask"].sum()
    assert torch.equal(torch.cat([share["ids"] for share in shares])[:3], rows["ids"])


def test_select_keeps_rows_whole():
    rows = select(pad(PROMPTS, ANSWERS), torch.tensor([2, 0]))
    assert rows["ids"][:, 0].tolist() == [5, 1] and rows["answer"].tolist() == [2, 1]


def test_each_epoch_of_prompts_holds_every_prompt_once_wherever_it_is_cut():
    whole = drawn(7, 0, 21, seed=3)
    assert all(sorted(whole[start:start + 7]) == list(range(7)) for start in (0, 7, 14))
    assert drawn(7, 0, 10, seed=3) + drawn(7, 10, 11, seed=3) == whole
    assert drawn(7, 0, 21, seed=4) != whole


def test_random_streams_are_named_and_stable():
    assert seed_of(1, "rollout", 0) == 6476273082794714350
    assert len({seed_of(1, "rollout", 0), seed_of(1, "rollout", 1), seed_of(1, "minibatch", 0), seed_of(2, "rollout", 0)}) == 4
    assert 0 <= seed_of(0, "x") < 2**63


def test_default_roles_fit_two_cores_and_share_a_gpu_where_there_is_one():
    config = RlhfConfig()
    slots = bundles(workers_of(config), config.cpus_per_worker, 0.0)
    assert sum(slot["CPU"] for slot in slots) <= 2.0 and all(slot["CPU"] <= 2.0 for slot in slots)
    assert all(slot["GPU"] == 1.0 for slot in bundles(workers_of(config), 0.2, 4.0))
    with pytest.raises(UserError, match="as many GPUs"):
        bundles({"actor": 4}, 0.2, 2.0)


def test_prompts_must_divide_into_minibatches():
    with pytest.raises(ValueError, match="multiple of minibatch"):
        RlhfConfig(prompts=30, minibatch=16)


def test_workers_and_reservations_stay_out_of_the_address():
    assert RlhfConfig(rollout_workers=3, actor_workers=2, restarts=0).identity() == RlhfConfig().identity()


def test_a_state_is_whole_or_absent_and_older_ones_go(tmp_path):
    state, config = Folder.at(tmp_path), RlhfConfig()
    progress, engines = read_progress(state, config)
    assert engines is None and progress.iteration == 0
    for iteration in (2, 4):
        engines_folder(state, iteration).write_bytes("weights", b"x")
        if iteration == 4:  # killed before the marker: the older state still stands
            assert read_progress(state, config)[0].iteration == 2
        progress.iteration, progress.kl_coefficient = iteration, 0.25
        write_progress(state, progress, config)
    resumed, engines = read_progress(state, config)
    assert (resumed.iteration, resumed.kl_coefficient, resumed.resumes) == (4, 0.25, [4])
    assert engines is not None and engines.exists("weights") and state.folders() == ["iteration-000004"]


def test_a_state_of_other_worker_numbers_is_refused_in_words(tmp_path):
    state = Folder.at(tmp_path)
    progress, _ = read_progress(state, RlhfConfig())
    write_progress(state, progress, RlhfConfig(actor_workers=2))
    with pytest.raises(UserError, match=r"rlhf\.actor_workers: got 1, allowed: 2"):
        read_progress(state, RlhfConfig())
