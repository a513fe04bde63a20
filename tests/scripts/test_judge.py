"""The judge: a figure by hand, and a run of the script."""

import json
import math

import numpy as np
import pytest
from PIL import Image

import artistyle_tf
from artistyle_tf.images.read import read_record
from places import SAMPLES

pytest.importorskip("scipy")
pytest.importorskip("skimage")


def grey(levels):
    return np.repeat(np.array(levels, np.uint8)[..., None], 3, axis=2)


def test_colour_steps_by_hand(script):
    measures = script("measures")
    rgb = np.array([[[10, 0, 0], [0, 0, 4]], [[0, 3, 0], [7, 7, 7]]], np.uint8)
    # (R - G, B - G): (10, 0) (0, 4) / (-3, -3) (0, 0)
    assert measures.colour_steps(rgb) == (10 + 4 + 3 + 3) / 4 + (13 + 3 + 0 + 4) / 4
    assert measures.grain(rgb, rgb) == 1
    assert math.isnan(measures.grain(rgb, grey(np.eye(4))))  # a style without colours


def test_sets_of_flags_are_painted_judged_and_not_painted_again(
    script, small_file, tmp_path, capsys, monkeypatch
):
    judge, folder, figures = script("judge"), tmp_path / "o", tmp_path / "figures.json"
    for name in ("content", "style"):  # of equal sides, in whole cells
        with Image.open(SAMPLES / f"{name}.jpg") as image:
            image.resize((48, 32)).save(tmp_path / f"{name}.png")
    arguments = [
        *(f"--pair={tmp_path / 'content.png'},{tmp_path / 'style.png'}", "--size=48"),
        *(f"--weights={small_file}", f"--folder={folder}", f"--json={figures}"),
        f"--paint=fast: --preset=fast --levels=1 --iterations=3 --padding=zeros --balance=0 "
        f"--palette_weight=0 --style_weight=60 --weights={small_file}",
    ]
    assert judge.main(arguments) == 0
    first = json.loads(figures.read_text())
    row = first["pairs"]["content × style"]["fast"]
    assert row["evaluations"] >= 3
    assert row["seconds"] > 0
    # A CPU with tiles for bfloat16 has the run's own figure less exactly.
    assert row["saved_objective"] == pytest.approx(row["saved_by_run"], rel=0.05)
    record = read_record(folder / "content_style--fast.png")
    assert record["outcome"]["objective"]["value"] == row["optimised"]
    assert str(tmp_path) not in json.dumps(record)
    monkeypatch.setattr(artistyle_tf, "stylize", None)
    assert judge.main(arguments) == 0
    assert json.loads(figures.read_text()) == first
    capsys.readouterr()
    assert judge.main([text.replace("=3", "=4") for text in arguments]) == 1
    assert "content_style--fast.png is of another" in capsys.readouterr().err
