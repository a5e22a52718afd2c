"""Starting and stopping the endpoint on this machine or the connected cluster, with progress for the terminal.

Ray Serve would bind a port that another Serve already holds (it sets SO_REUSEPORT), retry a broken model twenty times and log
at length; here the port is tried first, a broken model fails soon, and what the user sees is one line per phase.
"""

import contextlib
import importlib.util
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from raylm.errors import UserError
from raylm.serve.app import application, checkpoint, health_application, model_name
from raylm.serve.config import ServeConfig
from raylm.serve.keys import KEYS_VARIABLE, digest, read_keys

Say = Callable[[str], None]
APPLICATION, HEALTH = "raylm", "raylm-health"


@dataclass
class Endpoint:
    """A running endpoint. Also a context manager that stops it."""

    url: str
    """Base address, without `/v1`."""
    model: str
    """The name that clients ask for."""
    asks_key: bool
    ready_s: float = 0.0
    """Seconds from the call of `start` until it answered."""
    _undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def stop(self) -> None:
        """Let requests in progress end (20 s at most), stop the replicas, close the port. Safe to call twice."""
        self._undo.close()

    def healthy(self) -> bool:
        """Return whether every replica that should run is running."""
        return _status()[0] == "RUNNING"

    def __enter__(self) -> "Endpoint":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def start(
    folder: Path, config: ServeConfig | None = None, *, name: str | None = None, say: Say | None = None, timeout_s: float = 900
) -> Endpoint:
    """Serve the checkpoint in `folder` and return when it answers.

    Uses the Ray that is initialised, else starts one for this machine and ends it with the endpoint. `name` is the model's name
    if the configuration gives none; `say` receives one line per phase. Raises UserError for what the user can mend: no
    checkpoint, no vLLM, no key for an open address, a port in use, a model that vLLM refuses.
    """
    began = time.monotonic()
    config, say = config or ServeConfig(), say or (lambda line: None)
    folder = checkpoint(folder)
    digests = key_digests(config)
    require_vllm()
    require_free_port(config.host, config.port)
    served = config.model_name or name or model_name(folder)
    with contextlib.ExitStack() as undo:
        say("starting Ray")
        owned = _connect(config, undo)
        say("starting Ray Serve")
        _start_proxy(config, owned, undo)
        say(f"loading {served} in vLLM (half a minute on a small machine)")
        _deploy(application(folder, served, config, digests), timeout_s)
        endpoint = Endpoint(_url(config), served, bool(digests), time.monotonic() - began, undo.pop_all())
    say(f"ready after {endpoint.ready_s:.0f} s")
    return endpoint


def serve_until_interrupted(
    folder: Path, config: ServeConfig, *, name: str | None = None, say: Say = print
) -> None:
    """Serve the checkpoint until SIGINT or SIGTERM, then stop gracefully. Call it from the main thread."""
    with _interruptible():
        try:
            # Again inside: a Ray that starts takes SIGTERM for itself, and would end us with a trace of its own.
            with start(folder, config, name=name, say=say) as endpoint, _interruptible():
                say(instructions(endpoint))
                _watch(endpoint, say)
        except KeyboardInterrupt:
            say("stopped")


def instructions(endpoint: Endpoint) -> str:
    """Return the exact commands that talk to the endpoint: curl and the `openai` client."""
    header = ' -H "Authorization: Bearer $RAYLM_API_KEY"' if endpoint.asks_key else ""
    key = 'os.environ["RAYLM_API_KEY"]' if endpoint.asks_key else '"none"'
    return f"""
{endpoint.model} answers at {endpoint.url}/v1 (Ctrl-C stops it)

  curl {endpoint.url}/v1/chat/completions{header} -H "Content-Type: application/json" \\
    -d '{{"model": "{endpoint.model}", "messages": [{{"role": "user", "content": "Hello"}}], "max_tokens": 64}}'

  import os, openai
  client = openai.OpenAI(base_url="{endpoint.url}/v1", api_key={key})
  answer = client.chat.completions.create(
      model="{endpoint.model}", messages=[{{"role": "user", "content": "Hello"}}], max_tokens=64)
  print(answer.choices[0].message.content)
"""


def key_digests(config: ServeConfig) -> tuple[str, ...]:
    """Return the digests of the configured keys; UserError if the address is open to others and there is none."""
    keys = read_keys(Path(config.api_key_file) if config.api_key_file else None)
    if not keys and not config.loopback:
        raise UserError(
            f"host {config.host} is reachable from other machines, so an API key is needed: "
            f"name a file of keys (--api-key-file), set {KEYS_VARIABLE}, or listen on 127.0.0.1"
        )
    return tuple(digest(key) for key in keys)


def require_vllm() -> None:
    """Raise UserError on a machine without vLLM."""
    if importlib.util.find_spec("vllm") is None:
        raise UserError("serving needs vLLM, which is not installed here: `bash cluster/install.sh` installs it")


def require_free_port(host: str, port: int) -> None:
    """Raise UserError if `port` cannot be listened on at `host`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UserError(f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port") from None


def _connect(config: ServeConfig, undo: contextlib.ExitStack) -> bool:
    """Return whether a Ray had to be started for this endpoint; but for the endpoint itself it listens on loopback only."""
    import ray

    from raylm.pipeline.session import start_private

    if ray.is_initialized():
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # neither its question nor its traffic
    needed = config.cpus_per_replica * max(config.max_replicas, 1)
    with _without_keys():
        start_private(
            num_cpus=max(os.cpu_count() or 1, needed),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=200_000_000,
        )
    undo.callback(ray.shutdown)
    return True


@contextlib.contextmanager
def _without_keys() -> Iterator[None]:
    """Keep the keys out of the environment that Ray's processes inherit."""
    keys = os.environ.pop(KEYS_VARIABLE, None)
    try:
        yield
    finally:
        if keys is not None:
            os.environ[KEYS_VARIABLE] = keys


def _start_proxy(config: ServeConfig, owned: bool, undo: contextlib.ExitStack) -> None:
    from ray import serve

    for name in ("ray.serve", "ray"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if serve.status().applications or serve.status().proxies:
        raise UserError("this Ray cluster serves something already; deploy there with `serve deploy` (raylm.serve:build_app)")
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": config.host, "port": config.port},
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    )
    undo.callback(_stop_serving, owned)


def _stop_serving(owned: bool) -> None:
    """Drain the replicas. Serve's controller is stopped only on a cluster that lives on; an own Ray takes it along, quietly."""
    from ray import serve

    for name in (HEALTH, APPLICATION):
        serve.delete(name)
    if not owned:
        serve.shutdown()


def _deploy(app: Any, timeout_s: float) -> None:
    from ray import serve

    serve.run_many(
        [
            serve.RunTarget(health_application(APPLICATION), name=HEALTH, route_prefix="/healthz"),
            serve.RunTarget(app, name=APPLICATION, route_prefix="/"),
        ],
        wait_for_ingress_deployment_creation=False,
        wait_for_applications_running=False,
    )
    deadline = time.monotonic() + timeout_s
    while (state := _status())[0] != "RUNNING":
        if state[0] == "DEPLOY_FAILED":
            raise UserError(f"vLLM could not serve this model: {_reason(state[1])}")
        if time.monotonic() > deadline:
            raise UserError(f"the endpoint was not ready after {timeout_s:.0f} s ({state[0].lower()}: {_reason(state[1])})")
        time.sleep(0.25)


def _status() -> tuple[str, str]:
    """Return the application's state and, where it is not well, what Ray Serve says of it."""
    from ray import serve

    overview = serve.status().applications.get(APPLICATION)
    if overview is None:
        return "DEPLOYING", ""
    messages = [overview.message, *(item.message for item in overview.deployments.values())]
    return str(overview.status.value), "\n".join(message for message in messages if message)


def _reason(message: str) -> str:
    """Return the line of a Serve message (often a traceback) that names the error."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line.split(":")[0] or "Exception" in line.split(":")[0]]
    return (errors or lines or ["no reason given"])[-1][:500]


def _url(config: ServeConfig) -> str:
    """Return the address to tell people: this machine's name where it listens on all interfaces."""
    host = socket.gethostname() if config.host in ("::", "0.0.0.0") else config.host  # noqa: S104  compared, not bound
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Make SIGTERM end the block as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _watch(endpoint: Endpoint, say: Say) -> None:
    """Wait for ever, and say when the endpoint falls ill and when it recovers."""
    well = True
    while True:
        time.sleep(2)
        if endpoint.healthy() != well:
            well = not well
            say("the endpoint is well again" if well else "the endpoint is not healthy; Ray Serve is restarting it")
