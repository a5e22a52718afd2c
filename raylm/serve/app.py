"""The Ray Serve application: our configuration translated into vLLM's arguments and Serve's deployment options.

`application` is what `raylm serve` deploys. `build_app` is the same as a builder for a Serve configuration file, so a cluster's
operator can deploy it with `serve deploy` or a KubeRay RayService.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from raylm.errors import UserError
from raylm.recipe.section import Section
from raylm.serve.config import ServeConfig
from raylm.serve.keys import digest, read_keys

GIB = 2**30
DEPLOYMENT = "engine"
CPU_KV_LIMIT = 4 * GIB
CPU_KV_LEAST = GIB // 16


class AppArguments(Section):
    """The `args` of an application in a Serve configuration file."""

    model: str
    """Checkpoint folder; every node that may run a replica must see it under this path."""
    serve: ServeConfig = ServeConfig()
    """How it is served. `host` and `port` have no effect here: the file's `http_options` decide them."""
    key_digests: tuple[str, ...] = Field(default=(), max_length=10_000)
    """Hexadecimal SHA-256 digests of the accepted API keys, beside those of `serve.api_key_file` and RAYLM_API_KEYS."""


def build_app(args: AppArguments) -> Any:
    """Return the Serve application for `import_path: raylm.serve:build_app`.

    Raises UserError without an API key: here the address is the cluster's, not ours to know.
    """
    keys = read_keys(Path(args.serve.api_key_file) if args.serve.api_key_file else None)
    digests = (*args.key_digests, *(digest(key) for key in keys))
    if not digests:
        raise UserError("a cluster endpoint needs API keys: key_digests, serve.api_key_file or RAYLM_API_KEYS")
    folder = checkpoint(Path(args.model))
    return application(folder, args.serve.model_name or model_name(folder), args.serve, digests)


def application(folder: Path, name: str, config: ServeConfig, digests: tuple[str, ...]) -> Any:
    """Return the Serve application that answers for the checkpoint in `folder` under `name`. Needs Ray initialised."""
    from ray import serve

    from raylm.serve.engine import Engine

    gpus = _gpus(config)
    ingress = serve.ingress()(Engine)
    deployment: Any = serve.deployment(ingress, name=DEPLOYMENT, **deployment_options(config, gpus))
    # A function, because what it returns depends on the processor of the node that runs the replica.
    arguments = partial(engine_arguments, folder, name, config, gpus)
    return deployment.bind(arguments, digests, int(config.max_body_mib * 2**20))


def health_application(application_name: str) -> Any:
    """Return the Serve application for the route `/healthz` that speaks for the engine's application of this name."""
    from ray import serve

    from raylm.serve.health import Health

    options: dict[str, Any] = {
        "num_replicas": 1,
        "max_ongoing_requests": 100,
        "logging_config": {"log_level": "WARNING", "enable_access_log": False},
        "ray_actor_options": {"num_cpus": 0},
    }
    deployment: Any = serve.deployment(serve.ingress()(Health), name="health", **options)
    return deployment.bind(application_name, DEPLOYMENT)


class HealthArguments(Section):
    """The `args` of the health application in a Serve configuration file."""

    application: str
    """Name of the engine's application in the same file."""


def build_health(args: HealthArguments) -> Any:
    """Return the Serve application for `import_path: raylm.serve:build_health`, `route_prefix: /healthz`."""
    return health_application(args.application)


def deployment_options(config: ServeConfig, gpus: int) -> dict[str, Any]:
    """Return the options of `ray.serve.deployment`: replicas, limits, resources and the replica's environment."""
    environment = {
        "OMP_NUM_THREADS": str(config.cpus_per_replica),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }
    if not gpus:
        environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # one engine process instead of two: starts 10 s sooner
    options: dict[str, Any] = {
        "max_ongoing_requests": config.max_ongoing_requests,
        "max_queued_requests": config.max_queued_requests,
        "max_constructor_retry_count": 1,
        "health_check_period_s": 5,
        "health_check_timeout_s": 30,
        "graceful_shutdown_timeout_s": 20,
        "logging_config": {"log_level": "WARNING", "enable_access_log": False},
        "ray_actor_options": {
            "num_cpus": config.cpus_per_replica,
            "num_gpus": gpus,
            "runtime_env": {"env_vars": environment},
        },
    }
    if config.max_replicas > config.min_replicas:
        options["autoscaling_config"] = {
            "min_replicas": config.min_replicas,
            "max_replicas": config.max_replicas,
            "initial_replicas": max(1, config.min_replicas),
            "target_ongoing_requests": config.target_ongoing_requests,
        }
    else:
        options["num_replicas"] = config.max_replicas
    return options


def engine_arguments(folder: Path, name: str, config: ServeConfig, gpus: int) -> list[str]:
    """Return vLLM's command-line arguments for this checkpoint and configuration, on the machine that this is called on.

    Raises:
        FileNotFoundError: this machine does not see the checkpoint.
    """
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"no checkpoint at {folder} on this node; every node must see the folder")
    dtype = computing_dtype(config, gpus)
    arguments = ["--model", str(folder), "--served-model-name", name, "--dtype", dtype]
    if config.max_model_len:
        arguments += ["--max-model-len", str(config.max_model_len)]
    if not config.compile:
        arguments += ["--enforce-eager"]
    if gpus > 1:
        arguments += ["--tensor-parallel-size", str(gpus)]
    elif gpus == 0:
        arguments += ["--distributed-executor-backend", "uni"]
    if config.kv_cache_gib is not None:
        arguments += ["--kv-cache-memory-bytes", str(int(config.kv_cache_gib * GIB))]
    elif gpus == 0:
        model = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        arguments += ["--kv-cache-memory-bytes", str(kv_cache_bytes(model, config, dtype))]
    return [*arguments, "--max-num-seqs", str(config.max_ongoing_requests), "--disable-fastapi-docs"]


def computing_dtype(config: ServeConfig, gpus: int) -> str:
    """Return what to give vLLM as `--dtype` on this machine.

    `auto` is the checkpoint's type, which is bfloat16; without a GPU it is float32 where the processor has no fast bfloat16.
    """
    from raylm.device import serving_dtype

    if config.dtype == "auto" and not gpus and serving_dtype() == "float32":
        return "float32"
    return config.dtype


def kv_cache_bytes(model: dict[str, Any], config: ServeConfig, dtype: str) -> int:
    """Return the memory that `max_ongoing_requests` full-length sequences need on CPU, at most 4 GiB.

    `model` is the checkpoint's `config.json`, `dtype` of `computing_dtype`. Two 16-bit tensors (32-bit for float32) per layer,
    key-value head and token.
    """
    heads = model["num_attention_heads"]
    head = model.get("head_dim") or model["hidden_size"] // heads
    length = config.max_model_len or model["max_position_embeddings"]
    computed = model.get("dtype", model.get("torch_dtype")) if dtype == "auto" else dtype
    width = 4 if computed == "float32" else 2
    token = 2 * model["num_hidden_layers"] * (model.get("num_key_value_heads") or heads) * head * width
    return max(min(token * length * config.max_ongoing_requests, CPU_KV_LIMIT), CPU_KV_LEAST)


def checkpoint(folder: Path) -> Path:
    """Return the absolute path of a checkpoint folder; UserError if it is not one."""
    for name in ("config.json", "tokenizer_config.json"):
        if not (folder / name).is_file():
            raise UserError(f"{folder} is not a checkpoint that can be served: {name} is missing")
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"{folder} is not a checkpoint that can be served: it holds no .safetensors file")
    return folder.resolve()


def model_name(folder: Path) -> str:
    """Return the name under which a checkpoint folder is served when none is given."""
    return folder.parent.name if folder.name == "checkpoint" else folder.name


def _gpus(config: ServeConfig) -> int:
    if config.gpus_per_replica is not None:
        return config.gpus_per_replica
    import ray

    return int(ray.cluster_resources().get("GPU", 0) > 0)
