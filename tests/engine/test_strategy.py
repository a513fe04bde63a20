"""Tiles spread over devices: logical CPUs in one process, and two workers over loopback."""

import concurrent.futures
import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config, ConfigError, stylize
from artistyle_tf.cli.devices import check_strategy, is_chief, make_strategy
from commands import HANGING, children, run_program

MIRRORED = """
import sys
import numpy as np
import tensorflow as tf

devices = [tf.config.LogicalDeviceConfiguration()] * 4
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
from artistyle_tf import Config, stylize
from artistyle_tf.cli.devices import make_strategy
from artistyle_tf.objective.targets import layer_guides
from artistyle_tf.objective.targets import Guides
from artistyle_tf.objective.whole import Objective
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.vgg.weights import load

four = make_strategy("mirrored")
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert (two.num_replicas_in_sync, four.num_replicas_in_sync) == (2, 4)
rng = np.random.default_rng(0)
content, style, image = (rng.normal(size=(1, *size, 3)) * 50 for size in
                         ((75, 53), (40, 50), (75, 53)))
config = Config(tv_weight=0.1, palette_weight=0, content_layers={"block2_conv1": 1},
                style_layers={"block1_conv1": 1, "block3_conv1": 1})
weights = load(sys.argv[1], config.layers[-1])
layers = list(config.layer_weights("style"))
masks = [rng.integers(0, 256, size, np.uint8) for size in ((75, 53), (40, 50))]
inside, there = (
    {name: one[None, ..., None] for name, one in layer_guides(mask, layers).items()}
    for mask in masks
)
guided = Guides(inside, [there], [0.5])
for strategy, regions, guides in ((four, 0, None), (two, 1, guided)):
    found = []
    kinds = dict(dtype="float64", regions=regions)
    for objective in (
        Objective(config, weights, **kinds),
        TiledObjective(config, weights, tile=32, strategy=strategy, **kinds),
    ):
        statistics = objective.statistics(style, guides and there)
        targets = objective.targets(content, [statistics], [1.0], guides)
        value, gradient = objective.value_and_gradient(tf.constant(image), targets)
        parts = float(objective.parts(image, targets).value)
        found.append((float(value), gradient.numpy(), parts))
    (value, gradient, parts), *spread = found
    for other, slope, others in spread:
        assert abs(other / value - 1) < 1e-12 and abs(others / parts - 1) < 1e-12
        assert np.linalg.norm(slope - gradient) < 1e-11 * np.linalg.norm(gradient)

photo, painting = (rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(2))
config = Config.preset("fast", size=128, iterations=2, levels=2, precision="float32",
                       weights=sys.argv[1])
alone, spread = (stylize(photo, painting, config, strategy=one) for one in (None, two))
tiles = [plan["tile"] for plan in spread.record["plans"]]
assert all(tiles), tiles
ratio = spread.trace[-1][2] / alone.trace[-1][2]
assert abs(ratio - 1) < 1e-3, ratio
print("as one device")
"""


def test_two_and_four_replicas_equal_one_device(small_file):
    assert run_program(MIRRORED, small_file).endswith("as one device\n")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ends(processes):
    """What each printed; when one fails, the others, which would wait for it, are killed."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        told = {pool.submit(one.communicate, timeout=HANGING): one for one in processes}
        for future in concurrent.futures.as_completed(told):
            if told[future].returncode != 0:
                for process in processes:
                    process.kill()
    return [future.result() for future in told]


def test_two_workers_paint_one_picture(small_file, tmp_path):
    """The command itself, in two processes that TF_CONFIG tells of each other."""
    rng = np.random.default_rng(1)
    for name in ("photo.png", "painting.png"):
        Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(tmp_path / name)
    flags = [
        f"--content={tmp_path}/photo.png",
        f"--style={tmp_path}/painting.png",
        f"--weights={small_file}",
        "--size=128",
        "--iterations=4",
        "--levels=2",
        "--optimizer=lbfgs",
        "--precision=float32",
    ]
    command = [sys.executable, "-m", "artistyle_tf", *flags]
    workers = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    processes = []
    with children() as start:
        for index in range(2):
            told = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            processes.append(
                start(
                    [*command, "--strategy=multiworker", f"--output={tmp_path}/out-{index}.png"],
                    env={**os.environ, "TF_CONFIG": json.dumps(told)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        told = ends(processes)
    assert [process.returncode for process in processes] == [0, 0], told
    assert "out-0.png: 128×96 px" in told[0][0]
    assert told[1][0] == ""
    assert not (tmp_path / "out-1.png").exists()
    config = Config(
        size=128, iterations=4, levels=2, optimizer="lbfgs", precision="float32",
        weights=str(small_file),
    )  # fmt: skip
    one = stylize(tmp_path / "photo.png", tmp_path / "painting.png", config).image
    with Image.open(tmp_path / "out-0.png") as two:
        assert np.abs(np.subtract(one, two, dtype=float)).mean() < 0.1


def test_names(monkeypatch):
    check_strategy("mirrored")
    assert make_strategy(None) is None
    assert is_chief(None)
    check_strategy("tpu")
    for name in ("", "gpu", "Mirrored"):
        with pytest.raises(ConfigError, match="must be one of mirrored, multiworker, tpu"):
            check_strategy(name)
    for told in ("", "{}", "[]", "no json", '{"cluster": {"worker": []}, "task": {"type": "x"}}'):
        monkeypatch.setenv("TF_CONFIG", told)
        with pytest.raises(ConfigError, match="needs the variable TF_CONFIG"):
            check_strategy("multiworker")
    cluster = {"chief": ["a:1"], "worker": ["b:1"]}
    for kind, chief in (("chief", True), ("worker", False)):
        told = {"cluster": cluster, "task": {"type": kind, "index": 0}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(told))
        check_strategy("multiworker")
        assert is_chief("multiworker") == chief
