"""A run: a recipe, the addresses of its artifacts, and the building of those that are not there yet.

An artifact's address is a hash of the stage's part of the recipe, the seed, and the addresses of its inputs (for the corpus: of
the files it reads). So a run that was killed goes on with the first stage that has no artifact, a changed number redoes only
what depends on it, and runs with one storage share what they have in common.
"""

import fcntl
import importlib.metadata
import json
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from raylm.compress.passes.int8 import check_heads
from raylm.errors import UserError
from raylm.pipeline.failure import explain, keep_traceback, writing_to
from raylm.pipeline.recipe import Recipe, read_recipe
from raylm.pipeline.stages import BY_NAME, STAGES, StageSpec, closure
from raylm.posttrain.pairs.kinds import KINDS
from raylm.recipe.reading import validate
from raylm.recipe.section import Section
from raylm.stage import Outcome, StageContext
from raylm.storage import Artifact, Folder, address

RECIPE, ADDRESSES = "recipe.yaml", "run.json"
CHECKPOINTS = ("compress", "rlhf", "sft", "pretrain")
"""Stages that make a language model, the last one first."""


@dataclass(frozen=True)
class Run:
    """A recipe with the addresses of its artifacts."""

    recipe: Recipe
    keys: dict[str, str]
    """Artifact address by stage."""

    @property
    def root(self) -> Folder:
        """The storage that holds this and other runs."""
        return Folder.at(self.recipe.storage)

    @property
    def folder(self) -> Folder:
        """The run's own folder: its recipe, addresses and report."""
        return self.root.child(self.recipe.name)

    def artifact(self, stage: str) -> Artifact:
        """Return a stage's artifact, published or not.

        Raises:
            UserError: there is no such stage.
        """
        if stage not in self.keys:
            raise UserError(f"{stage!r} is not a stage; allowed: {', '.join(self.keys)}")
        return Artifact(stage, self.keys[stage], self.root.child("artifacts", f"{stage}-{self.keys[stage]}"))

    def stage(self, name: str) -> Artifact:
        """Return a stage's published artifact.

        Raises:
            UserError: it is not built yet.
        """
        artifact = self.artifact(name)
        if not artifact.published:
            raise UserError(f"run {self.recipe.name!r}: {name} is not built yet; `raylm {name} RECIPE` builds it")
        return artifact

    def build(self, until: str | None = None) -> "Run":
        """Build what is missing, up to a stage (all by default), with progress on the terminal; return this run.

        Raises:
            UserError: a mistake of the user's, or a stage that failed (its traceback is in the run's folder).
        """
        from raylm.pipeline.display import Display
        from raylm.pipeline.session import session

        plan = closure(until) if until else list(STAGES)
        if any(stage.name == "compress" for stage in plan):
            check_heads(self.recipe.pretrain.model.head_width)  # vLLM would say so after all the training
        with _locked(self.root):
            with writing_to(self.root):
                _remember(self)
            with Display([stage.name for stage in plan], self.recipe.name) as display:
                if all(self.artifact(stage.name).published for stage in plan):
                    for stage in plan:
                        display.stage_reused(stage.name, self.artifact(stage.name).manifest["headline"])
                else:
                    with session():
                        for stage in plan:
                            _build_stage(self, stage, display)
        return self

    def report(self) -> str:
        """Rebuild the HTML report from the published artifacts and return its path."""
        from raylm.pipeline.report.collect import report_of

        with writing_to(self.root):
            return report_of(self)

    def summary(self, until: str | None = None) -> str:
        """Return the table of the stages (up to one) with their key figures, as text."""
        from raylm.pipeline.report.collect import summary_of

        return summary_of(self, closure(until) if until else list(STAGES))

    def status(self) -> str:
        """Return the table of what is done and what is missing, as text."""
        from raylm.pipeline.report.collect import status_of

        return status_of(self)

    def checkpoint(self, stage: str | None = None) -> Path:
        """Return the local path of a stage's checkpoint, by default of the last one built.

        Raises:
            UserError: there is none yet, or the stage makes none.
        """
        wanted = (stage,) if stage else CHECKPOINTS
        if stage and stage not in CHECKPOINTS:
            raise UserError(f"{stage!r} makes no language model; allowed: {', '.join(CHECKPOINTS)}")
        for name in wanted:
            artifact = self.artifact(name)
            if artifact.published:
                return artifact.folder.child("checkpoint").local()
        raise UserError(f"run {self.recipe.name!r} has no checkpoint of {' or '.join(wanted)} yet; `raylm run RECIPE` builds it")

    def commands(self) -> list[str]:
        """Return the shell commands that serve the model and talk to it."""
        place, config, program = _short(self.folder.uri), self.recipe.serve, _program()
        url = f"http://127.0.0.1:{config.port}/v1"
        tuned = self.artifact("sft")
        example = KINDS[tuned.metrics["kind"]].example if tuned.published else "Hello"
        body = json.dumps({"model": config.model_name or self.recipe.name, "max_tokens": 64,
                           "messages": [{"role": "user", "content": example}]})
        curl = f"curl {url}/chat/completions -H 'Content-Type: application/json' -d {shlex.quote(body)}"
        return [f"{program} serve {place}", curl, f"{program} chat {place}"]


def run(recipe: str | Path | Recipe, *, variables: dict[str, str] | None = None, changes: list[str] | None = None,
        until: str | None = None) -> Run:
    """Build a recipe's artifacts and report, as `raylm run` does.

    Args:
        recipe: path of a YAML file, or a `Recipe`.
        variables: values for `${name}` in the file.
        changes: `key.path=value` settings that override the file.
        until: the last stage wanted; all by default.

    Raises:
        UserError: a wrong recipe (before anything starts), or a stage that failed.
    """
    built = plan(recipe if isinstance(recipe, Recipe) else read_recipe(recipe, variables, changes)).build(until)
    built.report()
    return built


def load(place: str | Path) -> Run:
    """Return an existing run by its folder (`runs/quickstart`).

    Raises:
        UserError: there is no run.
    """
    folder = Folder.at(place)
    if not folder.exists(ADDRESSES) and "/" not in str(place) and Folder.at("runs").child(str(place)).exists(ADDRESSES):
        folder = Folder.at("runs").child(str(place))
    if not folder.exists(ADDRESSES):
        raise UserError(f"{place}: no run here (no {ADDRESSES}); a run is a folder such as runs/quickstart")
    recipe = validate(Recipe, yaml.safe_load(folder.read_bytes(RECIPE)), f"{place}/{RECIPE}")
    # The folder may have been moved or mounted elsewhere since: it is where it was found.
    parent = folder.uri.rsplit("/", 1)[0]
    return Run(recipe.model_copy(update={"storage": parent}), folder.read_json(ADDRESSES))


def plan(recipe: Recipe) -> Run:
    """Compute the addresses of a recipe's artifacts. Lists the sources' files; builds nothing.

    Raises:
        UserError: a source does not exist.
    """
    from raylm.corpus.fingerprint import contents, fingerprint

    keys: dict[str, str] = {}
    for stage in STAGES:
        section: Section = getattr(recipe, stage.key)
        keys[stage.name] = address({
            "stage": stage.name, "version": stage.version, "seed": recipe.seed, "config": section.identity_for(stage.name),
            "inputs": {need: keys[need] for need in stage.needs},
            "files": fingerprint(recipe.corpus) if stage.name == "read" else None,
            "contents": [contents(place) for place in section.contents_for(stage.name)]})
    return Run(recipe, keys)


def _build_stage(run: Run, stage: StageSpec, display: Any) -> None:
    artifact = run.artifact(stage.name)
    if artifact.published:
        display.stage_reused(stage.name, artifact.manifest["headline"])
        return
    from raylm.pipeline.session import new_board

    board, meter = new_board()
    display.stage_begin(stage.name, board)
    run.folder.child("errors").remove(f"{stage.name}.txt")
    started = time.time()
    try:
        outcome = stage.build(StageContext(
            config=getattr(run.recipe, stage.key), seed=run.recipe.seed,
            inputs={need: run.artifact(need) for need in stage.needs}, output=artifact.folder.create(), meter=meter))
        seconds = time.time() - started
        artifact.publish(_manifest(run, stage, outcome), {"seconds": round(seconds, 2), **outcome.cost})
        for name in outcome.scratch:
            artifact.folder.child(name).clear()
    except (KeyboardInterrupt, SystemExit):  # Ctrl-C, or SIGTERM, which Ray turns into an exit
        display.stage_failed(stage.name, "interrupted; the same command goes on from here")
        raise
    except Exception as error:
        message = explain(error, run.root)
        display.stage_failed(stage.name, message)
        if isinstance(error, UserError):
            raise UserError(message) from None
        log = keep_traceback(run.folder, stage.name)
        raise UserError(f"{stage.name} failed: {message}" + (f"; the whole traceback: {log}" if log else "")) from error
    display.stage_end(stage.name, seconds, outcome.headline)


def _manifest(run: Run, stage: StageSpec, outcome: Outcome) -> dict[str, Any]:
    section: Section = getattr(run.recipe, stage.key)
    return {
        "stage": stage.name, "key": run.keys[stage.name], "version": stage.version, "seed": run.recipe.seed,
        "inputs": {need: run.keys[need] for need in stage.needs}, "config": section.identity_for(stage.name),
        "versions": versions(),
        "counts": {"in": outcome.counts_in, "out": outcome.counts_out},
        "metrics": outcome.metrics, "headline": outcome.headline}


def versions() -> dict[str, str]:
    """Return the installed versions of what decides an artifact's bytes."""
    names = ("raylm", "ray", "torch", "deepspeed", "pyarrow", "sentencepiece", "rensa", "numpy", "trafilatura", "resiliparse",
             "pycld2", "py3langid", "rjieba", "budoux", "tinysegmenter", "ftfy", "opencc", "tokenizers")
    return {name: importlib.metadata.version(name) for name in names}


def _program() -> str:
    """How this installation's `raylm` is called from here: by its name where that is on the PATH, else by its path."""
    script = Path(sys.executable).with_name("raylm")
    found = shutil.which("raylm")
    if not script.exists() or (found and Path(found).absolute() == script.absolute()):
        return "raylm"
    return _short(str(script))


def _short(uri: str) -> str:
    """A path below the working directory as the user would type it."""
    return shlex.quote(uri.removeprefix(f"{Path.cwd()}/"))


def _remember(run: Run) -> None:
    from raylm.corpus.listing import OWN_MARK

    folder, artifacts = run.folder, run.root.child("artifacts")
    foreign = [name for name in artifacts.folders() if name.partition("-")[0] not in BY_NAME] + artifacts.names()
    if not folder.exists(ADDRESSES) and not folder.exists(OWN_MARK):
        _refuse(folder, folder.names() + folder.folders(), "give the recipe another `name`")
    if not artifacts.exists(OWN_MARK):
        _refuse(artifacts, foreign, "use --set storage=PATH")
    for own in (folder, artifacts):
        own.create().write_bytes(OWN_MARK, b"")  # a source that the storage lies in leaves them out
    data = yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    folder.write_bytes(RECIPE, data.encode())
    folder.write_json(ADDRESSES, run.keys)


def _refuse(folder: Folder, names: list[str], remedy: str) -> None:
    """Refuse a folder that others wrote to: marked as ours, their files would never be read as text again."""
    if names:
        raise UserError(f"{folder.uri}: raylm would write here, but it holds other files ({names[0]}, ...); {remedy}")


@contextmanager
def _locked(root: Folder) -> Iterator[None]:
    """Hold the storage for one builder at a time. The lock dies with its process; object stores have none."""
    if not root.is_local:
        yield
        return
    with writing_to(root):
        root.create()
        lock = (Path(root.uri) / ".lock").open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{root.uri}: another raylm is building here; wait for it or use --set storage=PATH") from None
        yield


__all__ = ["BY_NAME", "Run", "load", "plan", "run"]
