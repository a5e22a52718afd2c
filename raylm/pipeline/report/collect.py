"""From a run's published artifacts to its report, its summary and its status: reads manifests and costs, nothing else."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyarrow import fs

from raylm.pipeline.stages import STAGES, StageSpec
from raylm.pipeline.summary import StageLine, as_text, status_table, summary_table
from raylm.storage import Folder

if TYPE_CHECKING:
    from raylm.pipeline.report.page import StageReport
    from raylm.pipeline.run import Run

REPORT, RECIPE = "report.html", "recipe.yaml"


def report_of(run: "Run") -> str:
    """Write the report of what is published of a run into the run's folder and return its path or URI.

    Stages that are not built are said to be missing; the commands to talk to the model are shown once there is one.
    """
    from raylm.pipeline.report.page import page_html  # draws with matplotlib, which status and summary do not need

    recipe = run.folder.read_bytes(RECIPE).decode("utf-8", "replace") if run.folder.exists(RECIPE) else ""
    html = page_html(run.recipe.name, recipe, [_stage_report(run, stage) for stage in STAGES], _commands(run))
    run.folder.create().write_bytes(REPORT, html.encode("utf-8", "replace"))
    return run.folder.child(REPORT).uri


def summary_of(run: "Run", stages: Sequence[StageSpec] = STAGES) -> str:
    """Return the table of the stages with their key figures, for standard output."""
    return as_text(summary_table([stage_line(run, stage) for stage in stages]), sys.stdout)


def status_of(run: "Run") -> str:
    """Return the table of what is done and missing, with sizes and addresses, for standard output."""
    return as_text(status_table([stage_line(run, stage, sizes=True) for stage in STAGES]), sys.stdout)


def stage_line(run: "Run", stage: StageSpec, sizes: bool = False) -> StageLine:
    """Return what the terminal's tables say of a stage; `sizes` asks the storage for every file's size."""
    artifact = run.artifact(stage.name)
    error = _error(run, stage.name)
    if not artifact.published:
        state = "failed" if error else "partial" if artifact.folder.exists() else "missing"
        return StageLine(stage.name, state, key=artifact.key, message=error)
    return StageLine(stage.name, "done", artifact.manifest.get("headline", {}), artifact.cost.get("seconds"),
                     folder_bytes(artifact.folder) if sizes else None, artifact.key)  # fmt: skip


def folder_bytes(folder: Folder) -> int:
    """Return the size of all files below a folder, in bytes."""
    infos = folder.filesystem.get_file_info(fs.FileSelector(folder.path, recursive=True, allow_not_found=True))
    return sum(info.size or 0 for info in infos if info.type == fs.FileType.File)


def _stage_report(run: "Run", stage: StageSpec) -> "StageReport":
    from raylm.pipeline.report.page import StageReport

    artifact = run.artifact(stage.name)
    if not artifact.published:
        error = _error(run, stage.name)
        return StageReport(stage.name, stage.sentence, state="failed" if error else "missing", message=error)
    manifest, cost = artifact.manifest, artifact.cost
    return StageReport(stage.name, stage.sentence, lambda: stage.panels(manifest, cost), manifest.get("headline", {}),
                       manifest, cost, "done", place=artifact.folder.uri)  # fmt: skip


def _commands(run: "Run") -> list[str]:
    """Return the commands to talk to the model, none while no checkpoint is built."""
    if not any(run.artifact(name).published for name in ("pretrain", "sft", "rlhf", "compress")):
        return []
    return [line.strip() for line in run.commands() if line.strip()]


def _error(run: "Run", stage: str) -> str:
    """Return the last line of the traceback that a failed stage left in the run's folder, or an empty text."""
    errors, name = run.folder.child("errors"), f"{stage}.txt"
    if not errors.exists(name):
        return ""
    lines = errors.read_bytes(name).decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:400] if lines else "failed"
