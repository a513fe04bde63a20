"""One small run of each tool that measures, on pictures too small to measure anything."""

import importlib.util
import json

import numpy as np
import pytest

import artistyle_tf
import clips
from artistyle_tf import Config
from artistyle_tf.vgg.weights import load

REFERENCE = """\
import json, sys
from PIL import Image
flags = dict(word[2:].split("=", 1) for word in sys.argv[1:])
rows = [[n + 1, n + 0.5, 1e9 / (n + 1)] for n in range(int(flags["evaluations"]))]
json.dump(rows, open(flags["trace"], "w"))
Image.open(flags["content"]).resize((32, 18)).save(flags["output"])
"""
"""Stands for the PyTorch script: a second an evaluation."""


def test_a_race(script, tmp_path, capsys, unfrozen):
    benchmark = script("benchmark")
    (tmp_path / "torch.py").write_text(REFERENCE)
    figures, plot = tmp_path / "figures.json", tmp_path / "race.svg"
    given = [f"--reference={tmp_path / 'torch.py'}", "--race=32", "--style_weights=60"]
    given += ["--entrants=fast", "--inits=content", "--race_evaluations=3", f"--plot={plot}"]
    assert benchmark.main([*given, "--weights=preview", f"--json={figures}"]) == 0
    (heat,) = json.loads(figures.read_text("utf-8"))
    assert heat["name"] == "content × style, 32, 60, content"
    evaluations, seconds, _, score = heat["ours"]["fast"][-1]
    assert evaluations >= 1
    assert seconds > 0
    assert score <= heat["goal"]
    assert "| PyTorch: saved " in capsys.readouterr().out
    assert "</svg>" in plot.read_text()


@pytest.mark.slow
def test_a_device_is_checked_and_what_fails_is_written_down(script, tmp_path, monkeypatch):
    check = script("device_check")
    monkeypatch.setattr(check, "RUNS", [("float32", "off", 1), ("float32", "off", 99)])
    given = ["--sizes=32", "--iterations=3", "--weights=preview"]
    assert check.main([*given, f"--output={tmp_path / 'found'}"]) == 1
    shell, machine, gradients, picture, evaluations, (run, failed) = json.loads(
        (tmp_path / "found.json").read_text("utf-8")
    ).values()
    assert shell[0]["status"] == 0, shell
    assert machine[0]["artistyle_tf"] == artistyle_tf.__version__
    assert [row.get("passed") for row in gradients] == [True, None, None]
    assert picture[0]["passed"]
    assert [row["precision"] for row in evaluations] == ["float32", "TF32", "bfloat16"]
    assert all(row["s"] > 0 for row in [*evaluations, run])
    assert failed["error"].startswith("ConfigError: steps_per_execution")
    assert "| 32 | bfloat16 |" in (tmp_path / "found.md").read_text("utf-8")


def test_the_reference_in_pytorch_minimises_the_objective_that_scores_it(script, tmp_path):
    pytest.importorskip("torch", reason="no PyTorch, which nothing but the race needs")
    benchmark = script("benchmark")
    weights, asked = load("preview"), benchmark.parse([])
    case = benchmark.Case(*asked.pairs[0], 64, 60.0, "content")
    file = benchmark.h5_file(weights, str(tmp_path))
    trace, saved = benchmark.reference(asked, file, case, 11)
    shared = {"weights": file, "style_weight": 60.0, "gamut_weight": 0.0, **benchmark.PLAIN}
    score = benchmark.scorer(case, Config(**shared))
    assert [row[0] for row in trace] == list(range(1, 12))
    assert trace[-1][2] < trace[0][2]
    assert trace[10][3] == pytest.approx(score(saved), rel=1e-3)


def test_videos(script, tmp_path, small_file, capsys, unfrozen, monkeypatch):
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
    assert video.main([f"--keep={tmp_path}", "--videos=pan,walk", *flags]) == 0
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
