"""The script of a clone, sheets, the paper's figures and the stylizer's training."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from places import SCRIPTS


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
