"""`raylm doctor`: what this machine has, what it lacks, and the command that mends it.

`checks.py` judges plain values, `machine.py` collects those of this machine; this file prints what they find.
"""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from raylm.doctor.checks import Finding
from raylm.doctor.machine import examine

__all__ = ["Finding", "examine", "main", "table"]


def table(findings: list[Finding]) -> Table:
    """Draw the findings, one row each, with what to do about those that are not ok."""
    style = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    drawn = Table(title="raylm doctor", title_justify="left")
    drawn.add_column("", no_wrap=True)
    drawn.add_column("what", no_wrap=True)
    drawn.add_column("found", overflow="fold")
    drawn.add_column("how to mend it", overflow="fold")
    for finding in findings:
        drawn.add_row(f"[{style[finding.state]}]{finding.state}", finding.subject, finding.found, finding.mend)
    return drawn


def main(deep: bool = False, show: Callable[[Table | str], None] | None = None) -> int:
    """Examine this machine and print what was found.

    Args:
        deep: see `examine`.
        show: where to print; the terminal by default.

    Returns:
        The exit status: 1 if any check failed, else 0.
    """
    show = show or Console().print
    findings = examine(deep)
    show(table(findings))
    wrong = {state: sum(finding.state == state for finding in findings) for state in ("warn", "fail")}
    show(f"{wrong['fail']} to mend, {wrong['warn']} to know about, {len(findings) - sum(wrong.values())} fine")
    return 1 if wrong["fail"] else 0
