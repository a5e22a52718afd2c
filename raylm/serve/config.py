"""The recipe's `serve` section: where the endpoint listens, how the engine runs, how it scales.

Nothing here changes an artifact; every value is checked before Ray starts. API keys are deliberately no part of it: a recipe is
shared and versioned, so it may name the file that holds the keys and never a key.
"""

import ipaddress
from typing import Literal

from pydantic import Field, model_validator

from raylm.recipe.section import Section, resource


class ServeConfig(Section):
    """How a checkpoint is served."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on. Anything but loopback (127.0.0.1, ::1, localhost) needs an API key."""
    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port to listen on."""
    api_key_file: str | None = None
    """File with one API key per line (`#` starts a comment). The variable RAYLM_API_KEYS (comma-separated) adds to it."""
    model_name: str | None = Field(default=None, min_length=1)
    """The name clients ask for (`model=`); left out, the name that the caller gives, else the folder's."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Number format of the computation; auto takes the checkpoint's, and float32 on a CPU that is slow at bfloat16."""
    max_model_len: int | None = Field(default=None, ge=8)
    """Longest prompt plus answer, in tokens; left out, the model's own context."""
    kv_cache_gib: float | None = Field(default=None, gt=0)
    """Memory for attention keys and values per replica, GiB. Left out: on CPU what `max_ongoing_requests` full-length sequences
    need, at most 4; on a GPU, vLLM's own choice."""
    compile: bool = False
    """Compile the model at start: faster answers on GPUs, a minute or more until the first one."""
    max_body_mib: float = Field(default=8.0, gt=0, le=1024)
    """Largest accepted request body, MiB; a larger one is answered with 413."""
    min_replicas: int = resource(1, ge=0)
    """Fewest engine replicas. 0 lets an idle endpoint give its machines back; the next request then waits for a start."""
    max_replicas: int = resource(1, ge=1)
    """Most engine replicas; above `min_replicas` the number follows the load."""
    target_ongoing_requests: int = resource(16, ge=1)
    """Requests in progress per replica that autoscaling aims at."""
    max_ongoing_requests: int = resource(64, ge=1)
    """Requests that one replica works on together; the next ones queue."""
    max_queued_requests: int = resource(256, ge=1)
    """Requests that may wait for a replica; beyond that a request is answered with 503."""
    cpus_per_replica: int = resource(1, ge=1)
    """CPU cores of a replica: its computing threads, and what Ray reserves. Leave one core of a machine to the front."""
    gpus_per_replica: int | None = resource(None, ge=0)
    """GPUs of a replica (tensor parallel above 1); left out, 1 where the cluster has GPUs and 0 where not."""

    @model_validator(mode="after")
    def _replicas_in_order(self) -> "ServeConfig":
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas ({self.max_replicas}) is less than min_replicas ({self.min_replicas})")
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the endpoint."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether `host` names loopback. A name other than `localhost` is taken as reachable from outside."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
