"""The script of a clone, sheets, the paper's figures and the stylizer's training."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import keras
import numpy as np
import pytest
from PIL import Image

from places import ROOT, SCRIPTS

needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell")


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, **options)  # type: ignore[call-overload]


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """The scripts alone, in a folder whose name has a space, with a `bin` to be the PATH, whose
    `python3` only prints an error, and a Python in .venv that only tells what it is called with."""
    root = tmp_path / "a clone"
    (root / "scripts").mkdir(parents=True)
    for path in SCRIPTS.iterdir():
        if path.is_file():
            shutil.copy(path, root / "scripts")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    for path, body in (
        (tmp_path / "bin" / "python3", "echo no such version >&2; exit 127"),
        (tmp_path / "bin" / "python", f'exec "{sys.executable}" "$@"'),
        (root / ".venv" / "bin" / "python", TELLING.format(root=root)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    (tmp_path / "bin" / "dirname").symlink_to(str(shutil.which("dirname")))
    return root


TELLING = 'echo "$*" >>"{root}/calls"'


def start(clone: pathlib.Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clone.parent / "bin")}
    command = shutil.which("sh"), clone / "scripts" / name, *arguments
    return run(*command, env=environment, cwd=clone.parent, check=False)


@needs_sh
def test_test_installs_once_again_after_a_change_and_says_what_failed(clone: pathlib.Path) -> None:
    installing = "installing the package"
    assert installing in start(clone, "test", "-k", "x").stdout
    calls = (clone / "calls").read_text()
    assert "pip install --disable-pip-version-check --no-input -e .[dev]" in calls
    assert calls.endswith(
        "-m ruff check .\n-m ruff format --check .\n-m mypy\n-m codespell_lib\n-m pytest -k x\n"
    )
    assert installing not in start(clone, "test").stdout
    assert installing not in start(clone, "demo", "--version").stdout  # the larger one serves both
    with open(clone / "setup.cfg", "a") as file:
        file.write("\n")
    python = clone / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\n[ "$2" != pip ] || { echo "ERROR: no such package"; exit 1; }\n')
    done = start(clone, "test")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "ERROR: no such package"


@needs_sh
def test_an_environment_is_made_by_a_python_that_suits(clone: pathlib.Path) -> None:
    shutil.rmtree(clone / ".venv")
    (clone / "setup.cfg").unlink()  # it ends after the environment is made
    done = start(clone, "demo")
    assert f"demo: making .venv with {sys.executable}" in done.stdout
    assert (clone / ".venv" / "pyvenv.cfg").is_file()
    (clone.parent / "bin" / "python").unlink()
    done = start(clone, "demo")
    assert (done.returncode, done.stderr.split(";")[0]) == (1, "demo: no Python found")


def test_release_puts_the_address_in_wherever_one_waits(script, tmp_path, capsys) -> None:
    release, names = script("release"), ["pyproject.toml", "README.md"]
    names += [f"notebooks/{name}.ipynb" for name in ("artistyle", "keras_pipeline")]
    (tmp_path / "notebooks").mkdir()
    for name in names:
        shutil.copy(ROOT / name, tmp_path / name)
    for path in ("one/first", "two/second"):  # the second takes the place of the first
        release.put_in(tmp_path, names, f"https://github.com/{path}")
        texts = {name: (tmp_path / name).read_text("utf-8") for name in names}
        urls = tomllib.loads(texts["pyproject.toml"])["project"]["urls"]
        assert urls["Repository"] == f"https://github.com/{path}"
        badge = f"colab.research.google.com/github/{path}/blob/main/"
        assert all(badge + name in texts[name] for name in names[2:])
        assert all(json.loads(texts[name]) for name in names[2:])
        assert not [name for name in names if re.search("repository: |one/f.*two/s", texts[name])]
    readme = release.absolute(texts["README.md"], "https://github.com/two/second", "1.0.0")
    assert not re.search(r"""\]\((?!https:|#)|(src|href)="(?!https:|#)""", readme)
    assert "![" in readme
    assert "(https://github.com/two/second/raw/v1.0.0/docs/sheet.jpg)" in readme
    assert "(https://github.com/two/second/blob/v1.0.0/CHANGELOG.md)" in readme
    for words in ([], ["https://example.org/a/b"]):
        with pytest.raises(SystemExit, match="repository's address, like"):
            release.main(words)


def test_stylize_where_the_package_is_not_installed(tmp_path: pathlib.Path) -> None:
    """-S hides site-packages' editable link."""
    bare = {**os.environ, "PYTHONPATH": str(pathlib.Path(np.__file__).parents[1])}
    command = sys.executable, "-S", SCRIPTS / "stylize.py", "--version"
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("artistyle ")


def test_sheet(script, tmp_path: pathlib.Path, capsys) -> None:
    make_sheet, paths = script("make_sheet"), []
    for name, size, colour in (("a", (90, 60), (200, 0, 0)), ("b", (40, 80), (0, 200, 0))):
        paths.append(str(tmp_path / f"{name}.png"))
        Image.new("RGB", size, colour).save(paths[-1])
    sheet = str(tmp_path / "sheet.png")
    assert make_sheet.main([sheet, *paths, "--labels=A,B", "--height=120"]) == 0
    pixels = np.asarray(Image.open(sheet).convert("RGB")).astype(int)
    red, green = ((pixels == colour).all(-1) for colour in ((200, 0, 0), (0, 200, 0)))
    assert (red.sum(), green.sum()) == (120 * 180, 120 * 60)
    assert make_sheet.main([sheet, "no.png"]) == 1
    assert capsys.readouterr().err.startswith("make_sheet.py: ")


@pytest.mark.parametrize(("figure", "count"), [(1, 10), (2, 2), (3, 20)])
def test_figures_of_the_paper(script, small_file, tmp_path, monkeypatch, figure, count) -> None:
    """The first cell is painted, the others are checked by their settings."""
    module, cells = script("make_figures"), []
    real = module.painted

    def painted(content, style, config):
        cells.append((content, style, config))
        return real(content, style, config) if len(cells) == 1 else Image.new("RGB", (32, 18))

    monkeypatch.setattr(module, "painted", painted)
    flags = [f"--weights={small_file}", "--size=32", "--iterations=1"]
    assert module.main([str(figure), f"--output={tmp_path / 'f.png'}", *flags]) == 0
    assert len(cells) == count
    styles = [name for name, _ in cells[-2 if figure == 1 else -1][2].style_layers]
    assert styles == [f"block{block}_conv1" for block in range(1, 6)]
    if figure == 1:
        assert cells[-1][2].content_layers == (("block5_conv1", 1.0),)
        assert {config.task for _, _, config in cells} == {"texture", "reconstruct"}
    elif figure == 2:
        assert [config.formula for _, _, config in cells] == ["paper", "mean"]
    else:
        ratios = [config.content_weight / config.style_weight for _, _, config in cells[:4]]
        assert ratios == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2])
    with Image.open(tmp_path / "f.png") as image:
        assert min(image.size) > 60
    assert module.main([str(figure), "--output=f.txt"]) == 2


def test_a_stylizer_learns(script, tmp_path: pathlib.Path) -> None:
    """In a few steps, on a picture that it does not see."""
    pytest.importorskip("skimage")
    flags = ["--weights=preview", "--side=48", "--batch=2", "--width=8", "--steps=40"]
    # The steps end it; by then the learning rate has not faded either.
    flags += ["--minutes=60", "--unseen_side=96", f"--folder={tmp_path}"]
    trainer = script("train_stylizer")
    figures = trainer.main(flags)
    assert figures["trained"] < 0.9 * figures["untrained"]
    model = keras.saving.load_model(tmp_path / "model.keras")
    painted = model.predict(trainer.unseen(96), verbose=0)
    loss = float(model.loss(trainer.unseen(96), painted))
    assert loss == pytest.approx(figures["trained"], rel=1e-4)
