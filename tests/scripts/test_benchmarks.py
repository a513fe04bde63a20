"""One small run of each tool that measures, on pictures too small to measure anything."""

import importlib.util
import json

import pytest

import clips
from artistyle_tf import Config
from artistyle_tf.vgg.weights import load
from places import SAMPLES

REFERENCE = """\
import json, sys
from PIL import Image
flags = dict(word[2:].split("=", 1) for word in sys.argv[1:])
rows = [[n + 1, n + 0.5, 1e9 / (n + 1)] for n in range(int(flags["evaluations"]))]
json.dump(rows, open(flags["trace"], "w"))
Image.open(flags["content"]).resize((32, 18)).save(flags["output"])
"""
"""Stands for the PyTorch script: a second an evaluation."""


def test_evaluations_and_a_race(script, tmp_path, capsys, unfrozen):
    benchmark = script("benchmark")
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
    (heat,) = report["race"]
    assert heat["name"] == "content × style, 32, 60, content"
    evaluations, seconds, _, score = heat["ours"]["fast"][-1]
    assert evaluations >= 1
    assert seconds > 0
    assert score <= heat["goal"]
    assert "| PyTorch: saved " in capsys.readouterr().out
    assert "</svg>" in plot.read_text()


def test_the_reference_in_pytorch_minimises_the_objective_that_scores_it(script, tmp_path):
    pytest.importorskip("torch", reason="no PyTorch, which nothing but the race needs")
    benchmark = script("benchmark")
    weights, asked = load("preview"), benchmark.parse([])
    case = benchmark.Case(asked.content, asked.style, 64, 60.0, "content")
    file = benchmark.h5_file(weights, str(tmp_path))
    trace, saved = benchmark.reference(asked, file, case, 11)
    shared = {"weights": file, "style_weight": 60.0, "gamut_weight": 0.0, **benchmark.PLAIN}
    score = benchmark.scorer(case, Config(**shared))
    assert [row[0] for row in trace] == list(range(1, 12))
    assert trace[-1][2] < trace[0][2]
    assert trace[10][3] == pytest.approx(score(saved), rel=1e-3)


def test_clips(script, tmp_path, small_file, capsys, unfrozen):
    video = script("video")
    clips.write(tmp_path / "clip.mp4", clips.pan(2, (48, 64)))
    flags = ["--size=48", "--iterations=2", "--preset=fast", f"--weights={small_file}"]
    flags += [f"--content={tmp_path}/clip.mp4", f"--style={SAMPLES}/style.jpg"]
    assert video.main(flags) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found.keys() == {"tied", "frame by frame"}
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
