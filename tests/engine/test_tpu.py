"""TPUs, by stand-ins: how one is found, planned for, and given tiles. None was at hand.

What is compiled for them is in tests/engine/test_lowering.py and tests/scripts/test_scripts.py.
"""

import contextlib
import types

import pytest
import tensorflow as tf

from artistyle_tf import Config, ConfigError
from artistyle_tf.cli.devices import connect_to_tpu, make_strategy, on_device
from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.engine.solvers import Solvers, is_compiled, room
from artistyle_tf.vgg.precision import compiling_for, device_kind, on_host
from commands import run_program

RESOLVER = tf.distribute.cluster_resolver.TPUClusterResolver

REPLICAS = """
import sys
import numpy as np
import tensorflow as tf

devices = [tf.config.LogicalDeviceConfiguration()] * 3
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
from artistyle_tf import Config
from artistyle_tf.vgg.weights import load
from artistyle_tf.objective.static_tiles import FixedTiledObjective
from artistyle_tf.objective.whole import Objective

three = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"])
rng = np.random.default_rng(0)
size = 64, 112
content, style, image = (rng.normal(size=(1, *sides, 3)) * 50 for sides in (size, (40, 50), size))
config = Config(style_layers={"block1_conv1": 1, "block2_conv1": 1},
                content_layers={"block2_conv1": 1}, palette_weight=0)
weights = load(sys.argv[1], config.layers[-1])
found = []
for objective in (
    Objective(config, weights, dtype="float64"),
    FixedTiledObjective(config, weights, tile=32, fixed=size, strategy=three, dtype="float64"),
):
    targets = objective.targets(content, [objective.statistics(style)], [1.0])
    found.append(objective.value_and_gradient(tf.constant(image), targets))
assert len(objective._all_cores) == 9, len(objective._all_cores)  # 2 x 4, and one empty
(value, gradient), (other, slope) = found
np.testing.assert_allclose(other, value, rtol=1e-9)
np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-9 * np.abs(gradient).max())
print("equal")
"""


def test_none_here_is_one_line():
    for begin in (lambda: make_strategy("tpu"), connect_to_tpu):
        with pytest.raises(ConfigError, match="no TPU that TensorFlow can use: ") as caught:
            begin()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 200


def test_a_run_is_placed_on_the_core_by_its_full_name(monkeypatch):
    """Remote TPUs are devices of a worker, which a short name would not find."""
    monkeypatch.setattr(RESOLVER, "connect", lambda _: None)
    names = [f"/job:worker/replica:0/task:0/device:TPU:{n}" for n in range(2)]
    devices = [types.SimpleNamespace(name=name) for name in names]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: devices)
    placed = []
    monkeypatch.setattr(tf, "device", lambda name: placed.append(name) or contextlib.nullcontext())
    with on_device("tpu:1"):
        assert placed == [names[1]]
    with pytest.raises(ConfigError, match="no device TPU:5; TensorFlow sees TPU:0, TPU:1"):
        on_device("tpu:5").__enter__()


def test_what_a_tpu_gets(small_weights, monkeypatch):
    config = Config(optimizer="lbfgs", history=5)
    assert is_compiled(config, "TPU")
    assert not is_compiled(Config(jit_compile="off"), "TPU")
    level = Level((32, 48), 3, Plan(32, 5, 0))
    solvers = Solvers(config, small_weights)
    with compiling_for("TPU"):
        solver = solvers.of(level, "bfloat16")
        other = solvers.of(level._replace(size=(48, 48)), "bfloat16")
        assert solvers.dtype() == "bfloat16"
    assert room(config, "TPU").free == 8 * 2**30
    assert room(Config(memory="30GB"), "TPU") == (30 * 10**9, 0, True)
    assert room(config, "GPU").free is None
    assert solver is not other  # every size is compiled for itself
    assert solver.at_once
    assert solver.objective.size == (32, 48)
    assert solver.objective.wide == "float32"
    state = solver.minimizer.start(tf.zeros([32 * 48 * 3]))
    assert all(one.dtype != tf.float64 for one in tf.nest.flatten(state))


def test_what_the_host_computes():
    with on_host("TPU"):
        assert "CPU:0" in (tf.zeros([1]) + 1).device
    assert device_kind() == "CPU"
    with compiling_for("TPU"):
        assert device_kind() == "TPU"


def test_kind_of_a_strategy():
    assert device_kind(tf.distribute.MirroredStrategy(["CPU:0"])) == "CPU"
    cores = types.SimpleNamespace(worker_devices=("/job:localhost/device:TPU:0",))
    assert device_kind(types.SimpleNamespace(extended=cores)) == "TPU"


def test_cores_share_tiles_of_one_shape(small_file):
    """Three logical CPUs in place of three cores: eight tiles and an empty one."""
    assert run_program(REPLICAS, small_file) == "equal\n"
