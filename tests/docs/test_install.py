"""What a wheel holds, and that installing it leaves the TensorFlow that is there alone."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from test_notebook import checked

from places import ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


def pip(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PIP, *map(str, words)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A wheel of this repository, made as README says; skipped where pip finds no index."""
    folder = tmp_path_factory.mktemp("wheel")
    # One small package that the build needs too: without it nothing below can be done.
    asked = pip("download", "--no-deps", "--dest", folder / "asked", "setuptools>=68")
    if asked.returncode:
        pytest.skip("no package index here: pip can't resolve anything")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "artistyle_tf", folder / "source" / "artistyle_tf", ignore=ignored)
    for name in SOURCES:
        shutil.copy(ROOT / name, folder / "source")
    done = pip("wheel", "--no-deps", "--wheel-dir", folder, folder / "source")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_a_wheel_has_networks_samples_and_types(wheel: pathlib.Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = ("data/vgg19_8bit.npz", "samples/content.jpg", "samples/style.jpg", "py.typed")
    assert {f"artistyle_tf/{name}" for name in wanted} <= names


@pytest.mark.slow
def test_the_wheel_leaves_tensorflow_keras_and_numpy_alone(
    wheel: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """By pip's own resolver, with the constraints that the notebooks make."""
    kept = checked()["kept"]()
    assert {"tensorflow", "keras", "numpy"} <= {line.split("==")[0].lower() for line in kept}
    (tmp_path / "kept.txt").write_text("\n".join(kept))
    report = tmp_path / "report.json"
    words = ("install", "--dry-run", "--report", report, "--constraint", tmp_path / "kept.txt")
    done = pip(*words, f"{wheel}[notebook]")
    assert done.returncode == 0, done.stderr
    new = {one["metadata"]["name"].lower() for one in json.loads(report.read_text())["install"]}
    assert "artistyle-tf" in {name.replace("_", "-") for name in new}
    assert not {name for name in new if re.search("tensorflow|keras|numpy", name)}


def test_the_page_and_the_notebooks_keep_what_is_installed() -> None:
    page = (ROOT / "docs" / "gpu-tpu.md").read_text("utf-8")
    assert "pip freeze | grep -iE 'tensorflow|keras|numpy' > kept.txt" in page
    assert "pip install artistyle_tf-*.whl -c kept.txt" in page
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        (line,) = re.findall(r"^ *%pip .*", "\n".join(cell.source for cell in cells), re.MULTILINE)
        assert '--constraint "{constraints}"' in line
