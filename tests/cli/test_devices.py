"""Where a run computes, on a machine that is told to have two CPUs; and the same under XLA."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf import ConfigError
from artistyle_tf.cli.devices import check_device, check_memory, on_device
from artistyle_tf.config.config import Config
from artistyle_tf.engine.export import build_objective
from artistyle_tf.images.network_scale import to_network
from commands import run_program

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
from artistyle_tf import Config, stylize
from artistyle_tf.cli.devices import on_device

cpus = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpus[0], two)
picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
config = Config(size=16, iterations=1, weights=sys.argv[1], optimizer="lbfgs",
                style_layers={"block1_conv1": 1}, content_layers={"block1_conv2": 1})
from artistyle_tf.optimizers import LBFGS
used = set()
advance = LBFGS.advance
def watch(self, *arguments, **named):
    state = advance(self, *arguments, **named)
    used.update(one.device.split("device:")[-1] for one in (state.position, state.gradient))
    return state
LBFGS.advance = watch
with on_device("cpu:1"):
    stylize(picture, picture[::-1], config)
assert used == {"CPU:1"}, used
print("as asked")
"""


def test_names():
    for name in ("gpu:1", "GPU:1", "/gpu:1", "/device:GPU:1"):
        assert check_device(name) == ("GPU", 1)
    assert check_device("tpu") == ("TPU", 0)
    for name in ("", "gpu:", "gpu:x", "cuda:0", "gpu 0", "/job:worker/gpu:0", "gpu\n"):
        with pytest.raises(ConfigError, match="must be like cpu, gpu, gpu:1 or tpu"):
            check_device(name)


def test_a_device_that_is_not_there_is_refused():
    with (
        pytest.raises(ConfigError, match=r"no device GPU:7; TensorFlow sees CPU:0"),
        on_device("gpu:7"),
    ):
        pass


@pytest.mark.parametrize("weights", ["auto", "small.npz"])
def test_more_than_the_memory_holds_is_refused_at_once(weights):
    config = Config(size=20_000, memory="8GB", weights=weights)
    said = r"^--size=20000: 20000×11250 px would take about \d+\.\d GB .*; --size=\d{4} may fit$"
    with pytest.raises(ConfigError, match=said):
        check_memory(config, (11250, 20_000), "cpu", None)
    check_memory(config, (562, 1000), "cpu", None)
    check_memory(config, (11250, 20_000), "gpu", None)  # only TensorFlow knows its memory


def test_a_run_computes_where_it_is_told(small_file):
    assert run_program(PROGRAM, small_file) == "as asked\n"


def test_the_same_objective_compiled_by_xla(small_file, picture):
    config = Config(
        size=48,
        weights=str(small_file),
        tv_weight=0.2,
        style_layers={"block1_conv1": 1, "block2_conv1": 1},
        content_layers={"block2_conv1": 1},
    )
    bound = build_objective(picture(48, 48), picture(32, 48, 1), config)
    image = tf.constant(to_network(picture(48, 48, 2)))
    compiled = tf.function(bound, jit_compile=True, autograph=False)
    (value, gradient), (expected, slope) = compiled(image), bound(image)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert np.linalg.norm(gradient - slope) < 1e-4 * np.linalg.norm(slope)
