"""`artistyle --report`: the page of a run, whatever ended it, and what is refused before it."""

import os
import sys

import pytest
from PIL import Image

from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.cli import main
from artistyle_tf.images.read import read_record
from report_pages import Page, check

PHOTO = "a <b> & \"c\" 'd'.png"


@pytest.fixture
def run(tmp_path, picture, small_file, monkeypatch, environment, capfd):
    """A function: flags by name → (status, what was said) of a tiny run in this process."""
    monkeypatch.chdir(tmp_path)
    for name, seed in ((PHOTO, 0), ("s.png", 1)):
        Image.fromarray(picture(48, 64, seed)).save(name)
    settings = {
        "content": PHOTO, "style": "s.png", "output": "o.png", "report": "o.html",
        "weights": small_file, "size": 32, "iterations": 4, "optimizer": "lbfgs",
        "style_layers": "block1_conv1", "content_layers": "block1_conv2",
    }  # fmt: skip

    def call(**named):
        status = main.main([f"--{name}={value}" for name, value in (settings | named).items()])
        return status, capfd.readouterr().err

    return call


def page():
    with open("o.html", encoding="utf-8") as file:
        found = Page(file.read())
    check(found)
    return found


def test_a_run_with_its_report(run):
    assert run() == (0, "")
    record, found = read_record("o.png"), page()
    assert "report" not in record["config"]
    final = {row[0]: row[1] for row in found.rows("final")}
    assert final["objective"] == record["outcome"]["objective"]["value"]
    assert f"The photo, {PHOTO}" in [one["alt"] for one in found.all("img")]
    assert [int(row[0]) for row in found.rows("figures")] == [1, 2, 3, 4]
    settings = {row[0]: row[1] for row in found.rows("settings")}
    assert settings == {
        "size": "32", "iterations": "4", "optimizer": "lbfgs", "weights": "small.npz",
        "style_layers": settings["style_layers"], "content_layers": settings["content_layers"],
    }  # fmt: skip
    assert sorted(os.listdir()) == sorted([PHOTO, "s.png", "o.png", "o.html"])


def test_an_interrupted_run_still_writes_it(run, monkeypatch):
    def interrupt(self, step):
        if step.iteration == 2:
            raise KeyboardInterrupt
        collect(self, step)

    collect = ReportLog.__call__
    monkeypatch.setattr(ReportLog, "__call__", interrupt)
    assert run() == (130, "")
    found = page()
    assert "stylize: interrupted." in found.text
    assert [int(row[0]) for row in found.rows("figures")] == [1]
    assert [int(row[2]) for row in found.rows("levels")] == [2]


def test_what_is_refused_before_the_run(run, monkeypatch):
    """Other refusals are in test_flags."""
    status, said = run(report="absent/o.html")
    assert (status, said.count("\n")) == (1, 1)
    assert "can't write absent/o.html: there is no folder" in said
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert run(content="absent.png") == (
        2,
        "artistyle: a report needs jinja2, not installed here: "
        'pip install "artistyle-tf[report]"\n',
    )
    assert sorted(os.listdir()) == sorted([PHOTO, "s.png"])


def test_a_report_that_fails_at_the_end_leaves_the_picture(run, monkeypatch):
    def vanish(self, step):
        os.makedirs("o.html", exist_ok=True)

    monkeypatch.setattr(ReportLog, "__call__", vanish)
    status, said = run()
    assert (status, said) == (1, "artistyle: can't write o.html: it is a folder\n")
    assert read_record("o.png")["outcome"]["iterations"] == 4
