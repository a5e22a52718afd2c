"""`raylm submit`: run a recipe as a Ray job on a cluster and follow its log.

Only the recipe travels. raylm itself must be installed on every node (`bash cluster/install.sh`), with the environment's
`bin` on the PATH that the head was started with (`source .venv/bin/activate && ray start --head ...`): a job runs the head's
`python`. The recipe's `storage` must be a place that all nodes reach and that outlives the job, such as s3://bucket/prefix or
an absolute path on a shared disk. Tokens come from Ray's own settings (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH) and are
never shown.
"""

import asyncio
import logging
import shlex
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from raylm.errors import UserError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
CONNECT_SECONDS = 10.0
RECONNECTS = 5
"""How often in a row a log that breaks off without a new line is taken up again."""
AGENT_SECONDS = 60.0
"""How long a head that has just started may take until it accepts jobs."""
COMMAND_NOT_FOUND = 127
CHATTY = ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray._private.runtime_env.packaging")
"""Ray's loggers that tell of every package and connection on the user's terminal."""


def submit(recipe: Path, address: str, *, variables: dict[str, str] | None = None, changes: Sequence[str] = (),
           until: str | None = None, name: str | None = None, python: str = "python",
           entrypoint: Sequence[str] | None = None) -> int:
    """Run a recipe as a Ray job and print its log until it ends. Ctrl-C detaches; the job goes on.

    Args:
        recipe: the recipe file, checked here before anything is sent.
        address: the cluster's dashboard, such as `http://HEAD:8265`.
        variables: values for `${name}` in the recipe.
        changes: `key=value` settings that override the recipe.
        until: build up to this stage instead of all.
        name: the job's name, unique on the cluster; by default the recipe's file name and the time.
        python: the interpreter on the cluster, for a head that was started without its environment's `bin` on the PATH.
        entrypoint: run this command instead of the recipe, in a folder that holds the recipe.

    Returns:
        The job's own exit status; 1 if it failed without one; 130 after Ctrl-C.

    Raises:
        UserError: a wrong recipe, address, token or name, or a cluster without raylm.
    """
    host = check_address(address)
    command = list(entrypoint or recipe_command(recipe, variables or {}, changes, until, python))
    if entrypoint is None:
        check_storage(recipe, variables, changes)
    client = connect(address)
    for warning in warnings(host, address, cluster_ray(client)):
        print(f"raylm: {warning}", file=sys.stderr)
    job = start(client, recipe, command, name or default_name(recipe, time.gmtime()), address)
    print(f"raylm: job {job} runs on {address}", file=sys.stderr)
    return follow(client, job, address)


# --- before anything is sent --------------------------------------------------------------------------------------------


def check_address(address: str) -> str:
    """Return the host of a dashboard's address.

    Raises:
        UserError: it is no http or https address with a host.
    """
    parts = urlsplit(address)
    try:
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        valid = False
    if not valid:
        raise UserError(f"--address {address}: allowed: the cluster's dashboard, such as http://HEAD:8265")
    return str(parts.hostname)


def check_storage(recipe: Path, variables: dict[str, str] | None, changes: Sequence[str]) -> None:
    """Check a recipe as the cluster will, and that its storage outlives the job.

    Raises:
        UserError: the recipe is wrong, or its storage is a relative path: on the cluster that is a folder of the job's own,
            which Ray deletes; or a URI with credentials.
    """
    from raylm.pipeline.recipe import read_recipe
    from raylm.storage import Folder

    storage = read_recipe(recipe, variables, list(changes)).storage
    Folder.at(storage)  # refuses an address with a key in it, which the job's description would show
    if "://" not in storage and not Path(storage).is_absolute():
        raise UserError(f"storage: got {storage!r}, allowed for a job: a place all nodes reach, "
                        "such as --set storage=s3://bucket/prefix, or an absolute path on a disk that they share")


def recipe_command(recipe: Path, variables: dict[str, str], changes: Sequence[str], until: str | None = None,
                   python: str = "python") -> list[str]:
    """Return the command that the job runs, in a folder that holds the recipe."""
    command = [python, "-m", "raylm.cli", until or "run", recipe.name]
    for key, value in variables.items():
        command += ["--var", f"{key}={value}"]
    for change in changes:
        command += ["--set", change]
    return command


def default_name(recipe: Path, when: time.struct_time) -> str:
    """Return a job name from the recipe's file name and a time; Ray allows letters, digits, `-` and `_`."""
    stem = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in recipe.stem)
    return f"raylm-{stem}-{time.strftime('%Y%m%d-%H%M%S', when)}"


def warnings(host: str, address: str, theirs: str | None) -> list[str]:
    """Return what may go wrong, one line each: another Ray on the cluster (`theirs`), a token sent unencrypted."""
    import ray

    found = []
    if theirs is not None and theirs != ray.__version__:
        found.append(f"the cluster runs Ray {theirs}, this machine {ray.__version__}; install the same on both")
    if host not in LOOPBACK and address.startswith("http:"):
        found.append(f"{host} is reached unencrypted, tokens included; a tunnel is safer: ssh -L 8265:localhost:8265 {host}")
    return found


# --- the cluster --------------------------------------------------------------------------------------------------------


def connect(address: str) -> Any:
    """Return a `JobSubmissionClient`.

    Raises:
        UserError: nothing answers there in ten seconds, it is no Ray dashboard, or it refuses our token.
    """
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:  # Ray's own attempt has no time limit
        socket.create_connection((str(parts.hostname), port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(f"{address}: no cluster answers there ({error.strerror or error})") from None
    try:
        return JobSubmissionClient(address)
    except AuthenticationError as error:
        raise UserError(explain_refusal(address, str(error))) from None
    except Exception as error:  # requests' own errors and Ray's RuntimeErrors: whatever it is, it is no Ray dashboard
        raise UserError(f"{address}: answers, but not as a Ray dashboard ({_first_line(error)})") from None


def cluster_ray(client: Any) -> str | None:
    """Return the version of the cluster's Ray, None where the client does not say (its `get_version` is the API's)."""
    version = getattr(client, "_server_ray_version", None)
    return version if isinstance(version, str) else None


def explain_refusal(address: str, error: str) -> str:
    """Say in one line what to do about a 401 (no token sent) or a 403 (a wrong one)."""
    if "required" in error.splitlines()[0].lower():
        return f"{address}: asks for a token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to a file that holds it"
    return f"{address}: refuses our token; RAY_AUTH_TOKEN_PATH (or ~/.ray/auth_token) must hold the cluster's"


def start(client: Any, recipe: Path, command: Sequence[str], name: str, address: str) -> str:
    """Send the recipe, alone, and start the job; return its name.

    Raises:
        UserError: a job of that name exists, or the cluster refuses the job.
    """
    deadline = time.monotonic() + AGENT_SECONDS
    with tempfile.TemporaryDirectory(prefix="raylm-submit-") as folder:
        shutil.copyfile(recipe, Path(folder) / recipe.name)
        while True:
            try:
                return str(client.submit_job(entrypoint=shlex.join(command), submission_id=name,
                                             runtime_env={"working_dir": folder}, metadata={"recipe": recipe.name}))
            except RuntimeError as error:
                if "already exists" in str(error):
                    raise UserError(f"a job named {name} exists on {address}; choose another name") from None
                if "No available agent" not in str(error) or time.monotonic() > deadline:
                    raise UserError(f"{address}: refuses the job: {_first_line(error)}") from None
            time.sleep(2.0)


def follow(client: Any, job: str, address: str, write: Callable[[str], Any] = sys.stdout.write) -> int:
    """Print a job's log from its first line until the job ends; return its exit status.

    Args:
        client: a `JobSubmissionClient`.
        job: the job's name.
        address: for the commands that are named after Ctrl-C.
        write: where the log goes.
    """
    try:
        tail = asyncio.run(_print_log(client, job, write))
    except KeyboardInterrupt:
        print(f"\nraylm: detached; {job} goes on. Follow it: ray job logs --address {address} --follow {job}. "
              f"Stop it: ray job stop --address {address} {job}", file=sys.stderr)
        return 130
    info = client.get_job_info(job)
    if info.status == "SUCCEEDED":
        return 0
    lost = info.driver_exit_code == COMMAND_NOT_FOUND or "No module named raylm" in tail
    if lost:
        raise UserError(f"{address}: the head's `python` has no raylm; run cluster/install.sh on every node and start Ray with "
                        "its environment's bin on the PATH (source .venv/bin/activate; ray start ...)")
    code = info.driver_exit_code
    # The cluster's message repeats the end of the log, which was just shown; without an exit status it is all there is.
    reason = f"exit status {code}" if code else _first_line(info.message or "no reason given")
    print(f"raylm: job {job} {str(info.status).lower()}: {reason}", file=sys.stderr)
    return int(code or 1)


async def _print_log(client: Any, job: str, write: Callable[[str], Any]) -> str:
    """Print the log and return its end; a connection that breaks is taken up again where the log stood."""
    seen, tail, failures = 0, "", 0
    while True:
        skip = seen
        try:
            async for chunk in _log(client, job):
                fresh = chunk[skip:]
                skip = max(0, skip - len(chunk))
                if fresh:
                    seen, tail, failures = seen + len(fresh), (tail + fresh)[-4000:], 0
                    write(fresh)
                    sys.stdout.flush()
            if client.get_job_status(job).is_terminal():
                return tail
        except (RuntimeError, OSError):
            failures += 1
        if failures > RECONNECTS:
            raise UserError(f"the log of {job} breaks off again and again; follow it with ray job logs --follow {job}")
        await asyncio.sleep(1.0)


async def _log(client: Any, job: str) -> AsyncIterator[str]:
    async for chunk in client.tail_job_logs(job):
        yield chunk


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
