"""What a wheel holds, and that installing it leaves the TensorFlow that is there alone."""

import configparser
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable

import nbformat
import pytest
from packaging.requirements import Requirement

from places import ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "LICENSE-CC-BY-4.0", "NOTICE")


def pip(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PIP, *map(str, words)], capture_output=True, text=True)


@pytest.mark.slow
def test_a_wheel_is_whole_and_leaves_tensorflow_keras_and_numpy_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pip's own resolver, with the constraints that the notebooks make."""
    # One small package that the build needs too: without it nothing below can be done.
    if pip("download", "--no-deps", "--dest", tmp_path / "asked", "setuptools>=77.0.3").returncode:
        pytest.skip("no package index here: pip can't resolve anything")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "artistyle_tf", tmp_path / "source" / "artistyle_tf", ignore=ignored)
    for name in SOURCES:
        shutil.copy(ROOT / name, tmp_path / "source")
    done = pip("wheel", "--no-deps", "--wheel-dir", tmp_path, tmp_path / "source")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    templates = (ROOT / "artistyle_tf" / "report" / "templates").iterdir()
    assert {f"artistyle_tf/report/templates/{path.name}" for path in templates} <= names
    wanted = ("data/vgg19_8bit.npz", "samples/content.jpg", "samples/style.jpg", "py.typed")
    assert {f"artistyle_tf/{name}" for name in wanted} <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"artistyle_tf"}
    (metadata,) = [name for name in names if name.endswith("/METADATA")]
    lines = archive.read(metadata).decode().splitlines()
    assert "License-Expression: MIT AND CC-BY-4.0" in lines
    assert {f"License-File: {name}" for name in SOURCES[3:]} <= set(lines)

    notebook = nbformat.read(ROOT / "notebooks" / "artistyle.ipynb", as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    defined: dict = {}
    exec(first.source, defined)
    kept = defined["kept"]()
    assert {"tensorflow", "keras", "numpy"} <= {line.split("==")[0].lower() for line in kept}
    (tmp_path / "kept.txt").write_text("\n".join(kept))
    report = tmp_path / "report.json"
    words = ("install", "--dry-run", "--report", report, "--constraint", tmp_path / "kept.txt")
    done = pip(*words, f"{wheel}[notebook]")
    assert done.returncode == 0, done.stderr
    new = {one["metadata"]["name"].lower() for one in json.loads(report.read_text())["install"]}
    assert not {name for name in new if re.search("tensorflow|keras|numpy", name)}


def test_what_holds_pillow_back_is_said() -> None:
    """pip replaces a newer one without a word: Gradio's bound, and nobody else's, is our own."""

    def below(lines: Iterable[str]) -> list[str]:
        found = [Requirement(line) for line in lines if line and line[0] != "#"]
        limits = [one.specifier for one in found if one.name == "pillow" and not one.marker]
        return [one.version for each in limits for one in each if one.operator == "<"]

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    (said,) = below(extras["web"].splitlines())
    assert f"Pillow below {said}" in (ROOT / "docs" / "web.md").read_text("utf-8")
    for package in ("gradio", "matplotlib", "scikit-image", "tensorboard"):
        limit = below(importlib.metadata.requires(package) or ())
        assert [one.split(".")[0] for one in limit] == ([said] if package == "gradio" else [])
