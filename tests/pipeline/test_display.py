"""The live display: the plain log, the terminal's list, the arithmetic of rates and of what is left."""

import io
import logging
import re
import time

import pytest
from rich.console import Console

from raylm.pipeline.display import Display, read_board
from raylm.pipeline.log import describe
from raylm.pipeline.pace import Pace
from raylm.pipeline.quiet import quiet_logger
from raylm.pipeline.state import StageState
from raylm.pipeline.summary import StageLine, as_text, status_table, summary_table
from raylm.pipeline.terminal import Terminal
from raylm.progress import Board, Meter, Step


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_rate_and_time_left_follow_the_last_minute():
    pace = Pace()
    for second in range(0, 601):
        pace.observe(second, second * 2 if second <= 300 else 600 + (second - 300) * 4)
    assert pace.rate == pytest.approx(4)
    assert pace.seconds_left(600, 2000) == pytest.approx((2000 - 1800) / 4)
    assert pace.seconds_left(610, 2000) == pytest.approx(40)  # counts down between two reports


def test_a_resumed_step_is_not_credited_with_what_was_done_before():
    pace = Pace()
    pace.observe(0, 300)
    assert pace.rate is None and pace.seconds_left(1, 1000) is None
    pace.observe(10, 310)
    assert pace.rate == pytest.approx(1) and pace.seconds_left(10, 1000) == pytest.approx(690)


def test_slow_units_keep_a_rate_and_a_stalled_step_promises_nothing():
    pace = Pace()
    for unit in range(8):
        pace.observe(unit * 40.0, unit)
        pace.observe(unit * 40.0 + 20, unit)
    assert pace.rate == pytest.approx(1 / 40)
    assert pace.seconds_left(290, 10) == pytest.approx(3 * 40 - 10)
    assert pace.seconds_left(280 + 131, 10) is None
    assert pace.seconds_left(290, None) is None


def test_a_count_that_goes_back_starts_the_rate_anew():
    pace = Pace()
    pace.observe(0, 0)
    pace.observe(1, 100)
    pace.observe(2, 10)
    assert pace.rate is None


def test_one_stage_is_described_in_one_phrase():
    state = StageState("pretrain")
    state.begin(0.0)
    state.observe(0.0, Step("training", "steps", 100, 1000, "", 5.0))
    state.observe(10.0, Step("training", "steps", 200, 1000, "loss 3.21", 5.0))
    phrase = describe(state, 10.0).replace("\u00a0", " ")
    assert phrase == "training: 200 of 1,000 steps, 20 %, 10 steps/s, 1 min 20 s left, loss 3.21"
    state.observe(11.0, Step("writing", "bytes", 1e6, 0, "", 6.0))
    assert describe(state, 11.0).replace("\u00a0", " ") == "writing: 1 MB"


def test_more_done_than_there_is_stays_within_the_bar():
    state = StageState("corpus")
    state.observe(0.0, Step("reading", "files", 120, 100))
    assert state.share == 1.0 and state.left(0.0) == ""


def test_plain_log_has_a_dated_line_per_event_and_no_control_characters():
    stream, board = io.StringIO(), Board()
    meter = Meter(board)
    with Display(["corpus", "mix", "rlhf"], "run\x1b[31m", stream=stream, every=0.0) as display:
        display.stage_reused("corpus", {"documents": "21,044"})
        display.stage_begin("mix", board)
        meter.begin("proxies", "proxies", 8)
        meter.set(2, "loss \x1b[1m4.2\r\n")
        time.sleep(0.8)
        display.stage_end("mix", 125.0, {"best": "4.2"})
        display.stage_begin("rlhf", None)
        display.stage_failed("rlhf", "worker died\nat line 2")
    text = stream.getvalue()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\xa0]", text)
    lines = [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", "", line) for line in text.splitlines()]
    assert lines[1] == "corpus  reused: documents 21,044" and lines[2] == "mix     started"
    assert lines[3].startswith("mix     proxies: 2 of 8 proxies, 25 %")
    assert "mix     done in 2 min 05 s: best 4.2" in lines
    assert lines[-1] == "rlhf    FAILED in 0.0 s: worker died at line 2"


def test_plain_log_is_silent_between_its_intervals():
    stream, board = io.StringIO(), Board()
    with Display(["corpus"], stream=stream, every=60) as display:
        display.stage_begin("corpus", board)
        time.sleep(1.2)
        display.stage_end("corpus", 1.2, {})
    assert len(stream.getvalue().splitlines()) == 3


def test_plain_log_fits_a_stream_that_knows_only_ascii():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with Display(["a"], "名", stream=stream) as display:
        display.stage_reused("a", {"kept": "3 · 4"})
    stream.flush()
    assert b"kept 3 ? 4" in raw.getvalue()


@pytest.mark.parametrize(("unit", "expected"), [("files", "5.0 s each"), ("MB", "0.2 MB/s"), ("bytes", "0.2 B/s")])
def test_a_slow_rate_is_a_time_for_each_only_of_what_is_counted(unit, expected):
    state = StageState("corpus", "running")
    for now, done in ((0.0, 0), (10.0, 2)):
        state.observe(now, Step("read", unit, done, 9, "", 5.0))
    assert state.speed().replace("\u00a0", " ") == expected


def rendered(states, width=80, height=30, encoding="utf-8"):
    stream = Tty()
    stream.encoding = encoding
    terminal = Terminal("quickstart", states, stream)
    terminal.console = console = Console(file=io.StringIO(), width=width, height=height, color_system=None, force_terminal=True)
    with console.capture() as captured:
        console.print(terminal.render())
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_terminal_lists_every_stage_on_one_line_and_the_running_one_on_two(width):
    running = StageState("pretrain", "running", time.monotonic() - 3)
    running.observe(0.0, Step("training", "steps", 100, 1000, "", 5.0))
    running.observe(10.0, Step("training", "steps", 200, 1000, "loss 3.21 " * 30, 5.0))
    done = StageState("corpus", "done", seconds=42, headline={"documents": "21,044 " * 30})
    states = [done, StageState("mix", "reused"), running, StageState("sft")]
    lines = rendered(states, width)
    assert len(lines) == 6 and all(len(line) <= width for line in lines)
    assert lines[1].startswith("✓ corpus") and lines[1].replace("\u00a0", " ").endswith("42 s")
    assert lines[5].startswith("· sft")


def test_terminal_without_unicode_uses_ascii_marks():
    failed = StageState("mix", "failed", message="no [bold]text[/bold]")
    lines = rendered([StageState("corpus", "done", seconds=1), failed], encoding="ascii")
    assert lines[1].startswith("+ corpus") and lines[2].startswith("x mix") and "[bold]text" in lines[2]


def test_low_terminal_shows_the_running_stage():
    states = [StageState(f"done{i}", "done", seconds=1) for i in range(9)] + [StageState("now", "running", time.monotonic())]
    lines = rendered(states, height=6)
    assert len(lines) <= 6 and any("now" in line for line in lines)


def test_terminal_display_leaves_the_last_state():
    stream = Tty()
    with pytest.raises(RuntimeError), Display(["corpus", "mix"], "run", stream=stream) as display:
        display.stage_begin("corpus", Board())
        raise RuntimeError
    written = stream.getvalue()
    assert "RuntimeError" in written.split("corpus")[-1]
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h")  # the cursor is given back


def test_a_board_that_is_gone_costs_nothing():
    class Gone:
        def read(self):
            raise ConnectionError

    assert read_board(Gone()) is None and read_board(None) is None
    board = Board()
    board.begin("x", "y", 3)
    step = read_board(board)
    board.advance(1)
    assert step == Step("x", "y", 0, 3, "", step.started)


def test_quiet_loggers_keep_writing_to_their_files(tmp_path):
    logger = logging.Logger("some")
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    quiet_logger(logger)
    logger.warning("for the file")
    logger.error("for both")
    assert stream.getvalue() == "for both\n" and (tmp_path / "log").read_text() == "for the file\nfor both\n"


LINES = [
    StageLine("corpus", "done", {"documents": "21,044", "kept\x1b[31m": "61 MB"}, 71.0, 61_000_000, "0123456789abcdef"),
    StageLine("mix", "missing"),
]


def test_summary_is_a_plain_table_where_there_is_no_terminal():
    text = as_text(summary_table(LINES), io.StringIO())
    assert "\x1b" not in text and "\u00a0" not in text
    assert "| corpus | documents 21,044 · kept\ufffd[31m 61 MB | 1 min 11 s |" in text and "missing" in text
    assert "\x1b[" in as_text(summary_table(LINES), Tty())


def test_status_shows_sizes_and_addresses():
    text = as_text(status_table(LINES))
    assert "61 MB" in text and "0123456789abcdef" in text and "missing" in text
