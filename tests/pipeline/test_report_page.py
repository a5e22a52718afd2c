"""The report: one file, safe, whole, and standing whatever the stages give it."""

import re
from html.parser import HTMLParser

import pytest

from raylm.figures import BarChart, Line, LineChart, Panel, PointChart, Table
from raylm.pipeline.report.page import StageReport, page_html, write_report

EVIL = "</style></title><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>\x00\x1b[31m\ud800$x^2$"


class Tags(HTMLParser):
    """Collects the elements of a page, and checks that those that must be closed are."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in ("meta", "br", "link", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def every_chart(text):
    return [
        Table([text, "number"], [[text, 1.5], [text * 60, None]]),
        LineChart(text, text, [Line(text, [1, 2, 3], [3, 2, 1]), Line(text, [1], [2], "points")], {text: 2.5}),
        LineChart("bytes", "y", [Line("a", [1, 10, 1e6], [1e-3, 1, 1e3], "dashed")], log_x=True, log_y=True),
        BarChart(text, [text, "b"], {text: [1, 2], "g": [3, 4]}, stacked=True, horizontal=True),
        BarChart(text, ["a", "b"], {"g": [3, -4]}),
        PointChart(text, text, [(text, 1, 1), ("b", 1, 1)], log_x=True),
    ]


def evil_stage():
    return StageReport(EVIL, EVIL, [Panel(EVIL, EVIL, every_chart(EVIL))], {EVIL: EVIL},
                       {"key": EVIL, "inputs": {EVIL: EVIL}, "config": {EVIL: EVIL}, "versions": {EVIL: EVIL}, "seed": 1},
                       {"seconds": 3.0, EVIL: EVIL}, "failed", EVIL, EVIL)


def test_text_of_documents_never_becomes_markup():
    html = page_html(EVIL, EVIL, [evil_stage()], [EVIL])
    page = Tags(html)
    assert page.open == []
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert html.count("&lt;script&gt;") > 10
    assert html.count("could not be shown") == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff]", html)


def test_the_file_needs_nothing_but_itself(tmp_path):
    stage = StageReport("a", "Does a.", [Panel("p", "t", every_chart("x"))])
    write_report("run", "seed: 1", [stage], ["raylm chat run"], tmp_path / "new" / "r.html")
    html = (tmp_path / "new" / "r.html").read_text()
    page = Tags(html)
    links = [value for _, name, value in page.attributes if name in ("src", "href", "xlink:href", "action", "data")]
    assert links and all(value.startswith("#") for value in links)
    assert not re.search(r"url\((?!#)", html) and "@import" not in html and "http://" not in html and "https://" not in html
    assert "default-src 'none'" in html
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["r.html"]


def test_ids_are_unique_and_every_reference_has_its_target():
    panel = Panel("p", "", every_chart("x"))
    html = page_html("run", "", [StageReport("a", "", [panel, panel]), StageReport("b", "", [panel])], [])
    page = Tags(html)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'(?:href="|url\()#([^")]+)', html))
    assert references and references <= set(ids)


def test_the_same_run_gives_the_same_bytes():
    stages = [StageReport("a", "", [Panel("p", "", every_chart("x"))], {"k": "v"}, {"key": "1"}, {"seconds": 2.0})]
    assert page_html("run", "r", stages, []) == page_html("run", "r", stages, [])


def test_broken_figures_cost_their_own_place_only():
    def failing():
        raise KeyError("funnel")

    good = LineChart("step", "loss", [Line("training", [1, 2], [2, 1])])
    broken = [
        LineChart("x", "y", [Line("a", [1, 2], [1])]), LineChart("x", "y", []),
        LineChart("x", "y", [Line("a", [1], [float("nan")])]), PointChart("x", "y", []),
        BarChart("v", ["a"], {"g": [1, 2]}), BarChart("v", [], {}), Table(["a"], [["b", "c"]]), None, "text",
    ]
    html = page_html("run", "", [
        StageReport("one", "", [Panel("p", "", [*broken, good])]), StageReport("two", "", failing),
        StageReport("three", "", [None]), StageReport("four", "", [Panel("q", "", [good])]),
    ], [])
    assert html.count("This part could not be shown") == len(broken)
    assert "The figures of this stage could not be made (KeyError: &#x27;funnel&#x27;)" in html
    assert html.count("This panel could not be shown") == 1
    assert html.count("<svg") == 4  # two good charts, each for two widths of screen
    assert Tags(html).open == []


def test_an_old_report_survives_a_failed_writing(tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_report("run", None, [], [], path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_states_seconds_and_commands_are_in_the_summary():
    html = page_html("run", "", [
        StageReport("a", "", cost={"seconds": 125}), StageReport("b", "", state="reused", cost={"seconds": 60}),
        StageReport("c", "", state="failed", message="no text"), StageReport("d", "", state="missing"),
    ], ["raylm chat run"])
    lead = re.search('<p class="lead">(.*?)</p>', html).group(1).replace("\u00a0", " ")
    assert lead == "4 stages: 1 built, 1 reused, 1 failed, 1 not built · 2 min 05 s of work · 1 min 00 s saved by reuse"
    assert "<pre>raylm chat run</pre>" in html and "no text" in html


def test_long_tables_scroll_and_end_and_long_cells_fold():
    table = Table(["text", "n"], [["x" * 500, i] for i in range(1200)])
    html = page_html("run", "", [StageReport("a", "", [Panel("p", "", [table])])], [])
    assert 'class="scroll tall"' in html and "The first 1,000 of 1,200 rows." in html
    assert html.count("<details><summary>xxx") == 1000
