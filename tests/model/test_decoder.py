"""The network agrees with Hugging Face's, and packing, caching and saving change nothing."""

import pytest
import torch

from raylm.errors import UserError
from raylm.model.attention import packed_positions
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.generate import generate, sample
from raylm.model.hf_io import load_config, load_decoder, load_scorer, save_checkpoint
from raylm.model.loss import logprobs, token_loss
from raylm.model.value import Scorer, at_ends


def shape(**changes) -> ModelConfig:
    return ModelConfig(**{"vocabulary": 512, "hidden": 64, "layers": 3, "heads": 4, "kv_heads": 2, "feed_forward": 96,
                          "context": 128, **changes})


@pytest.fixture
def no_tokenizer(tmp_path):
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("changes", [{}, {"tied": False}, {"kv_heads": 4}, {"kv_heads": 1, "rope_theta": 500_000.0}])
def test_logits_equal_those_of_hugging_face(changes, tmp_path, no_tokenizer):
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    decoder = Decoder(shape(**changes)).eval()
    save_checkpoint(decoder.state_dict(), decoder.config, tmp_path / "m", no_tokenizer, dtype=torch.float32)
    other = LlamaForCausalLM.from_pretrained(tmp_path / "m", dtype=torch.float32).eval()
    ids = torch.randint(0, 512, (2, 100))
    with torch.no_grad():
        assert (other(ids).logits - decoder(ids)).abs().max() < 1e-5


def test_scorer_equals_hugging_face_sequence_classification(tmp_path, no_tokenizer):
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(0)
    scorer = Scorer(shape()).eval()
    torch.nn.init.normal_(scorer.score.weight)
    save_checkpoint(scorer.state_dict(), scorer.config, tmp_path / "m", no_tokenizer, scorer=True, dtype=torch.float32)
    other = LlamaForSequenceClassification.from_pretrained(tmp_path / "m", dtype=torch.float32).eval()
    other.config.pad_token_id = 0
    ids = torch.randint(1, 512, (2, 40))
    with torch.no_grad():
        ours = at_ends(scorer(ids), torch.tensor([40, 40]))
        assert (other(ids).logits[:, 0] - ours).abs().max() < 1e-5
    again = load_scorer(tmp_path / "m")
    with torch.no_grad():
        assert torch.equal(again(ids), scorer(ids))


def test_a_saved_checkpoint_loads_as_the_same_network(tmp_path, no_tokenizer):
    decoder = Decoder(shape(tied=False)).eval()
    save_checkpoint(decoder.state_dict(), decoder.config, tmp_path / "m", no_tokenizer, dtype=torch.float32)
    assert load_config(tmp_path / "m") == decoder.config
    again = load_decoder(tmp_path / "m")
    assert all(torch.equal(a, b) for a, b in zip(decoder.parameters(), again.parameters(), strict=True))


def test_parameter_count_is_what_the_configuration_says():
    for config in (shape(), shape(tied=False), shape(kv_heads=1)):
        assert sum(p.numel() for p in Decoder(config).parameters()) == config.parameters()


def test_a_fresh_network_knows_nothing_its_loss_is_ln_of_the_vocabulary():
    torch.manual_seed(0)
    decoder = Decoder(shape(vocabulary=4096))
    ids = torch.randint(0, 4096, (4, 128))
    with torch.no_grad():
        total = decoder(ids[:, :-1], labels=ids[:, 1:])
    assert abs(float(total) / (4 * 127) - 8.3178) < 0.1


def test_packed_documents_do_not_see_each_other():
    decoder = Decoder(shape()).eval()
    ids = torch.randint(0, 512, (2, 100))
    documents = torch.tensor([[7] * 40 + [3] * 60] * 2)
    assert packed_positions(documents)[0, 39:42].tolist() == [39, 0, 1]
    with torch.no_grad():
        packed, first, second = decoder(ids, documents), decoder(ids[:, :40]), decoder(ids[:, 40:])
    assert torch.allclose(packed[:, :40], first, atol=1e-5)
    assert torch.allclose(packed[:, 40:], second, atol=1e-5)


def test_loss_inside_forward_equals_loss_of_its_logits():
    decoder = Decoder(shape()).eval()
    ids, labels = torch.randint(0, 512, (2, 50)), torch.randint(0, 512, (2, 50))
    labels[0, :30] = -100
    with torch.no_grad():
        total, count = token_loss(decoder(ids).flatten(0, 1), labels.flatten())
        assert int(count) == 70
        assert torch.allclose(decoder(ids, labels=labels), total, rtol=1e-5)
        assert torch.allclose(-logprobs(decoder(ids), labels).sum(), total, rtol=1e-5)


def test_greedy_generation_does_not_depend_on_the_batch():
    decoder = Decoder(shape()).eval()
    prompts = [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10], [11]]
    together = generate(decoder, prompts, max_new=20, temperature=0).tokens
    assert together == [generate(decoder, [p], max_new=20, temperature=0).tokens[0] for p in prompts]
    ids = list(prompts[0])
    for _ in range(20):  # the slow way: no cache
        with torch.no_grad():
            ids.append(int(decoder(torch.tensor([ids]))[0, -1].argmax()))
    assert ids[3:] == together[0]


def test_sampled_logprobs_are_those_of_the_network():
    decoder = Decoder(shape()).eval()
    rollout = generate(decoder, [[1, 2, 3], [4, 5, 6, 7]], max_new=20, generator=torch.Generator().manual_seed(0))
    for prompt, tokens, scores in zip([[1, 2, 3], [4, 5, 6, 7]], rollout.tokens, rollout.logprobs, strict=True):
        ids = torch.tensor([prompt + tokens])
        with torch.no_grad():
            expected = logprobs(decoder(ids[:, :-1])[0, len(prompt) - 1:], torch.tensor(tokens))
        assert torch.allclose(scores, expected, atol=1e-5)


def test_generation_stops_at_a_stop_token_and_at_the_context():
    decoder = Decoder(shape(context=32)).eval()
    free = generate(decoder, [[1, 2]], max_new=100, temperature=0).tokens[0]
    assert len(free) == 30
    stopped = generate(decoder, [[1, 2]], max_new=100, temperature=0, stop={free[4]}).tokens[0]
    assert stopped == free[: free.index(free[4]) + 1]
    with pytest.raises(ValueError, match="1 to 31 tokens"):
        generate(decoder, [list(range(32))], max_new=1)


def test_top_p_never_draws_from_the_tail():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).expand(2000, 4)
    tokens, scores = sample(logits, 1.0, 0.7, torch.Generator().manual_seed(0))
    assert set(tokens.tolist()) == {0, 1}
    assert torch.allclose(scores.exp().unique(), torch.tensor([0.375, 0.625]), atol=1e-5)


def test_unusable_checkpoints_are_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"config\.json"):
        load_decoder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(UserError, match="gpt2"):
        load_decoder(tmp_path)


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="kv_heads"):
        shape(kv_heads=3)
    with pytest.raises(ValueError, match="heads"):
        shape(heads=5)
