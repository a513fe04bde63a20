"""The sample pictures: drawn the same each time, and shipped as drawn."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import samples
from places import ROOT, SAMPLES, SCRIPTS


@pytest.fixture
def draw_samples(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS / "samples"))
    monkeypatch.delitem(sys.modules, "draw_samples", raising=False)
    return importlib.import_module("draw_samples")


@pytest.mark.parametrize("name", ["content", "style"])
def test_drawing_twice_gives_the_same_pixels(draw_samples: ModuleType, name: str) -> None:
    draw = draw_samples.DRAW[name]
    first, second = np.asarray(draw(96)), np.asarray(draw(96))
    assert first.shape == (72, 96, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert np.any(np.asarray(draw(96, seed=99)) != first)


def test_the_command_writes_both(draw_samples: ModuleType, tmp_path: Path) -> None:
    draw_samples.main(["--folder", str(tmp_path / "new"), "--width", "64"])
    sizes = {}
    for path in (tmp_path / "new").iterdir():
        with Image.open(path) as file:
            sizes[path.name] = file.size
    masks = {"top.png": (160, 120), "bottom.png": (160, 120)}
    assert sizes == {"content.jpg": (64, 48), "style.jpg": (64, 48), **masks}
    for name in masks:
        assert (tmp_path / "new" / name).read_bytes() == (SAMPLES / name).read_bytes()


@pytest.mark.parametrize("name", ["content", "style"])
def test_shipped_files_are_what_the_script_draws(draw_samples: ModuleType, name: str) -> None:
    with Image.open(SAMPLES / f"{name}.jpg") as file:
        assert file.size == (640, 480)
        shipped = np.asarray(file.convert("RGB").resize((80, 60), Image.Resampling.BOX), np.float32)
    drawn = draw_samples.DRAW[name](160).resize((80, 60), Image.Resampling.BOX)
    # Compared small: other sizes and library versions round differently, the scene stays.
    assert np.abs(shipped - np.asarray(drawn, np.float32)).mean() < 12


def test_shipped_files_are_small() -> None:
    assert sum(path.stat().st_size for path in (SAMPLES).glob("*.jpg")) <= 400 * 1024


def test_the_package_says_where_they_are_and_the_repository_has_one_copy() -> None:
    assert samples.content() == SAMPLES / "content.jpg"
    assert samples.style() == SAMPLES / "style.jpg"
    link = ROOT / "samples"  # what commands in the documentation name
    assert link.is_symlink()
    assert link.resolve() == SAMPLES
