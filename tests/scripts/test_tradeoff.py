"""The trade-off of painting and photo: the script's settings, and a small run of it."""

import dataclasses
import json
import subprocess
import sys

import pytest
from PIL import Image

from artistyle_tf.config.config import Config
from places import SAMPLES, SCRIPTS

PAIR = f"--pair={SAMPLES / 'content.jpg'},{SAMPLES / 'style.jpg'}"


@pytest.fixture
def tradeoff(script):
    return script("tradeoff")


def test_settings_of_the_methods(tradeoff):
    given = {"size": 64, "weights": "preview"}
    for method in ("gram", "w2"):
        config = tradeoff.config_of(method, 7.0, given)
        plain = {"style_weight": 7, "balance": 0, "palette_weight": 0}
        assert config == Config.preset("fast", statistics=method, **plain, **given)
    crowson = Config.preset("crowson", **given)
    neutral = tradeoff.config_of("crowson", tradeoff.NEUTRAL, given)
    assert neutral.content_weight == pytest.approx(crowson.content_weight)
    assert dataclasses.replace(neutral, content_weight=crowson.content_weight) == crowson
    stronger = tradeoff.config_of("crowson", 10 * tradeoff.NEUTRAL, given)
    assert stronger.content_weight == pytest.approx(crowson.content_weight / 10)


def test_iterations_in_proportion(tradeoff):
    crowson = tradeoff.with_iterations(Config.preset("crowson"), 100)
    assert (crowson.iterations, crowson.finer_iterations) == (100, 50)
    assert tradeoff.with_iterations(Config.preset("crowson"), 1).finer_iterations == 1
    plain = tradeoff.with_iterations(Config(), 100)
    assert (plain.iterations, plain.finer_iterations) == (100, 0)


def test_a_small_run_and_its_figure(tmp_path):
    figure, table, folder = (tmp_path / name for name in ("f.png", "f.json", "pictures"))
    command = [
        sys.executable, SCRIPTS / "benchmark" / "tradeoff.py", PAIR, "--weights=preview",
        "--size=48", "--betas=3,300", "--seconds=0.2", f"--folder={folder}", f"--json={table}",
        f"--figure={figure}",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(figure) as drawn:
        assert drawn.size == (840, 600)
    curves = json.loads(table.read_text())["curves"]
    assert list(curves) == ["gram", "w2", "crowson"]
    for points in curves.values():
        assert [point["beta"] for point in points] == [3, 300]
        assert all(point["iterations"] >= 1 for point in points)
    assert len(list(folder.iterdir())) == 6
