"""The page: a summary that can be read in a minute, a section per stage, and at the end what everything was made of.

All text in it may come from documents of the web, so every piece is escaped and the page forbids itself scripts and network
by its own security policy. A panel that cannot be drawn says so in its place; nothing a stage returns can break the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from raylm.figures import Panel
from raylm.pipeline.readable import duration
from raylm.pipeline.report.closing import artifacts_html, making_html, recipe_html
from raylm.pipeline.report.panels import described, panel_html
from raylm.pipeline.report.style import CSS
from raylm.pipeline.report.tables import text_html
from raylm.storage import Folder

State = Literal["done", "reused", "failed", "missing"]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STATES: dict[State, str] = {"done": "built", "reused": "reused", "failed": "failed", "missing": "not built"}


@dataclass(frozen=True)
class StageReport:
    """What the report says of one stage."""

    name: str
    description: str
    """One sentence: what the stage does."""
    panels: Sequence[Panel] | Callable[[], Sequence[Panel]] = ()
    """Its figures, or a function that makes them: then even its failing is only this section's."""
    headline: dict[str, str] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    state: State = "done"
    message: str = ""
    """Why a stage failed, or another remark on its state."""
    place: str = ""
    """Where its artifact lies: a path or URI."""

    @property
    def seconds(self) -> float:
        """What its making took; 0 if that is not known."""
        value = self.cost.get("seconds")
        return float(value) if isinstance(value, int | float) and value >= 0 else 0.0


def write_report(title: str, recipe_text: str, stages: Sequence[StageReport], commands: Sequence[str], path: Path) -> None:
    """Write the report of a run as one self-contained HTML file, whole or not at all.

    Args:
        title: what the run is called.
        recipe_text: the recipe as the user wrote it.
        stages: in the order in which they ran.
        commands: shell commands to talk to the model; empty while there is none.
        path: the file to write; its folder is made.
    """
    html = page_html(title, recipe_text, stages, commands)
    Folder.at(path.parent).create().write_bytes(path.name, html.encode("utf-8", errors="replace"))


def page_html(title: str, recipe_text: str, stages: Sequence[StageReport], commands: Sequence[str]) -> str:
    """Return the whole page."""
    sections = "\n".join(_section(number, stage) for number, stage in enumerate(stages, 1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{text_html(title)} · raylm</title>
<style>{CSS}</style>
</head>
<body>
<div class="frame">
{_navigation(stages)}
<main>
<header id="top">
<div class="brand">raylm run report</div>
<h1>{text_html(title)}</h1>
<p class="lead">{_lead(stages)}</p>
</header>
{_commands(commands)}
{_stage_table(stages)}
{sections}
{recipe_html(recipe_text)}
{artifacts_html([(s.name, s.manifest, s.place) for s in stages])}
</main>
</div>
</body>
</html>
"""


def _lead(stages: Sequence[StageReport]) -> str:
    counted = [f"{n} {STATES[state]}" for state in STATES if (n := sum(s.state == state for s in stages))]
    spent = sum(stage.seconds for stage in stages if stage.state == "done")
    earlier = sum(stage.seconds for stage in stages if stage.state == "reused")
    parts = [f"{len(stages)} stage{'s' if len(stages) != 1 else ''}: {', '.join(counted)}"]
    if spent:
        parts.append(f"{duration(spent)} of work")
    if earlier:
        parts.append(f"{duration(earlier)} saved by reuse")
    return " · ".join(parts)


def _navigation(stages: Sequence[StageReport]) -> str:
    links = "\n".join(
        f'<a href="#stage-{number}"><span class="dot {stage.state}"></span>{text_html(stage.name)}</a>'
        for number, stage in enumerate(stages, 1)
    )
    ends = '<a href="#recipe">recipe</a>\n<a href="#artifacts">artifacts</a>'
    first = '<a href="#top">summary</a>'
    return f'<nav aria-label="Sections"><b>Contents</b><div class="links">{first}\n{links}\n{ends}</div></nav>'


def _commands(commands: Sequence[str]) -> str:
    if not commands:
        return ""
    blocks = "\n".join(f"<pre>{text_html(command)}</pre>" for command in commands)
    return f'<div class="card commands"><h2>Talk to the model</h2>\n{blocks}</div>'


def _stage_table(stages: Sequence[StageReport]) -> str:
    longest = max((stage.seconds for stage in stages), default=0.0) or 1.0
    rows = []
    for number, stage in enumerate(stages, 1):
        figures = "".join(f"<span><i>{text_html(key)}</i>{text_html(value)}</span>" for key, value in stage.headline.items())
        width = max(2.0, 100 * stage.seconds / longest)
        time = f'{duration(stage.seconds)}<span class="seconds" style="width:{width:.0f}%"></span>' if stage.seconds else ""
        rows.append(
            f'<tr><td><a href="#stage-{number}">{text_html(stage.name)}</a></td><td>{_badge(stage.state)}</td>'
            f'<td class="figures">{figures or text_html(stage.message)}</td><td class="n">{time}</td></tr>'
        )
    head = '<tr><th>Stage</th><th></th><th>Key figures</th><th class="n">Time</th></tr>'
    return f"""<div class="card"><h2>Stages</h2>
<div class="scroll"><table class="stages"><thead>{head}</thead><tbody>
{chr(10).join(rows)}
</tbody></table></div></div>"""


def _badge(state: State) -> str:
    return f'<span class="state {state}">{STATES[state]}</span>'


def _section(number: int, stage: StageReport) -> str:
    tiles = "".join(
        f"<div><dt>{text_html(key)}</dt><dd>{text_html(value)}</dd></div>" for key, value in stage.headline.items()
    )
    parts = [
        f'<section id="stage-{number}">\n<h2>{text_html(stage.name)} {_badge(stage.state)}</h2>',
        f'<p class="say">{text_html(stage.description)}</p>',
        f'<dl class="tiles">{tiles}</dl>' if tiles else "",
        f'<p class="{"broken" if stage.state == "failed" else "note"}">{text_html(stage.message)}</p>' if stage.message else "",
    ]
    try:
        panels = list(stage.panels() if callable(stage.panels) else stage.panels)
    except Exception as error:  # a stage's figures are the stage's: whatever they raise, the report stands
        panels = []
        parts.append(f'<p class="broken">The figures of this stage could not be made ({text_html(described(error))}).</p>')
    parts += [panel_html(panel, f"s{number}p{place}") for place, panel in enumerate(panels)]
    parts.append(making_html(stage.manifest, stage.cost))
    return "\n".join(part for part in parts if part) + "\n</section>"
