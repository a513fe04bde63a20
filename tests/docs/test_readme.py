"""README.md and docs/ say what is: flags, defaults, presets, code, commands, links."""

import dataclasses
import html
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import artistyle_tf
from artistyle_tf import Config
from artistyle_tf.command import flag_table, flags
from artistyle_tf.pictures import write
from artistyle_tf.settings.presets import PRESETS
from artistyle_tf.video import flags as video_flags
from artistyle_tf.web import flags as web_flags
from places import ROOT, SAMPLES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text("utf-8")
FILES = ("--content=a.jpg", "--style=b.jpg", "--output=c.png")


def section(title: str) -> str:
    """What stands below the heading `## title`."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README has no section {title!r}"
    return found[1]


def table(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def blocks(page: pathlib.Path, language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def shown_flags() -> dict[str, tuple[str, str]]:
    """Flag → (default, group) in the table of the README."""
    result, group = {}, ""
    for name, default, _ in table("Flags"):
        if name.startswith("**"):
            group = name.strip("*")
        else:
            result[name.strip("`")] = (default.strip("`"), group)
    return result


def real_flags() -> dict[str, tuple[str, str]]:
    """Flag → (default, group) as `--help` prints them, wrapped lines put together."""
    result, group, name = {}, "", ""
    for line in flag_table.help_text().splitlines():
        if re.fullmatch(r"[A-Z]\w*:", line):
            group = line.rstrip(":")
        elif line.startswith("  --"):
            name = line.strip()
            result[name] = ("", group)
        elif line.startswith("      ") and name:
            result[name] = (result[name][0] + line.strip() + " ", group)
    for name, (text, group) in result.items():
        default = re.search(r"\[([^\[\]]*)\] $", text)
        result[name] = (default[1].replace(" ", "") if default else "", group)
    return result


def test_flags_defaults_and_groups_agree_with_help() -> None:
    assert shown_flags() == real_flags()
    assert {f"--{field.name}" for field in dataclasses.fields(Config)} < shown_flags().keys()


def test_defaults_are_those_of_an_empty_command_line() -> None:
    spelled = [f"{name}={default}" for name, (default, _) in shown_flags().items() if default]
    plain, explicit = flags.parse(FILES), flags.parse([*FILES, *spelled])
    assert plain == explicit


def test_presets_agree() -> None:
    rows = {row[0].strip("`"): row for row in table("Presets")}
    assert rows.keys() == PRESETS.keys()
    for name, (_, settings, alpha, style, _) in rows.items():
        given = re.findall(r"`(--[^`]+)`", settings)
        command = flags.parse([*FILES, "--weights=imagenet", *given])
        preset = Config.preset(name, weights="imagenet")
        assert not isinstance(command, str)
        assert command.config == preset
        assert {flag[2:].split("=")[0] for flag in given} == PRESETS[name].keys()
        layer_weight = preset.style_layers[0][1]
        if preset.formula != "paper":
            assert (alpha, style) == (f"{preset.content_weight:g}", f"{preset.style_weight:g}")
        else:  # eq. 1 is NM/2 times the mean, eq. 4 is N²/4 times
            assert preset.content_weight == 1
            assert alpha == "NM/2"
            assert style == f"{preset.style_weight * layer_weight / 4:g} N²"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse(
    page: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every `artistyle …` in a block of shell is a command line that the command takes."""
    monkeypatch.chdir(tmp_path)  # --rerun alone opens a file
    record = {"config": Config().to_dict(), "weights": {"kind": "imagenet"}}
    (tmp_path / "docs" / "gallery").mkdir(parents=True)
    for name in ("out.png", "docs/gallery/plain.png"):
        write.write(name, np.zeros((20, 20, 3), np.uint8), record=record)
    seen = 0
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "artistyle":
                assert not isinstance(flags.parse(words[1:]), str)
                seen += 1
            elif words and words[0] == "artistyle-web":
                assert not isinstance(web_flags.parse(words[1:]), str)
            elif words and words[0] == "artistyle-video":
                assert not isinstance(video_flags.parse(words[1:]), str)
            elif words and words[0].startswith(("./", "scripts/")):
                assert (ROOT / words[0]).is_file(), line
    assert seen or page.name != "README.md"


def anchors(page: pathlib.Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    assert links
    for link in map(html.unescape, links):
        if re.match(r"https://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_the_picture_comes_first_and_is_small() -> None:
    first = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", README)
    assert first
    assert README[: first.start()].count("\n") < 10
    picture = ROOT / first[2]
    assert picture.stat().st_size <= 300 * 1024
    with Image.open(picture) as file:
        assert file.width > 2 * file.height


def test_no_figure_is_a_placeholder() -> None:
    for page in PAGES:
        assert not re.search(r"FIGURES|TODO|FIXME|XXX|@@", page.read_text("utf-8"))
    assert "| size |" in section("Measured")


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder with the README's pictures, where weights are the preview's and runs are tiny."""
    from artistyle_tf.network import extractor, weights
    from artistyle_tf.run import painter
    from artistyle_tf.scene import bound, scene

    def preview(name: str, *arguments: Any, **options: Any) -> weights.Weights:
        assert name == "auto"
        return weights.load("preview", *arguments, **options)

    def tiny(content: Any, style: Any, config: Config, **options: Any) -> artistyle_tf.Result:
        small = dataclasses.replace(config, size=32, iterations=3)
        return painter.stylize(content, style, small, **options)

    def small(config: Config) -> painter.Painter:
        return painter.Painter(dataclasses.replace(config, size=32, iterations=3))

    for module in (bound, extractor, scene):
        monkeypatch.setattr(module, "load", preview)
    monkeypatch.setattr(artistyle_tf, "stylize", tiny, raising=False)
    monkeypatch.setattr(artistyle_tf, "Painter", small, raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLES / "content.jpg", tmp_path / "photo.jpg")
    shutil.copy(SAMPLES / "style.jpg", tmp_path / "painting.jpg")
    return tmp_path


def python_of(start: str) -> Callable[[dict[str, Any]], None]:
    (block,) = [code for code in blocks(PAGES[0], "python") if start in code]
    return lambda names: exec(compile(block, "README.md", "exec"), names)


@pytest.mark.slow
def test_example_of_a_run_and_its_record(
    desk: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    python_of("artistyle_tf.stylize")(names)
    assert names["config"].seed == 1
    with Image.open(desk / "out.png") as saved:
        assert saved.size == (32, 24)
    assert "all 3 iterations done (24, 32, 3)" in capsys.readouterr().out
    python_of("read_record")(names)
    assert capsys.readouterr().out.startswith("preview 1 ")


@pytest.mark.slow
def test_example_of_many_pictures(desk: pathlib.Path) -> None:
    python_of("artistyle_tf.Painter")({})
    for name in ("0.png", "1.png"):
        with Image.open(desk / name) as saved:
            assert saved.size == (32, 24)


@pytest.mark.slow
def test_example_of_the_pieces(desk: pathlib.Path) -> None:
    names: dict[str, Any] = {}
    python_of("build_feature_extractor")(names)
    assert names["features"]["block1_conv1"].shape[1:3] == (192, 256)
    channels = names["features"]["block1_conv1"].shape[-1]
    assert names["gram"].shape == (1, channels, channels)
    assert names["gradient"].shape == (1, 192, 256, 3)
    assert np.isfinite(float(names["value"]))


@pytest.fixture
def elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty folder to work in, but for the samples."""
    (tmp_path / "samples").symlink_to(SAMPLES, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_python_block_is_run_by_some_test(elsewhere: pathlib.Path) -> None:
    known = (
        "artistyle_tf.stylize",
        "artistyle_tf.Painter",
        "build_feature_extractor",
        "read_record",
    )
    for block in blocks(PAGES[0], "python"):
        assert sum(start in block for start in known) == 1
    for page in PAGES[1:]:
        for block in blocks(page, "python"):
            exec(compile(block, page.name, "exec"), {})


@pytest.mark.slow
def test_a_saved_model_is_loaded_by_a_process_that_made_none(elsewhere: pathlib.Path) -> None:
    """Here all is imported already; a reader of the page begins with its block."""
    page = ROOT / "docs" / "keras.md"
    for start in ('model.save("model.keras")', 'load_model("model.keras")'):
        (block,) = [code for code in blocks(page, "python") if start in code]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", block], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
