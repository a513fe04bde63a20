"""The scripts of the repository that need no network."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from places import ROOT, SCRIPTS

needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell")


def _run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, **options)  # type: ignore[call-overload]


def _sheet(*arguments: object) -> subprocess.CompletedProcess[str]:
    return _run(sys.executable, SCRIPTS / "docs" / "make_sheet.py", *arguments)


def test_sheet(tmp_path: pathlib.Path) -> None:
    Image.new("RGB", (90, 60), (200, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGBA", (40, 80), (0, 0, 200, 0)).save(tmp_path / "b.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (80, 40), (0, 200, 0)).save(tmp_path / "c.png", exif=turned)
    sheet = tmp_path / "sheet.png"
    done = _sheet(
        sheet, *(tmp_path / f"{n}.png" for n in "abc"), "--labels=A,B,style", "--height=120"
    )
    assert (done.returncode, done.stderr) == (0, "")
    pixels = np.asarray(Image.open(sheet).convert("RGB")).astype(int)
    red = (pixels == (200, 0, 0)).all(axis=-1)
    green = (pixels == (0, 200, 0)).all(axis=-1)
    assert red.sum() == 120 * 180
    assert green.sum() == 120 * 60
    assert not (pixels == (0, 0, 200)).all(axis=-1).any()  # transparent: white paper
    assert np.flatnonzero(red.any(axis=0)).max() < np.flatnonzero(green.any(axis=0)).min()
    dark = pixels.sum(axis=-1) < 300
    labels = dark[: np.flatnonzero(red.any(axis=1)).min()]
    assert labels[:, : pixels.shape[1] // 2].any()
    assert labels[:, -60:].any()


def test_sheet_mistakes(tmp_path: pathlib.Path) -> None:
    Image.new("RGB", (90, 60)).save(tmp_path / "a.png")
    wrong = _sheet(tmp_path / "s.png", tmp_path / "a.png", "--labels=a,b")
    assert wrong.returncode == 2
    assert "1 pictures, but 2 labels" in wrong.stderr
    for arguments in ((tmp_path / "s.png", tmp_path / "no.png"), (tmp_path, tmp_path / "a.png")):
        failed = _sheet(*arguments)
        assert failed.returncode == 1
        assert failed.stderr.startswith("make_sheet.py: ")
        assert failed.stderr.count("\n") == 1


def test_stylize_from_any_folder(tmp_path: pathlib.Path) -> None:
    """Also where the package isn't installed: -S and a path hide site-packages' editable link."""
    done = _run(sys.executable, SCRIPTS / "stylize.py", "--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("artistyle ")
    numpy = importlib.util.find_spec("numpy")
    assert numpy is not None
    assert numpy.origin is not None
    path = pathlib.Path(numpy.origin).parents[1]
    bare = {**os.environ, "PYTHONPATH": str(path)}
    done = _run(sys.executable, "-S", SCRIPTS / "stylize.py", "--version", cwd=tmp_path, env=bare)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """The scripts alone, in a folder whose name has a space, with a `bin` to be the PATH."""
    root = tmp_path / "a clone"
    (root / "scripts").mkdir(parents=True)
    for name in ("demo", "test", "_venv.sh"):
        shutil.copy(SCRIPTS / name, root / "scripts")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    (tmp_path / "bin").mkdir()
    for name in ("dirname", "cat", "cksum", "ls", "rm", "tail"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    return root


def _python(path: pathlib.Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _start(clone: pathlib.Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clone.parent / "bin")}
    shell = shutil.which("sh")
    return _run(
        shell, clone / "scripts" / name, *arguments, env=environment, cwd=clone.parent, check=False
    )


@needs_sh
@pytest.mark.parametrize("name", ["demo", "test"])
def test_no_python(clone: pathlib.Path, name: str) -> None:
    """A command that is there but doesn't run, as version managers leave them, is none."""
    _python(clone.parent / "bin" / "python3.13", "echo 'command not found' >&2; exit 127")
    done = _start(clone, name)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"{name}: no Python 3.11, 3.12 or 3.13 found; install one, or set PYTHON=/path/to/python\n"
    )


@needs_sh
def test_python_without_venv(clone: pathlib.Path) -> None:
    _python(clone.parent / "bin" / "python3.12", 'case "$2" in *venv*) exit 1 ;; esac')
    done = _start(clone, "demo")
    assert done.returncode == 1
    assert done.stderr.startswith("demo: python3.12 has no venv module")


@needs_sh
def test_folder_in_the_way(clone: pathlib.Path) -> None:
    _python(clone.parent / "bin" / "python3", "exit 0")
    (clone / ".venv").mkdir()
    (clone / ".venv" / "thesis.tex").touch()
    done = _start(clone, "demo")
    assert done.returncode == 1
    assert "it is no virtual environment" in done.stderr
    assert (clone / ".venv" / "thesis.tex").exists()


@needs_sh
def test_install_is_done_once_and_again_after_a_change(clone: pathlib.Path) -> None:
    python = clone / ".venv" / "bin" / "python"
    log = clone / "calls"
    _python(python, f'echo "$*" >>"{log}"; [ "$1" != --version ] || echo Python 3.12.0')
    installing = "installing the package"
    assert installing in _start(clone, "test").stdout
    assert "pip install --disable-pip-version-check --no-input -e .[dev]" in log.read_text()
    assert installing not in _start(clone, "test").stdout
    assert installing not in _start(clone, "demo", "--version").stdout  # the larger one serves both
    with open(clone / "setup.cfg", "a") as file:
        file.write("\n")
    assert installing in _start(clone, "demo", "--version").stdout
    assert "-m artistyle_tf --version" in log.read_text()


@needs_sh
def test_failed_install_is_told_and_tried_again(clone: pathlib.Path) -> None:
    python = clone / ".venv" / "bin" / "python"
    _python(python, '[ "$2" != pip ] || { echo "ERROR: no such package" >&2; exit 1; }')
    for _ in range(2):
        done = _start(clone, "test")
        assert done.returncode == 1
        first, *_, last = done.stderr.splitlines()
        assert first == "ERROR: no such package"
        assert last.startswith("test: pip could not install the package")


@needs_sh
def test_demo_keeps_its_pictures(clone: pathlib.Path) -> None:
    for flag in ("--content=a.jpg", "--output", "-style=b.jpg"):
        done = _start(clone, "demo", flag)
        assert done.returncode == 1
        assert "for your own" in done.stderr
    assert not (clone / ".venv").exists()


@needs_sh
def test_demo_flags(clone: pathlib.Path) -> None:
    """The demo's own settings give way to those on its command line."""
    _python(clone / ".venv" / "bin" / "python", "exit 0")
    _python(clone / ".venv" / "bin" / "artistyle", "printf '%s\\n' \"$@\"")
    done = _start(clone, "demo", "--size=64", "--iterations", "3", "--trace=a b.json")
    assert done.returncode == 0
    flags = [line for line in done.stdout.splitlines() if not line.startswith("demo: ")]
    assert sorted(flags) == sorted(
        [
            f"--content={clone}/artistyle_tf/samples/content.jpg",
            f"--style={clone}/artistyle_tf/samples/style.jpg",
            f"--output={clone}/artistyle-demo.png",
            "--preset=fast",
            "--strength=0.4",
            "--seed=0",
            "--size=64",
            "--iterations",
            "3",
            "--trace=a b.json",
        ]
    )
    assert done.stdout.splitlines()[-1].endswith("artistyle-demo-sheet.png")
