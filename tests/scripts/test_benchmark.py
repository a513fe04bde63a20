"""scripts/benchmark/benchmark.py, on pictures too small to measure anything."""

import importlib
import json
import pathlib
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artistyle_tf.config.config import Config
from places import SAMPLES, SCRIPTS

SCRIPT = SCRIPTS / "benchmark" / "benchmark.py"
TINY = (
    "--weights=preview",
    "--sizes=48,32",
    "--repeats=2",
    "--matmul=64",
    "--run_size=32",
    "--evaluations=8",
)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    monkeypatch.delitem(sys.modules, "benchmark", raising=False)
    return importlib.import_module("benchmark")


def start(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_figures(tmp_path: pathlib.Path) -> None:
    done = start(*TINY, f"--json={tmp_path / 'figures.json'}")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert report["weights"] == {"kind": "preview", "name": "preview_vgg19.npz"}
    assert report["machine"]["cores"] >= 1
    assert report["matmul_gflops"] > 0
    setup = report["setup"]
    assert setup.keys() == {"import_seconds", "tracing_seconds", "first_evaluation_seconds"}
    assert all(seconds > 0 for seconds in setup.values())
    sizes = [(row["height"], row["width"]) for row in report["evaluations"]]
    assert sizes == [(32, 32), (32, 48)]  # 18 and 27 px high, in whole cells of 16
    for row in report["evaluations"]:
        assert 0 < row["best_seconds"] <= row["seconds"]
        assert row["gflops"] == pytest.approx(row["gflop"] / row["best_seconds"])
        assert row["share"] == pytest.approx(row["gflops"] / report["matmul_gflops"])
        assert row["objective_of_noise"] > 0
        assert 0 < row["peak_rss_mib"] <= report["peak_rss_mib"]
    runs = {row["name"]: row for row in report["runs"]}
    assert list(runs) == ["tfp", "lbfgs", "adam", "fast"]
    for row in runs.values():
        assert row["evaluations_per_iteration"] == row["evaluations"] / row["iterations"]
        assert 0 < row["objective"] < report["evaluations"][0]["objective_of_noise"]
        assert row["seconds"] > 0
    assert runs["tfp"]["evaluations_per_iteration"] > 1.5
    assert 8 <= runs["lbfgs"]["evaluations"] <= 20  # the callback ends it between iterations
    assert runs["fast"]["iterations"] == 8
    assert "race" not in report
    for shown in ("48×32", "tfp", "lbfgs", "adam", "fast", "peak memory"):
        assert shown in done.stdout


def test_work_is_counted_from_the_shapes(benchmark: ModuleType) -> None:
    """VGG19 up to block5_conv1 at 256×256: 94.7 GFLOP, added up by hand from its widths."""
    from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

    layers: dict[str, Any] = {}
    widths = {"block1": 64, "block2": 128, "block3": 256, "block4": 512, "block5": 512}
    before = 3
    for name in VGG19_LAYERS[: VGG19_LAYERS.index("block5_conv1") + 1]:
        width = widths[name.split("_")[0]]
        layers[name] = (Shape(9 * before * width), None)
        before = width
    by_hand = (
        (3 * 64 + 64 * 64) * 65536
        + (64 * 128 + 128 * 128) * 16384
        + (128 * 256 + 3 * 256 * 256) * 4096
        + (256 * 512 + 3 * 512 * 512) * 1024
        + 512 * 512 * 256
    )
    assert benchmark.gflop(layers, (256, 256)) == pytest.approx(4 * 9 * by_hand / 1e9)
    assert benchmark.gflop(layers, (256, 256)) == pytest.approx(94.7, abs=0.1)


class Shape:
    """Stands for a kernel: its number of values."""

    def __init__(self, size: int):
        self.size = size


REFERENCE = """\
import json, sys
flags = dict(word[2:].split("=", 1) for word in sys.argv[1:])
rows = [[n + 1, n + 0.5, 1e9 / (n + 1)] for n in range(int(flags["evaluations"]))]
with open(flags["trace"], "w") as file:
    json.dump(rows, file)
if "output" in flags:
    from PIL import Image
    Image.open(flags["content"]).resize((32, 24)).save(flags["output"])
print("a line of PyTorch's")
summary = {"flags": flags, "seconds": rows[-1][1], "evaluations": len(rows)}
print(json.dumps({**summary, "best_objective": rows[-1][2]}))
"""


@pytest.fixture
def script(tmp_path: pathlib.Path) -> pathlib.Path:
    """What stands for the PyTorch script: a second an evaluation."""
    path = tmp_path / "reference.py"
    path.write_text(REFERENCE)
    return path


def test_reference_is_asked_for_the_same_run(benchmark: ModuleType, script: pathlib.Path) -> None:
    arguments = benchmark.parse([f"--reference={script}", "--repeats=4", "--sizes=32,48"])
    case = benchmark.Case(arguments.content, arguments.style, 48, 60.0, "noise")
    got = benchmark.reference(arguments, "vgg19.h5", case, 2)
    assert got["trace"] == [[1, 0.5, 1e9], [2, 1.5, 5e8]]
    flags = got["flags"]
    assert {name: flags[name] for name in ("size", "evaluations", "init", "seed")} == {
        "size": "48",
        "evaluations": "2",
        "init": "noise",
        "seed": "0",
    }
    assert (float(flags["style_weight"]), float(flags["content_weight"])) == (60, 1)
    assert flags["weights"] == "vgg19.h5"
    assert flags["content"].endswith("content.jpg")
    assert benchmark.reference_evaluations(arguments, "vgg19.h5") == [1.0, 1.0]


@pytest.mark.parametrize(("goal", "reached"), [(1e8, True), (1e-3, False)])
def test_race_ends_at_the_goal(
    benchmark: ModuleType,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    goal: float,
    reached: bool,
) -> None:
    """On the preview weights; the score is the reference's objective, so ours but for pixels."""
    import benchmark_race

    for name in ("content", "style"):
        with Image.open(SAMPLES / f"{name}.jpg") as file:
            file.resize((64, 48)).save(tmp_path / f"{name}.png")
    pair = [str(tmp_path / f"{name}.png") for name in ("content", "style")]
    case = benchmark_race.Case(*pair, 64, 60.0, "content")
    plain = {"style_weight": 60.0, "balance": 0.0, "palette_weight": 0.0}
    config = Config.preset("fast", weights="preview", size=64, iterations=12, **plain)
    scored = []
    score = benchmark_race.scorer(case, config)

    def watched(image: Any) -> float:
        scored.append(score(image))
        return scored[-1]

    monkeypatch.setattr(benchmark_race, "NEAR", float("inf"))
    run = benchmark_race.ours(case, config, goal, watched)
    assert run["score"] == scored[-1]
    assert len(run["trace"]) == len(scored)
    if reached:
        assert scored[-1] == min(scored)
        assert run["score"] <= goal < (scored[-2] if len(scored) > 1 else float("inf"))
        assert run["reached"] == run["seconds"] > 0
    else:
        assert run["reached"] is None
        assert len(scored) == 12
    # Both are whole cells: the very same objective, but for bfloat16.
    assert run["score"] == pytest.approx(run["trace"][-1][2], rel=0.1)


@pytest.mark.slow
def test_race_tables_and_plot(
    benchmark: ModuleType,
    script: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import benchmark_race

    words = [f"--reference={script}", "--race=32", "--style_weights=60", "--rounds=2"]
    words += ["--entrants=fast,float32", "--inits=content"]
    arguments = benchmark.parse([*words, "--race_evaluations=3"])
    monkeypatch.setattr(benchmark_race, "NEAR", float("inf"))
    heats = benchmark_race.race(arguments, "preview")
    shown = capsys.readouterr().out
    goal = heats[0]["rounds"][0]["goal"]
    assert f"| {heats[0]['name']} | PyTorch: saved {goal:.4g} | 2.5 | 3 | 1 | |" in shown
    for name in ("fast", "float32"):
        assert f"| content × style, 32 px, 60, content | {name} | " in shown
    assert " to " in shown  # the range of two rounds
    pytest.importorskip("matplotlib")
    benchmark_race.plot(heats, tmp_path / "race.svg")
    assert "</svg>" in (tmp_path / "race.svg").read_text()


def test_mistakes(benchmark: ModuleType, tmp_path: pathlib.Path) -> None:
    from artistyle_tf.errors import ArtistyleError

    for wrong in (
        "--sizes=big",
        "--repeats=0",
        "--rounds=0",
        "--race=256",
        "--pair=a",
        "--inits=grey",
    ):
        with pytest.raises(SystemExit) as caught:
            benchmark.parse([wrong])
        assert caught.value.code == 2
    arguments = benchmark.parse([f"--reference={tmp_path / 'absent.py'}"])
    case = benchmark.Case("a.jpg", "b.jpg", 48, 60.0, "noise")
    with pytest.raises(ArtistyleError, match=r"the reference did not run: .*absent"):
        benchmark.reference(arguments, "vgg19.h5", case, 2)


def test_the_reference_gets_the_weights_in_keras_layout(
    benchmark: ModuleType, tmp_path: pathlib.Path
) -> None:
    from artistyle_tf.vgg.weights import load

    ours = load("preview", "block2_conv1")
    again = load(benchmark.h5_file(ours, tmp_path), "block2_conv1")
    for name, pair in ours.layers.items():
        for array, other in zip(pair, again.layers[name], strict=True):
            np.testing.assert_array_equal(array, other)


@pytest.mark.slow
def test_a_missing_picture_is_one_line(tmp_path: pathlib.Path) -> None:
    done = start(*TINY, "--content=absent.jpg")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "benchmark.py: absent.jpg does not exist"
