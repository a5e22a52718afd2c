"""The charts: what is drawn, where labels go, and how numbers are written."""

import itertools
import re

import pytest

from raylm.figures import BarChart, Line, LineChart, PointChart
from raylm.pipeline.readable import count, duration, figure, plain_text, size
from raylm.pipeline.report.canvas import is_bytes, shorten, text_width
from raylm.pipeline.report.drawing import draw, legend, numbers, remark
from raylm.pipeline.report.lines import spread, thin
from raylm.pipeline.report.points import Box, place_labels


def texts(svg):
    return [text.replace("\u00a0", " ") for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("width", [350.0, 830.0])
def test_line_charts_name_their_levels_and_axes(width):
    line = Line("training", list(range(50)), [9 - i / 10 for i in range(50)])
    chart = LineChart("step", "loss", [line], {"unigram": 6.42, "5-gram": 3.87})
    shown = texts(draw(chart, width, "a-"))
    assert "unigram 6.42" in shown and "5-gram 3.87" in shown and "step" in shown and "loss" in shown


@pytest.mark.parametrize(("stacked", "horizontal"), itertools.product([False, True], repeat=2))
def test_bar_charts_draw_every_bar_and_its_value(stacked, horizontal):
    chart = BarChart("documents", ["read", "kept"], {"code": [1200, 900], "text": [300, 100]}, stacked, horizontal)
    svg = draw(chart, 830, "a-")
    assert svg.count("var(--c0)") >= 2 and svg.count("var(--c1)") >= 2
    assert set(texts(svg)) >= ({"1.5 k", "1 k"} if stacked else {"1.2 k", "900", "300", "100"}) | {"read", "kept"}


def test_bars_lie_down_where_their_names_do_not_fit():
    chart = BarChart("n", [f"a category with a long name {i}" for i in range(8)], {"g": [1.0] * 8})
    assert "a category with a long name 7" in texts(draw(chart, 830, "a-"))


def test_more_series_than_colours_and_more_categories_than_room_still_draw():
    assert "<pattern" in draw(BarChart("n", ["a"], {f"g{i}": [1.0] for i in range(20)}), 830, "a-")
    many = BarChart("n", [str(i) for i in range(200)], {"g": [1.0] * 200})
    assert draw(many, 350, "a-") and "first 60 of 200" in remark(many) and len(numbers(many).rows) == 200


def test_log_axes_leave_out_what_they_cannot_show():
    svg = draw(LineChart("tokens", "loss", [Line("a", [0, 1, 10, 1e6], [1, -1, 5, 2])], log_x=True, log_y=True), 830, "a-")
    assert "1 M" in texts(svg)
    with pytest.raises(ValueError, match="no points"):
        draw(LineChart("x", "y", [Line("a", [0], [1])], log_x=True), 830, "a-")


def test_labels_of_points_cover_neither_points_nor_each_other():
    names = [f"checkpoint {i}" for i in range(8)]
    positions = [(400.0 + 3 * i, 150.0 + (i % 3)) for i in range(8)]
    boxes = place_labels(names, positions, Box(50, 40, 820, 360))
    assert all(a.overlap(b) == 0 for a, b in itertools.combinations(boxes, 2))
    points = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in positions]
    assert all(box.overlap(point) == 0 for box in boxes for point in points)
    assert all(box.left >= 50 and box.right <= 820 for box in boxes)


def test_point_chart_shows_every_name():
    points = [("sft", 8.4e6, 1.49), ("W8A8", 4.6e6, 1.51)]
    svg = draw(PointChart("size (bytes)", "bits per byte", points, log_x=True), 350, "a-")
    assert {"sft", "W8A8"} <= set(texts(svg)) and any(text.endswith(" MB") for text in texts(svg))


def test_crowded_levels_are_spread_within_the_plot():
    assert spread([10, 11, 12], 5, 100) == [10, 15, 20]
    assert spread([99, 100], 5, 100) == [95, 100]
    assert spread([50], 5, 100) == [50] and spread([], 5, 100) == []


def test_thinning_keeps_peaks_ends_and_order():
    points = [(float(i), 1.0) for i in range(10_000)]
    points[7777] = (7777.0, 99.0)
    kept = thin(points, 500)
    assert len(kept) <= 502 and kept[0] == points[0] and kept[-1] == points[-1]
    assert points[7777] in kept and kept == sorted(kept)


def test_legends_name_series_only_where_there_is_something_to_tell_apart():
    assert legend(BarChart("n", ["a"], {"g": [1]})) == []
    assert [key.name for key in legend(BarChart("n", ["a"], {"g": [1], "h": [1]}))] == ["g", "h"]
    assert legend(LineChart("step", "learning rate", [Line("learning rate", [1], [1])])) == []
    two = LineChart("s", "l", [Line("a", [1], [1], "dashed"), Line("b", [1], [1])])
    assert [key.mark for key in legend(two)] == ["dashed", "line"]


@pytest.mark.parametrize(("value", "written"), [
    (0, "0"), (999, "999"), (999.96, "1 k"), (1234, "1.23 k"), (1_200_000, "1.2 M"), (999_999, "1 M"), (-3400, "−3.4 k"),
    (2.5e9, "2.5 B"), (0.00012, "0.00012"), (float("nan"), "–"), (float("inf"), "∞"),
])
def test_counts_are_readable(value, written):
    assert count(value).replace("\u00a0", " ") == written


def test_sizes_times_and_figures_are_readable():
    assert size(3400) == "3.4\u00a0kB" and size(12) == "12\u00a0B"
    assert [duration(s).replace("\u00a0", " ") for s in (0.42, 9.96, 59.6, 125, 3599.7, 90000, -1)] == [
        "0.4 s", "10 s", "1 min 00 s", "2 min 05 s", "1 h 00 min", "1 d 01 h", "–"]
    assert [figure(v) for v in (1234567, 0.123456, -2.0, 12345.6, float("nan"))] == ["1,234,567", "0.1235", "−2", "12,346", "–"]


def test_only_bytes_themselves_are_written_as_sizes():
    assert is_bytes("bytes") and is_bytes("size (bytes)") and not is_bytes("bytes per token") and not is_bytes("bits per byte")


def test_texts_are_cut_to_their_room_and_cleaned():
    assert shorten("short", 1000) == "short" and shorten("a" * 100, 100).endswith("…")
    assert text_width(shorten("文" * 100, 100)) <= 100 and shorten("a\n b\x1b[0m", 1000) == "a b\ufffd[0m"
    assert plain_text("a\x00\u202eb\n\tc") == "a\ufffd\ufffdb\n\tc"
