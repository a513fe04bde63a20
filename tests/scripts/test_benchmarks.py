"""One small run of each tool that measures, on pictures too small to measure anything."""

import importlib.util
import json

import numpy as np
import pytest

import clips

REFERENCE = """\
import json, sys
from PIL import Image
flags = dict(word[2:].split("=", 1) for word in sys.argv[1:])
rows = [[n + 1, n + 0.5, 1e9 / (n + 1)] for n in range(int(flags["evaluations"]))]
json.dump(rows, open(flags["trace"], "w"))
Image.open(flags["content"]).resize((32, 18)).save(flags["output"])
"""
"""Stands for the PyTorch script: a second an evaluation."""


def test_evaluations_and_a_race(script, tmp_path, capsys, monkeypatch, unfrozen):
    benchmark = script("benchmark")
    monkeypatch.setattr(benchmark, "NEAR", float("inf"))
    (tmp_path / "torch.py").write_text(REFERENCE)
    figures, plot = tmp_path / "figures.json", tmp_path / "race.svg"
    given = [f"--reference={tmp_path / 'torch.py'}", "--race=32", "--style_weights=60"]
    given += ["--entrants=fast", "--inits=content", "--race_evaluations=3", f"--plot={plot}"]
    given += ["--weights=preview", "--sizes=48,32", "--repeats=2", "--matmul=64"]
    assert benchmark.main([*given, f"--json={figures}"]) == 0
    report = json.loads(figures.read_text("utf-8"))
    sizes = [(row["height"], row["width"]) for row in report["evaluations"]]
    assert sizes == [(32, 32), (32, 48)]  # 18 and 27 px high, in whole cells of 16
    for row in report["evaluations"]:
        assert 0 < row["best_seconds"] <= row["seconds"]
        assert row["share"] == pytest.approx(row["gflops"] / report["matmul_gflops"])
        assert row["reference_seconds"] == 1
    (heat,) = report["race"]
    assert heat["name"] == "content × style, 32, 60, content"
    assert len(heat["ours"]["fast"]) >= 1
    assert "| PyTorch: saved " in capsys.readouterr().out
    assert "</svg>" in plot.read_text()


def test_work_is_counted_from_the_shapes(script):
    """VGG19 up to block5_conv1 at 256×256: 94.7 GFLOP."""
    from artistyle_tf.vgg.weights import load

    layers = load("imagenet-8bit").layers
    assert script("benchmark").gflop(layers, (256, 256)) == pytest.approx(94.7, abs=0.1)


def test_clips(script, tmp_path, small_file, capsys, unfrozen, monkeypatch):
    video = script("video")
    still, table = [clips.texture(64, 96)] * 3, np.zeros((32, 32, 32))
    found = video.figures(still, still, table)
    assert (found["warp error"], found["drift of mean"], found["new"]) == (0, 0, 0)
    found = video.figures(clips.pan(4), clips.pan(4), table)
    assert found["warp error"] < 5
    assert found["new"] == pytest.approx(100 * (1 - 90 / 96 * 61 / 64), abs=2)
    assert found["texture there, of the first's"] == pytest.approx(1, abs=0.5)
    monkeypatch.setattr(video, "COUNT", 3)
    flags = ["--size=48", "--iterations=2", "--preset=fast", f"--weights={small_file}"]
    assert video.main([f"--keep={tmp_path}", "--clips=pan,walk", *flags]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found.keys() == {"pan", "walk"}
    assert all(one["seconds a frame"] > 0 for one in found.values())


def test_compiling_for_a_tpu(script, small_file, tmp_path, capsys):
    if importlib.util.find_spec("libtpu") is None:
        pytest.skip("the extra tpu-check is not installed")
    compiler, path = script("compile_for_tpu"), tmp_path / "figures.json"
    given = ["--size=32", f"--set=weights={small_file}", "--set=history=5", f"--json={path}"]
    given += ["--set=style_layers=block1_conv1", "--set=content_layers=block1_conv1"]
    assert compiler.main(given) == 0
    (level,) = json.loads(path.read_text())
    assert (level["size"], level["device"], level["fits"]) == ([32, 32], "TPU v5 lite", True)
    assert "32×32" in capsys.readouterr().out
    assert compiler.main(["--set=colour=red"]) == 2
    assert capsys.readouterr().err.startswith("compile_for_tpu.py: ")
