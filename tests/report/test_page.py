"""The report of a run as a page: sound, alone, and true."""

import base64
import dataclasses
import io
import re
import sys

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config, ConfigError, InputError, ReportLog
from artistyle_tf.report.charts import Moment, draw_losses
from painters import stylize
from report_pages import Page, check

NASTY = """<b>"it's" & <script>alert(1)</script> x.png"""


@pytest.fixture(scope="module")
def painted(small_file, picture):
    """(result, log) of a small run with two styles."""
    log = ReportLog()
    config = Config(
        size=64, levels=2, iterations=10, weights=str(small_file), optimizer="lbfgs", tv_weight=0.1,
        style_layers={"block1_conv1": 1}, content_layers={"block1_conv2": 1},
    )  # fmt: skip
    content, styles = picture(64, 64), [picture(40, 40, 1), picture(32, 48, 2)]
    return stylize(content, styles, config, callback=[log]), log


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """A function: a result → its report, parsed and checked."""
    path = tmp_path_factory.mktemp("page") / "report.html"

    def make(result, log=()):
        result.report(path, log)
        page = Page(path.read_text("utf-8"))
        check(page)
        return page

    return make


@pytest.fixture(scope="module")
def page(page_of, painted):
    return page_of(*painted)


def test_the_page_has_the_figures_of_the_record(page, painted):
    result, record = painted[0], painted[0].record
    outcome = record["outcome"]
    found = {row[0]: row[1:] for row in page.rows("final")}
    for name, part in outcome["objective"].items():
        label = {"value": "objective"}.get(name, name.rpartition("/")[2].replace("_v", " v"))
        if part:
            assert found[label][:2] == [part, outcome["saved_objective"][name]], name
            assert float(found[label][2].rstrip(" %")) == pytest.approx(
                100 * part / outcome["objective"]["value"], abs=0.06
            )
    assert len(found) == len([1 for part in outcome["objective"].values() if part])

    levels = page.rows("levels")
    assert [row[1] for row in levels] == [f"{w} × {h}" for h, w, _ in record["levels"]]
    assert [int(row[2]) for row in levels] == [done for _, _, done in record["levels"]]
    assert sum(int(row[3]) for row in levels) == outcome["evaluations"] == result.trace[-1][0]
    assert sum(float(row[4]) for row in levels) == pytest.approx(result.seconds, abs=0.11)
    assert [row[6] for row in levels] == ["whole", "whole"]
    assert [int(row[7]) for row in levels] == [plan["history"] for plan in record["plans"]]
    planned = [f"{estimate / 1e9:.1f} GB" for estimate in result.planned_memory]
    assert [row[8] for row in levels] == planned
    assert f"{result.peak_memory / 1e9:.1f} GB resident, of the whole process" in page.text
    assert f"artistyle_tf {record['versions']['artistyle_tf']}" in page.text


def test_the_charts_have_the_figures_of_the_run(page, painted):
    result, log = painted
    moments = [moment for moment in log if moment.parts]
    axes = {
        "iteration": range(1, len(result.trace) + 1),
        "seconds": [row[1] for row in result.trace],
        "evaluations": [row[0] for row in result.trace],
    }
    labels = {
        "style 1.1": "style/block1_conv1",
        "content 1.2": "content/block1_conv2",
        "total variation": "total_variation",
    }
    for axis, x in axes.items():
        points = [("objective", at, row[2]) for at, row in zip(x, result.trace, strict=True)]
        for label, part in labels.items():
            points += [(label, getattr(one, axis), one.parts[part]) for one in moments]
        wanted = {f"{label}, {axis} {at:g}: {y:.6g}" for label, at, y in points}
        assert wanted <= set(page.marks[axis])
    rows = page.rows("figures")
    assert [int(row[0]) for row in rows] == [moment.iteration for moment in moments]
    assert [row[4] for row in rows] == [moment.objective for moment in moments]
    assert [row[5] for row in rows] == [moment.parts["style/block1_conv1"] for moment in moments]


def drawn(*values):
    """The points [N, 2] of the line of a chart with these values."""
    parts = [{"style/a": value} for value in values]
    moments = [Moment(i, 1, 1, i, i, 1.0, one) for i, one in enumerate(parts, start=1)]
    found = re.findall('points="(.*?)"', draw_losses(moments))
    return np.array([point.split(",") for point in " ".join(found).split()], float)


def test_a_chart_is_logarithmic_and_leaves_out_what_that_cannot_show():
    points = drawn(1000, 100, 0, float("inf"), 10)
    assert len(points) == 3
    steps = np.diff(points, axis=0)
    assert steps[0, 1] == pytest.approx(steps[1, 1], abs=0.2)  # SVG's y goes down
    assert steps[1, 0] == pytest.approx(3 * steps[0, 0], abs=0.2)
    assert np.isfinite(drawn(5.0)).all()
    assert len(drawn()) == len(drawn(0.0)) == 0


def test_pictures_and_the_slider(page, painted):
    sizes = {one["alt"]: (int(one["width"]), int(one["height"])) for one in page.all("img")}
    assert sizes["The result, array × array × array"] == (64, 64)
    assert sizes["The photo, array"] == (64, 64)
    thumbnails = [alt for alt in sizes if alt.startswith("After iteration")]
    assert thumbnails == [f"After iteration {n}" for n in range(1, 11)]
    images = {one["alt"]: one["src"] for one in page.all("img")}
    last = base64.b64decode(images["After iteration 10"].partition(",")[2])
    shown = np.asarray(Image.open(io.BytesIO(last)), float)
    assert np.abs(shown - painted[0].image).mean() < 12  # the last thumbnail is the result
    (cut,) = [one for one in page.all("input") if one["type"] == "range"]
    assert (cut["min"], cut["max"], cut["value"]) == ("0", "100", "50")
    assert page.all("label")[0]["for"] == cut["id"]


def test_a_run_without_a_log(page_of, painted):
    result = painted[0]
    page = page_of(result)
    assert "Progress</h2>" not in page.text
    assert [int(row[0]) for row in page.rows("figures")] == list(range(1, 11))
    assert [row[3] for row in page.rows("figures")] == [row[2] for row in result.trace]
    assert len(page.all("svg")) == 3  # the objective over three axes


def test_without_content_or_without_iterations(page_of, painted):
    """A texture, and a run that was resumed when it had ended: its trace may be empty."""
    result = painted[0]
    record = {**result.record, "content": None, "levels": []}
    page = page_of(dataclasses.replace(result, content=None, record=record, trace=[]))
    assert not page.all("input")
    assert page.rows("levels") == []
    assert not page.all("svg")


def test_what_others_wrote_is_escaped(page_of, painted):
    result = painted[0]
    named = {"name": NASTY, "sha256": "0" * 64}
    record = {
        **result.record,
        "content": named,
        "styles": [named, named],
        "notes": [f"{NASTY} is small"],
        "outcome": {**result.record["outcome"], "stop_reason": f"a callback raised {NASTY}"},
        "weights": {"kind": "file", "name": NASTY, "sha256": "", "credit": NASTY},
        "config": {**result.record["config"], "weights": NASTY, "init": NASTY},
    }
    styles = [dataclasses.replace(style, name=NASTY) for style in result.styles]
    page = page_of(dataclasses.replace(result, record=record, styles=styles))
    assert "<script>alert(1)" not in page.text
    alts = [one["alt"] for one in page.all("img")]
    assert alts[0] == f"The result, {' × '.join([NASTY] * 3)}"
    assert alts.count(f"The style image, {NASTY}") == 2
    assert page.texts["notes"].strip() == f"{NASTY} is small"
    assert page.texts["title"] == " × ".join([NASTY] * 3)
    assert repr(NASTY) in page.texts["python"]


def test_without_jinja_and_at_places_that_cannot_be(monkeypatch, tmp_path, painted):
    with pytest.raises(InputError, match="there is no folder"):
        painted[0].report(tmp_path / "absent" / "report.html")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigError, match="a report needs jinja2, not installed here: pip install"):
        painted[0].report(tmp_path / "report.html")
    assert not list(tmp_path.iterdir())
