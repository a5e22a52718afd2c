"""Our configuration as vLLM's arguments and Serve's options; digests never travel as keys."""

import json

import pytest
from pydantic import ValidationError

from raylm.errors import UserError
from raylm.serve.app import (
    CPU_KV_LEAST,
    CPU_KV_LIMIT,
    AppArguments,
    application,
    build_app,
    checkpoint,
    deployment_options,
    engine_arguments,
    kv_cache_bytes,
    model_name,
)
from raylm.serve.config import ServeConfig
from raylm.serve.endpoint import Endpoint, _reason, instructions, require_vllm
from raylm.serve.keys import KEYS_VARIABLE

MODEL = {"num_attention_heads": 8, "num_key_value_heads": 4, "hidden_size": 256, "num_hidden_layers": 6,
         "max_position_embeddings": 512}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rlhf-0123" / "checkpoint"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(MODEL))
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


@pytest.mark.parametrize("wrong", [{"port": 0}, {"port": 70000}, {"min_replicas": 2}, {"max_body_mib": 0}, {"api_key": "x"},
                                   {"dtype": "int3"}, {"host": ""}, {"max_queued_requests": 0}])
def test_wrong_value_is_refused_before_anything_starts(wrong):
    with pytest.raises(ValidationError):
        ServeConfig(**wrong)


@pytest.fixture
def processor(monkeypatch):
    """Set what this machine's processor computes best in."""
    return lambda dtype: monkeypatch.setattr("raylm.device.serving_dtype", lambda: dtype)


def argument(arguments, name):
    return arguments[arguments.index(name) + 1]


def test_engine_arguments_on_cpu_and_gpu(folder, processor):
    processor("bfloat16")
    cpu = engine_arguments(folder, "tiny", ServeConfig(max_model_len=128), gpus=0)
    assert cpu[:6] == ["--model", str(folder), "--served-model-name", "tiny", "--dtype", "auto"]
    assert cpu[cpu.index("--max-model-len") + 1] == "128" and "--enforce-eager" in cpu
    assert cpu[cpu.index("--distributed-executor-backend") + 1] == "uni"
    gpu = engine_arguments(folder, "tiny", ServeConfig(compile=True), gpus=2)
    assert gpu[gpu.index("--tensor-parallel-size") + 1] == "2"
    assert not {"--enforce-eager", "--kv-cache-memory-bytes", "--distributed-executor-backend"} & set(gpu)


def test_a_processor_without_bfloat16_serves_in_float32_with_room_for_it(folder, processor):
    """int8 that ends in bfloat16 runs hundreds of times slower there; `auto` alone would take the checkpoint's bfloat16."""
    processor("bfloat16")
    fast = engine_arguments(folder, "tiny", ServeConfig(), gpus=0)
    processor("float32")
    slow = engine_arguments(folder, "tiny", ServeConfig(), gpus=0)
    assert (argument(fast, "--dtype"), argument(slow, "--dtype")) == ("auto", "float32")
    assert int(argument(slow, "--kv-cache-memory-bytes")) == 2 * int(argument(fast, "--kv-cache-memory-bytes"))
    assert argument(engine_arguments(folder, "tiny", ServeConfig(dtype="bfloat16"), gpus=0), "--dtype") == "bfloat16"
    assert argument(engine_arguments(folder, "tiny", ServeConfig(), gpus=1), "--dtype") == "auto"


def test_the_node_that_runs_the_replica_chooses_the_type(folder, monkeypatch):
    """The driver may be another machine: it must not even look at its own processor."""
    def wrong_machine():
        raise AssertionError("asked on the driver")

    monkeypatch.setattr("raylm.device.serving_dtype", wrong_machine)
    app = application(folder, "tiny", ServeConfig(gpus_per_replica=0), ())
    monkeypatch.setattr("raylm.device.serving_dtype", lambda: "float32")
    assert argument(app._bound_deployment.init_args[0](), "--dtype") == "float32"


def test_a_node_that_does_not_see_the_checkpoint_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="every node must see"):
        engine_arguments(tmp_path / "absent", "tiny", ServeConfig(), gpus=0)


def test_kv_cache_is_what_full_load_needs_within_bounds():
    per_token = 2 * 6 * 4 * 32 * 2
    assert kv_cache_bytes(MODEL, ServeConfig(), "auto") == per_token * 512 * 64
    assert kv_cache_bytes(MODEL, ServeConfig(max_ongoing_requests=32), "float32") == per_token * 512 * 64
    assert kv_cache_bytes({**MODEL, "dtype": "float32"}, ServeConfig(max_ongoing_requests=32), "auto") == per_token * 512 * 64
    assert kv_cache_bytes({**MODEL, "max_position_embeddings": 131072}, ServeConfig(), "auto") == CPU_KV_LIMIT
    assert kv_cache_bytes(MODEL, ServeConfig(max_model_len=8, max_ongoing_requests=1), "auto") == CPU_KV_LEAST


def test_replicas_are_fixed_or_follow_the_load():
    fixed = deployment_options(ServeConfig(min_replicas=2, max_replicas=2), 0)
    assert fixed["num_replicas"] == 2 and "autoscaling_config" not in fixed
    scaled = deployment_options(ServeConfig(min_replicas=0, max_replicas=3, target_ongoing_requests=5), 1)
    assert scaled["autoscaling_config"]["min_replicas"] == 0 and scaled["autoscaling_config"]["target_ongoing_requests"] == 5
    assert "num_replicas" not in scaled and scaled["ray_actor_options"]["num_gpus"] == 1


def test_what_is_not_a_checkpoint_is_one_line(folder, tmp_path):
    assert checkpoint(folder) == folder and model_name(folder) == "rlhf-0123"
    (folder / "model.safetensors").unlink()
    for wrong in (tmp_path, folder, tmp_path / "absent"):
        with pytest.raises(UserError) as caught:
            checkpoint(wrong)
        assert "\n" not in str(caught.value)


def test_builder_for_a_cluster_always_needs_keys(folder, monkeypatch):
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    with pytest.raises(UserError, match="API keys"):
        build_app(AppArguments(model=str(folder)))


def test_deployment_holds_digests_and_never_a_key(folder, monkeypatch):
    import cloudpickle

    key = "sk-raylm-secret-secret-secret"
    monkeypatch.setenv(KEYS_VARIABLE, key)
    app = build_app(AppArguments(model=str(folder), serve=ServeConfig(gpus_per_replica=0)))
    bound = cloudpickle.dumps(app._bound_deployment.init_args)
    assert key.encode() not in bound and key not in str(deployment_options(ServeConfig(), 0))
    assert all(len(value) == 64 for value in app._bound_deployment.init_args[1])


def test_instructions_ask_for_the_key_only_where_one_is_needed():
    assert "RAYLM_API_KEY" in instructions(Endpoint("http://h:1", "m", True))
    text = instructions(Endpoint("http://127.0.0.1:8000", "m", False))
    assert "RAYLM_API_KEY" not in text and "curl http://127.0.0.1:8000/v1/chat/completions" in text


def test_a_machine_without_vllm_is_told_of_the_installer(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"bash cluster/install\.sh"):
        require_vllm()


def test_reason_is_the_line_that_names_the_error():
    message = "Deployment failed\nTraceback (most recent call last):\n  File x\nValueError: no such dtype\n\nRetried 1 times"
    assert _reason(message) == "ValueError: no such dtype"
    assert _reason("") == "no reason given"
