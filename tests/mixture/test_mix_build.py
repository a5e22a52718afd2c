"""The stage as the pipeline runs it: proxies as Ray Tune trials on real text."""

import json
import sysconfig
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from raylm.errors import UserError
from raylm.mixture.build import build, eligible, targets
from raylm.mixture.config import MixConfig
from raylm.mixture.panels import panels
from raylm.mixture.proxy import Heldout, bits_per_byte, heldout, network, train_proxy
from raylm.progress import Meter
from raylm.stage import Outcome, StageContext
from raylm.storage import Artifact, Folder
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.encode import Shard, npy
from raylm.tokenizer.learn import learn
from raylm.tokenizer.sampling import passages
from raylm.tokenizer.shards import TokenShards
from raylm.tokenizer.text import Tokenizer
from raylm.training.feed import Feed

SMALL = {"model": {"hidden": 32, "layers": 1, "heads": 2, "kv_heads": 2, "feed_forward": 64, "context": 64},
         "steps": 12, "batch": 4, "proxies": 5, "evaluate_tokens": 1000, "minimum_tokens": 1000, "verify_seeds": 1}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A tokenize artifact of three sources: code, the same upper-cased, and one too small to be mixed."""
    root = tmp_path_factory.mktemp("tokens")
    library = Path(sysconfig.get_path("stdlib"))
    texts = [passage for name in ("ast.py", "argparse.py", "inspect.py") for passage in passages((library / name).read_text())]
    model = learn(texts, TokenizeConfig(vocabulary=400))
    tokenizer = Tokenizer(model)
    (root / "tokenizer").mkdir()
    (root / "tokenizer/tokenizer.model").write_bytes(model)
    by_source = {"code": texts, "shouted": [t.upper() for t in texts[:60]], "tiny": [text[:500] for text in texts[:2]]}
    sizes: dict[str, dict] = {}
    for source, documents in by_source.items():
        for split, some in (("heldout", documents[::8]), ("train", [t for i, t in enumerate(documents) if i % 8])):
            shard = Shard([np.array([1, *tokenizer.encode(t), 2], np.uint16) for t in some], sum(len(t.encode()) for t in some))
            folder = root / "shards" / source / split
            folder.mkdir(parents=True)
            for kind, array in zip(("tokens", "offsets"), shard.arrays(), strict=True):
                (folder / f"{kind}-00000.npy").write_bytes(npy(array))
            sizes.setdefault(source, {})[split] = shard.counts()
    (root / "index.json").write_text(json.dumps({"vocabulary": tokenizer.vocabulary, "sources": sizes}))
    return Artifact("tokenize", "test", Folder.at(root))


def run(tokens: Artifact, output: Path, **config) -> Outcome:
    return build(StageContext(MixConfig(**{**SMALL, **config}), 3, {"tokenize": tokens}, Folder.at(output), Meter()))


@pytest.fixture(scope="module")
def built(ray_cluster, tokens: Artifact, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    output = tmp_path_factory.mktemp("mix")
    return output, run(tokens, output)


def test_weights_are_shares_of_the_best_verified_mix(built):
    weights = json.loads((built[0] / "weights.json").read_text())["weights"]
    metrics = built[1].metrics
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["tiny"] == 0.0
    assert metrics["left_out"] == ["tiny"]
    assert set(metrics["verification"]) == {"picked", "natural", "uniform"}
    losses = {name: found["target"] for name, found in metrics["verification"].items()}
    assert losses[metrics["chosen"]] <= losses["natural"]
    assert metrics["chosen"] != "picked" or losses["picked"] < losses["natural"]
    assert not (built[0] / "tune").exists()


def test_a_mix_with_more_of_a_source_predicts_that_source_better(built):
    proxies = built[1].metrics["proxies"]
    most, least = (pick(proxies, key=lambda proxy: proxy["weights"]["shouted"]) for pick in (max, min))
    assert most["losses"]["shouted"] < least["losses"]["shouted"]
    assert most["losses"]["code"] > least["losses"]["code"]


def test_killed_search_trains_only_what_is_missing_and_ends_with_the_same_weights(built, tokens: Artifact, tmp_path: Path):
    (tmp_path / "proxies").mkdir()
    for file in sorted((built[0] / "proxies").iterdir())[:4]:
        (tmp_path / "proxies" / file.name).write_bytes(file.read_bytes())
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "proxies").iterdir()}
    outcome = run(tokens, tmp_path, concurrency=1)
    assert all(file.stat().st_mtime_ns == modified for file, modified in kept.items())
    assert outcome.metrics == built[1].metrics
    for file in (built[0] / "proxies").iterdir():
        assert (tmp_path / "proxies" / file.name).read_bytes() == file.read_bytes()
    assert (tmp_path / "weights.json").read_bytes() == (built[0] / "weights.json").read_bytes()


def test_the_report_says_what_was_chosen_and_why(built):
    shown = panels({"metrics": built[1].metrics}, built[1].cost)
    assert [panel.title for panel in shown] == ["Mixture chosen", "Mixtures tried", "Mixing law"]
    gain = built[1].metrics["verification"]["natural"]["target"] - built[1].metrics["verification"]["picked"]["target"]
    assert ("beats" if gain > 0 else "no better") in shown[0].text


def test_one_source_needs_no_search(tokens: Artifact, tmp_path: Path):
    size = TokenShards.open(tokens.folder).size("code", "train")["tokens"]
    outcome = run(tokens, tmp_path, minimum_tokens=size)
    assert json.loads((tmp_path / "weights.json").read_text())["weights"] == {"code": 1.0, "shouted": 0.0, "tiny": 0.0}
    assert "nothing to mix" in panels({"metrics": outcome.metrics}, outcome.cost)[0].text


def test_wrong_targets_and_sizes_are_one_clear_line(tokens: Artifact):
    shards = TokenShards.open(tokens.folder)
    with pytest.raises(UserError, match=r"mix.target: got 'prose', allowed: .*code"):
        targets(shards, ["code"], MixConfig(target={"prose": 1.0}))
    with pytest.raises(UserError, match=r"mix.minimum_tokens: no source has 1000000000"):
        eligible(shards, MixConfig(minimum_tokens=10**9))
    assert targets(shards, ["code"], MixConfig(target={"shouted": 3.0, "code": 1.0})) == {"code": 0.25, "shouted": 0.75}


def test_every_held_out_token_is_scored_once_and_bytes_match_the_text(tokens: Artifact):
    shards = TokenShards.open(tokens.folder)
    tokenizer = Tokenizer.open(shards.root / "tokenizer")
    cut = heldout(shards, "code", 64, 10**9, tokenizer.byte_lengths())
    size = shards.size("code", "heldout")
    assert int((cut.labels != -100).sum()) == size["tokens"] - size["documents"]
    assert cut.bytes == size["bytes"]
    assert tokenizer.decode(cut.labels[cut.labels != -100].tolist()).encode() == b"".join(
        tokenizer.decode(tokens[a:b].tolist()).encode() for tokens, offsets in
        zip(shards.tokens("code", "heldout"), shards.offsets("code", "heldout"), strict=True)
        for a, b in pairwise(offsets))
    bounded = heldout(shards, "code", 64, 1000, tokenizer.byte_lengths())
    assert 900 <= int((bounded.labels != -100).sum()) < 1000


def test_a_proxy_learns_and_starts_at_uniform_loss(tokens: Artifact):
    shards, config = TokenShards.open(tokens.folder), MixConfig(**{**SMALL, "steps": 30})
    lengths = Tokenizer.open(shards.root / "tokenizer").byte_lengths()
    target: Heldout = heldout(shards, "code", 64, 1000, lengths)
    vocabulary = shards.index["vocabulary"]
    per_token = int((target.labels != -100).sum()) / target.bytes
    assert bits_per_byte(network(config, vocabulary, 0), target) / per_token == pytest.approx(np.log2(vocabulary), rel=0.02)
    model = train_proxy(Feed(shards, {"code": 1.0}, 64, 0), config, vocabulary, 0)
    assert bits_per_byte(model, target) / per_token < 0.85 * np.log2(vocabulary)
