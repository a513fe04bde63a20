"""docs/batch.md says what is: its command, its files of jobs, its Python."""

import gc
import json
import os
import re
import shlex

import pytest
from PIL import Image
from stub_workers import run_here

import artistyle_tf
from artistyle_tf.batch import run as running
from artistyle_tf.batch.jobs import read_jobs
from artistyle_tf.batch.main import parse
from artistyle_tf.batch.pool import Outcome
from places import ROOT

PAGE = (ROOT / "docs" / "batch.md").read_text("utf-8")


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


@pytest.fixture
def desk(tmp_path, monkeypatch, picture):
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(["photos/a.jpg", "styles/s.jpg", "photo.jpg", "painting.jpg"]):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        Image.fromarray(picture(30, 40, seed)).save(name)
    gc.freeze()  # as in a real worker, which collects after every job
    yield tmp_path
    gc.unfreeze()


def test_the_command_is_one(desk):
    _, line = blocks("sh")[0].replace("\\\n", " ").splitlines()
    asked = parse(shlex.split(line)[1:])
    assert [job.output for job in asked.jobs] == ["out/a--s.png"]


def test_the_files_of_jobs_are_some(desk):
    table, cells, row = blocks("")
    (desk / "jobs.csv").write_text(cells)
    low, high, both = read_jobs("jobs.csv")
    assert low.stem == high.stem
    assert (both.styles, both.output) == (("night.jpg", "wave.jpg"), "dogs/both.png")
    assert both.content_masks == ("left.png", "right.png")
    (desk / "jobs.jsonl").write_text(row)
    assert read_jobs("jobs.jsonl")[0].config.style_blend == (0.7, 0.3)
    assert set(json.loads(row)) == {"content", "style", "style_blend", "seed"}
    summary = running.Summary({low: Outcome("done")}, 38.0)
    assert re.sub("[0-9]+", "0", table.strip()) == re.sub("[0-9]+", "0", str(summary))


def test_the_python_paints(desk, monkeypatch, capsys):
    monkeypatch.setattr(running, "run_tasks", run_here)
    (code,) = blocks("python")
    exec(compile(code, "batch.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.startswith("3 done, 0 skipped, 0 failed in ")
    assert len(list((desk / "out").glob("photo--painting*.png"))) == 3
    summary = artistyle_tf.batch.paint_all(
        [{"content": "photo.jpg", "style": "painting.jpg"}, {"content": "none.jpg", "style": "x"}],
        "out",
        tell=lambda job, outcome: print(outcome.status),
    )
    assert capsys.readouterr().out == "done\nfailed\n"
    assert summary.counts == {"done": 1, "skipped": 0, "failed": 1, "left": 0}
