"""8-bit layers: our integers are compressed-tensors' integers, and what is written means what was computed."""

import json

import numpy as np
import pytest
import torch

from raylm.compress.calibrate import calibration_text
from raylm.compress.config import CalibrationConfig, CompressConfig
from raylm.compress.observe import divergence, input_ranges
from raylm.compress.passes.int8 import Int8, apply, block_linears, quantization_config
from raylm.compress.ranges import range_by_error, weight_scales
from raylm.compress.result import Calibration
from raylm.compress.verify import decompression_differs
from raylm.compress.write import sizes, write_checkpoint
from raylm.errors import UserError
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import load_decoder, save_checkpoint
from raylm.model.int8 import Int8Linear, dequantize, load_int8_decoder, quantize, rounded, scale_of
from raylm.tokenizer.shards import TokenShards

SHAPE = ModelConfig(vocabulary=160, hidden=64, layers=2, heads=2, kv_heads=1, feed_forward=96, context=64)


@pytest.fixture
def parent(tmp_path):
    """A checkpoint with weights large enough that its outputs differ from token to token."""
    torch.manual_seed(0)
    decoder = Decoder(SHAPE)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(4 if parameter.dim() == 2 else 1)
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "chat_template.jinja").write_text("{{ messages }}")
    save_checkpoint(decoder.state_dict(), SHAPE, tmp_path / "parent", tmp_path / "tokenizer")
    return tmp_path / "parent"


@pytest.fixture
def text():
    ids = torch.randint(7, SHAPE.vocabulary, (6, 32), generator=torch.Generator().manual_seed(1))
    return Calibration(ids, torch.zeros_like(ids))


def test_integers_equal_those_of_compressed_tensors():
    library = pytest.importorskip("compressed_tensors.quantization")
    from compressed_tensors.quantization.lifecycle.forward import quantize as library_quantize
    from compressed_tensors.quantization.utils import calculate_qparams

    torch.manual_seed(2)
    weight = torch.randn(48, 40) * torch.rand(48, 1)
    args = library.QuantizationArgs(num_bits=8, type="int", symmetric=True, strategy="channel")
    theirs, zero = calculate_qparams(weight.amin(1, keepdim=True), weight.amax(1, keepdim=True), args)
    ours = weight_scales(weight, "minmax")
    assert torch.equal(ours, theirs)
    for scale in (ours, weight_scales(weight, "mse")):
        assert torch.equal(quantize(weight, scale), library_quantize(weight, scale, zero, args, dtype=torch.int8))


def test_rounding_error_is_at_most_half_a_step_and_zero_stays_zero():
    values = torch.linspace(-3, 3, 1001)
    scale = scale_of(values.abs().max())
    assert (dequantize(quantize(values, scale), scale) - values).abs().max() <= scale * 0.5001
    assert torch.equal(rounded(torch.zeros(4), scale_of(torch.zeros(1))), torch.zeros(4))
    assert torch.equal(rounded(values, scale), dequantize(quantize(values, scale), scale))


def test_seven_bits_cannot_overflow_the_pairs_that_old_processors_add_in_16_bits(parent, text):
    """Without VNNI, inputs are shifted to 0..255 and two products added in 16 bits: 2 * 255 * 64 fits, 2 * 255 * 128 does not."""
    for bits, fits in ((7, True), (8, False)):
        result = apply(load_decoder(parent), Int8(weight_bits=bits), text)
        weights = [tensor.int() for tensor in result.tensors().values() if tensor.dtype == torch.int8]
        assert len(weights) == len(result.layers)
        largest = max(int(weight.abs().max()) for weight in weights)
        assert (2 * 255 * largest < 2**15) is fits
        assert largest > 2 ** (bits - 1) - 3  # and nothing of the range is given away


def test_mse_range_clips_a_lone_outlier_and_never_loses_to_the_full_range():
    weight = torch.randn(32, 256, generator=torch.Generator().manual_seed(3))
    weight[0, 0] = 6.0

    def error(observer):
        return (rounded(weight, weight_scales(weight, observer)) - weight).square().sum(1)

    assert (error("mse") <= error("minmax") + 1e-9).all()
    counts = torch.zeros(1000)
    counts[:100], counts[-1] = 1000.0, 1.0
    assert range_by_error(counts, 10.0) < 10.0
    assert range_by_error(torch.ones(1000), 10.0) == pytest.approx(10.0, rel=0.02)
    assert range_by_error(counts, 0.0) == 0.0


def test_minmax_range_is_the_largest_input_seen(parent, text):
    decoder = load_decoder(parent)
    layers = block_linears(decoder)
    seen = {}
    hook = layers["model.layers.1.mlp.down_proj"].register_forward_hook(lambda m, i, o: seen.update(x=i[0].abs().max()))
    with torch.inference_mode():
        decoder(text.ids, text.documents)
    hook.remove()
    ranges = input_ranges(decoder, layers, text, "minmax")
    assert ranges["model.layers.1.mlp.down_proj"] == pytest.approx(float(seen["x"]), rel=1e-5)
    # Layers that read the same values must get the same scale: engines fuse them and keep only one.
    for observer in ("minmax", "mse"):
        ranges = input_ranges(decoder, layers, text, observer)
        assert len({ranges[f"model.layers.0.self_attn.{name}_proj"] for name in "qkv"}) == 1


@pytest.mark.parametrize("activations", ["static", "dynamic"])
def test_written_checkpoint_is_restored_bit_for_bit_and_computes_the_same(parent, text, tmp_path, activations):
    pytest.importorskip("compressed_tensors")
    decoder = load_decoder(parent)
    before = {name: tensor.clone() for name, tensor in decoder.state_dict().items()}
    result = apply(decoder, Int8(activations=activations), text)
    write_checkpoint(result, parent, tmp_path / "small")
    assert all(torch.equal(before[name], tensor) for name, tensor in decoder.state_dict().items())
    assert decompression_differs(tmp_path / "small") == []
    again = load_int8_decoder(tmp_path / "small")
    with torch.inference_mode():
        assert torch.equal(again(text.ids), result.decoder(text.ids))
    figures = divergence(decoder, result.decoder, text)
    assert 0 <= figures["kl"] < 0.05 and abs(figures["loss_after"] - figures["loss_before"]) < 0.05
    assert all(row["output_error"] < 0.1 and row["weight_error"] < 0.03 for row in result.layers)
    assert len(result.layers) == 7 * SHAPE.layers


def test_checkpoint_halves_the_blocks_and_keeps_everything_else(parent, text, tmp_path):
    result = apply(load_decoder(parent), Int8(), text)
    write_checkpoint(result, parent, tmp_path / "small")
    before, after = sizes(parent), sizes(tmp_path / "small")
    scales = sum(4 * row["shape"][0] + 4 for row in result.layers)
    norms = 2 * 2 * SHAPE.hidden * SHAPE.layers
    assert after["blocks"] == (before["blocks"] - norms) // 2 + norms + scales
    assert before["weights"] - before["blocks"] == after["weights"] - after["blocks"]
    assert (tmp_path / "small" / "chat_template.jinja").read_text() == "{{ messages }}"
    old, new = (json.loads((folder / "config.json").read_text()) for folder in (parent, tmp_path / "small"))
    assert new.pop("quantization_config")["ignore"] == ["lm_head"]
    assert old == new


def test_configuration_is_one_that_compressed_tensors_reads_back_unchanged():
    library = pytest.importorskip("compressed_tensors.quantization")
    for activations, dynamic, strategy in (("static", False, "tensor"), ("dynamic", True, "token")):
        read = library.QuantizationConfig.model_validate(quantization_config(Int8(activations=activations)))
        scheme = read.config_groups["group_0"]
        assert (scheme.weights.strategy, scheme.weights.num_bits, scheme.weights.symmetric) == ("channel", 8, True)
        assert (scheme.input_activations.dynamic, scheme.input_activations.strategy) == (dynamic, strategy)


def test_dynamic_scale_is_each_tokens_own():
    layer = Int8Linear(torch.eye(4).mul(127).to(torch.int8), torch.full((4, 1), 1 / 127), None)
    x = torch.tensor([[1.0, 0.5, 0.0, -1.0], [100.0, 0.001, 0.0, 0.0]])
    assert torch.allclose(layer(x)[0], x[0], atol=1 / 127)
    assert layer(x)[1].tolist() == pytest.approx([100.0, 0.0, 0.0, 0.0], abs=1e-4)


def test_head_width_that_vllm_cannot_run_is_refused(text):
    odd = ModelConfig(vocabulary=160, hidden=80, layers=1, heads=2, kv_heads=1, feed_forward=96, context=64)
    with pytest.raises(UserError, match="40 wide"):
        apply(Decoder(odd), Int8(), text)


def test_calibration_reads_only_the_training_split(tmp_path):
    """Held-out documents are all token 9, training ones all token 5: no 9 may be drawn."""
    sources = {}
    for source, documents in (("a", 30), ("b", 3), ("tiny", 1)):
        sources[source] = {}
        for split, token in (("train", 5), ("heldout", 9)):
            folder = tmp_path / "shards" / source / split
            folder.mkdir(parents=True)
            length = 4 if source == "tiny" else 40
            np.save(folder / "tokens-00000.npy", np.full(documents * length, token, np.uint16))
            np.save(folder / "offsets-00000.npy", np.arange(documents + 1, dtype=np.int64) * length)
            sources[source][split] = {"tokens": documents * length, "documents": documents, "bytes": documents * length}
    (tmp_path / "index.json").write_text(json.dumps({"sources": sources}))
    shards = TokenShards.open(tmp_path)
    text = calibration_text(shards, CalibrationConfig(windows=22, length=32), 64, seed=0)
    assert text.ids.shape == (22, 32) and text.ids.unique().tolist() == [5]
    assert torch.equal(text.ids, calibration_text(shards, CalibrationConfig(windows=22, length=32), 64, seed=0).ids)
    assert calibration_text(shards, CalibrationConfig(windows=2, length=500), 16, seed=0).ids.shape == (2, 16)
    with pytest.raises(UserError, match=r"calibration\.length"):
        calibration_text(shards, CalibrationConfig(length=5000), 9000, seed=0)


def test_recipe_refuses_what_there_is_no_kernel_for():
    with pytest.raises(ValueError, match="static"):
        CompressConfig.model_validate({"passes": [{"method": "int8", "activations": "fp8"}]})
    assert CompressConfig().passes == (Int8(),)
