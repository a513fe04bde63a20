"""Every command and every block of Python in README.md and docs/ runs, with small settings.

What can't be run here says why, in a comment before its block: <!-- not run: the reason -->.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

import artistyle_tf
from artistyle_tf import Config
from artistyle_tf.cli import console, flags, main
from artistyle_tf.images import write
from artistyle_tf.vgg import weights
from artistyle_tf.vgg.extractor import FROZEN
from artistyle_tf.video import flags as video_flags
from artistyle_tf.web import main as web_command
from painters import eagerly
from places import ROOT, SAMPLES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
TINY = ("--size=32", "--iterations=2", "--optimizer=lbfgs", "--quiet")
"""What every command runs with; the last of two flags counts."""


class Block(NamedTuple):
    language: str
    code: str
    reason: str | None
    """Why it is not run."""

    def lines(self) -> list[list[str]]:
        """The words of its commands."""
        lines = self.code.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(page: pathlib.Path) -> list[Block]:
    found = FENCE.finditer(page.read_text("utf-8"))
    return [Block(match["language"], match["code"], match["reason"]) for match in found]


def put_record(path: pathlib.Path) -> None:
    outcome = {"objective": {"value": 1.0}}
    record = {"config": Config().to_dict(), "weights": {"kind": "imagenet"}, "outcome": outcome}
    write.write(str(path), np.zeros((24, 32, 3), np.uint8), record=record)


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder with the files that the pages name, the small network, and tiny runs in Python."""
    load, stylize, Painter = weights.load, artistyle_tf.stylize, artistyle_tf.Painter
    assert artistyle_tf.build_objective  # loads the modules that load networks
    assert artistyle_tf.build_feature_extractor

    def small(config: Config) -> Config:
        size = min(config.size, 32)
        return dataclasses.replace(config, size=size, iterations=min(config.iterations, 2))

    def preview(name: str, *arguments: Any, **options: Any) -> weights.Weights:
        return load("preview" if name == "auto" else name, *arguments, **options)

    def tiny(content: Any, style: Any, config: Config, **options: Any) -> artistyle_tf.Result:
        with eagerly():
            return stylize(content, style, small(config), **options)

    for name, module in list(sys.modules.items()):
        if name.startswith("artistyle_tf.") and vars(module).get("load") is load:
            monkeypatch.setattr(module, "load", preview)
    monkeypatch.setattr(artistyle_tf, "stylize", tiny, raising=False)
    monkeypatch.setattr(artistyle_tf, "Painter", lambda config: Painter(small(config)), False)
    for name in {"KERAS_BACKEND", "KERAS_HOME", *console.ENVIRONMENT} - {FROZEN}:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.chdir(tmp_path)
    for name, shows in (
        ("photo", "content"), ("painting", "style"), ("night", "style"), ("field", "style")
    ):  # fmt: skip
        shutil.copy(SAMPLES / f"{shows}.jpg", tmp_path / f"{name}.jpg")
    for name, shows in (
        ("sky", "top"), ("ground", "bottom"), ("night-sky", "style-top"), ("grass", "style-bottom")
    ):  # fmt: skip
        shutil.copy(SAMPLES / f"{shows}.png", tmp_path / f"{name}.png")
    (tmp_path / "samples").symlink_to(SAMPLES, target_is_directory=True)
    put_record(tmp_path / "out.png")
    return tmp_path


OWN = {flag.name for flag in flags.PROGRAM.flags}
HOSTS = '{"worker": ["localhost:12345", "localhost:12346"]}'

SAVED, LOADED = 'model.save("model.keras")', 'load_model("model.keras")'
CHECKED = ("seed=1)", "painter(photo", "read_record", '["block1_conv1", "block4_conv2"]')
CHECKED += (SAVED, LOADED)
"""What is in blocks that have tests of their own below."""

DONE: set[tuple[str, ...]] = set()
"""Commands that some page before has run."""


def run_command(words: list[str], folder: pathlib.Path, network: pathlib.Path) -> None:
    """Runs a command in this process; once, unless it goes on from what others left."""
    if tuple(words) in DONE and "--checkpoint_dir=run1" not in words:
        return
    DONE.add(tuple(words))
    if any(word.startswith("--rerun=out.png") for word in words):
        put_record(folder / "out.png")
    command = flags.parse(words[1:])
    assert not isinstance(command, str)
    (folder / command.output).unlink(missing_ok=True)
    with eagerly():
        assert main.main([*words[1:], *TINY, f"--weights={network}"]) == 0, words
    assert (folder / command.output).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_runs_from_top_to_bottom(
    page: pathlib.Path, desk: pathlib.Path, small_file: pathlib.Path, unfrozen: None
) -> None:
    for block in blocks(page):
        if block.reason or any(start in block.code for start in CHECKED):
            continue
        if block.language == "python" and page.name != "reference-python.md":
            exec(compile(block.code, page.name, "exec"), {})
        elif block.language == "sh":
            for words in block.lines():
                assert words[0] == "artistyle", f"{page.name}: {words} is not run and says not why"
                run_command(words, desk, small_file)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse_and_scripts_have_their_flags(
    page: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, those that are not run too."""
    monkeypatch.chdir(tmp_path)  # --rerun alone opens a file
    put_record(tmp_path / "out.png")
    for block in blocks(page):
        assert block.language in ("sh", "python", "pycon", ""), block
        if block.language != "sh":
            continue
        for words in block.lines():
            while (variable := re.match(r"(\w+)=(.*)", words[0])) and len(words) > 1:
                monkeypatch.setenv(variable[1], variable[2].replace("{$hosts}", HOSTS))
                words = words[1:]
            if words[0] == "artistyle":
                given = words[1:-1] if words[-1] == "&" else words[1:]
                assert not isinstance(flags.parse(given), str)
            elif script := next((word for word in words[:2] if word.startswith("scripts/")), None):
                beside = (ROOT / script).parent.glob("*.py")
                source = "".join(path.read_text("utf-8") for path in beside)
                for flag in re.findall(r"--(\w+)", " ".join(words)):
                    assert f'"--{flag}' in source or flag in OWN, (script, flag)
            elif words[0] == "artistyle-web":
                assert not isinstance(web_command.parse(words[1:]), str)
            elif words[0] == "artistyle-video":
                assert not isinstance(video_flags.parse(words[1:]), str)
            elif words[0].startswith("./"):
                assert (ROOT / words[0]).is_file()


def only(page: str, start: str) -> str:
    (block,) = [one.code for one in blocks(ROOT / page) if start in one.code]
    return block


@pytest.mark.slow
def test_what_the_examples_make(desk: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for start in CHECKED[:2]:
        exec(only("docs/python.md", start), names)
    for name in ("out.png", "0.png", "1.png"):
        with Image.open(desk / name) as saved:
            assert max(saved.size) == 32
    assert "all 2 iterations done (18, 32, 3)" in capsys.readouterr().out
    exec(only("docs/python.md", CHECKED[2]), {})
    assert capsys.readouterr().out.startswith("preview 1 ")
    exec(only("docs/python.md", CHECKED[3]), names)
    assert names["features"]["block1_conv1"].shape[1:3] == (192, 256)
    channels = names["features"]["block1_conv1"].shape[-1]
    assert names["gram"].shape == (1, channels, channels)
    assert names["gradient"].shape == (1, 144, 256, 3)
    assert np.isfinite(float(names["value"]))


@pytest.mark.slow
def test_a_saved_model_is_loaded_by_a_process_that_made_none(desk: pathlib.Path) -> None:
    """Here all is imported already; a reader of the page begins with its block."""
    for start in (SAVED, LOADED):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        block = only("docs/keras.md", start)
        done = subprocess.run(
            [sys.executable, "-c", block], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
