"""The command line of `artistyle-batch`, and what it does without Ray."""

import json
import re
import sys

import pytest
from PIL import Image
from stub_workers import run_here

from artistyle_tf import __version__
from artistyle_tf.batch import main as command
from artistyle_tf.batch import run as running
from artistyle_tf.batch.main import parse
from artistyle_tf.cli.flags import PROGRAM
from artistyle_tf.config.config import Config
from artistyle_tf.images.read import read_record

UNLIKE_ONE_PICTURE = {
    "output", "checkpoint_dir", "resume", "tensorboard_dir", "strategy", "rerun",
}  # fmt: skip
"""Flags of `artistyle` that make no sense for many pictures."""


@pytest.fixture
def desk(tmp_path, monkeypatch, picture):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for seed, name in enumerate(["photos/a", "photos/b", "style"]):
        Image.fromarray(picture(30, 40, seed)).save(tmp_path / f"{name}.png")
    return tmp_path


FILES = ["--content=photos/*.png", "--style=style.png", "--output_dir=out"]


def test_flags_make_jobs(desk):
    flags = ["--preset=fast", "--size=64", "--size=96", "--depth=16", "--style_layers=block1_conv1"]
    asked = parse([*FILES, *flags, "--extension=tif", "--workers=3", "--address=auto", "--quiet"])
    assert [job.output for job in asked.jobs] == ["out/a--style.tif", "out/b--style.tif"]
    wanted = Config.preset("fast", size=96, style_layers={"block1_conv1": 1})
    assert {job.config for job in asked.jobs} == {wanted}
    assert {job.depth for job in asked.jobs} == {16}
    assert (asked.workers, asked.address, asked.quiet, asked.dry_run) == (3, "auto", True, False)


def test_flags_fill_what_a_file_leaves_open(desk):
    (desk / "jobs.csv").write_text("content,style,size\nphotos/a.png,style.png,\na.png,b.png,48\n")
    asked = parse(["--jobs=jobs.csv", "--output_dir=out", "--size=96", "--seed=3"])
    assert [(job.config.size, job.config.seed) for job in asked.jobs] == [(96, 3), (48, 3)]


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (["--size=64"], "--output_dir is missing"),
        (["--output_dir=out"], "--content is missing"),
        ([*FILES, "--sise=3"], "--helpfull lists all flags"),
        ([*FILES, "--workers=0"], "--workers is 0"),
        ([*FILES, "--extension=gif"], "a--style.gif has the extension .gif"),
        ([*FILES, "--contact_sheet=sheet.gif"], "the output sheet.gif has the extension .gif"),
        ([*FILES, "--contact_sheet=photos/../style.png"], "style.png', which is one of the pictur"),
        ([*FILES, "--contact_sheet=out/a--style.png"], "style.png', which is the output of a job"),
        ([*FILES, "--contact_sheet=s.jpg", "--report=s.jpg"], "which is the --contact_sheet"),
        ([*FILES, "--jobs=jobs.csv"], "--content and --jobs are both given"),
    ],
)
def test_what_can_not_be(desk, flags, fault, capsys):
    assert command.main(flags) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("artistyle-batch: ")
    assert fault in err


def test_help_names_every_flag(capsys):
    assert command.main(["-h"]) == 0
    text = capsys.readouterr().out
    listed = re.findall(r"^  --(\w+)$", text, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {flag.name for flag in PROGRAM.flags} - UNLIKE_ONE_PICTURE < set(listed)
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out == f"artistyle-batch {__version__}\n"


def test_a_dry_run_finds_what_is_wrong_and_writes_nothing(desk, capsys):
    flags = ["--size=32", "--weights=preview", "--dry_run", "--output_dir=out"]
    assert command.main([*FILES, *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 to paint with 1 set of settings, 0 already done"
    assert lines[1].startswith("  out/a--style.png: 32×24 px, ")
    assert "disk: at most 4,608 bytes" in lines
    rows = ["photos/gone.png,style.png", "photos/a.png,style.png", "photos/b.png,text.png"]
    (desk / "text.png").write_text("no picture" * 9)
    (desk / "jobs.csv").write_text("\n".join(["content,style", *rows]))
    assert command.main(["--jobs=jobs.csv", *flags]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("1 to paint")
    gone, text = err.splitlines()
    assert gone == "artistyle-batch: out/gone--style.png: photos/gone.png does not exist"
    assert text.startswith("artistyle-batch: out/b--text.png: text.png is not a picture that")
    for more in (["--dry_run"], []):
        assert command.main([*FILES[:2], "--output_dir=style.png/out", *more]) == 1
        said = f"artistyle-batch: can't write in {desk}/style.png: Not a directory\n"
        assert capsys.readouterr() == ("", said)
    assert not (desk / "out").exists()


def test_results_are_told_and_failures_once(desk, capsys, monkeypatch):
    monkeypatch.setattr(running, "run_tasks", run_here)
    (desk / "photos" / "b.png").write_bytes(b"no picture")
    (desk / "out").mkdir()
    for name in ("out/a--style.png", "sheet.png"):
        Image.new("RGB", (20, 20)).save(name)
    flags = ["--size=32", "--report=told/report.json", "--contact_sheet=sheet.png"]
    assert command.main([*FILES, *flags]) == 1
    said = "exists, and artistyle did not make it; --overwrite replaces it"
    assert capsys.readouterr() == ("", f"artistyle-batch: sheet.png {said}\n")
    for status, more in (("1 done, 0 skipped", []), ("0 done, 1 skipped", [])):
        assert command.main([*FILES, *flags, "--overwrite", *more]) == 1
        out, err = capsys.readouterr()
        assert out.startswith(f"{status}, 1 failed in ")
        assert err.count("failed: ") == err.count("b.png is not a picture") == 1
    report = json.loads((desk / "told/report.json").read_text())
    assert [job["status"] for job in report["jobs"]] == ["skipped", "failed"]
    assert read_record(desk / "sheet.png") == {"program": "artistyle_tf"}
    (desk / "photos" / "b.png").unlink()
    assert command.main([*FILES, *flags, "--quiet"]) == 0  # all of them are its own now
    assert capsys.readouterr() == ("", "")


def test_what_a_batch_needs_is_said_in_one_line(desk, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert command.main([*FILES, "--size=32"]) == 2
    said = 'a batch needs Ray, not installed here: pip install "artistyle-tf[batch]"'
    assert capsys.readouterr().err == f"artistyle-batch: {said}\n"
