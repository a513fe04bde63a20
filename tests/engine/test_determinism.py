"""The same command gives the same bytes."""

from commands import run_program

PROMISED = """
import sys
import numpy as np
import tensorflow as tf

tf.config.experimental.enable_op_determinism()
from artistyle_tf import Config, Painter

rng = np.random.default_rng(0)
photo, painting = (rng.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(2))
ways = [dict(optimizer=name) for name in ("tfp", "averaged")]
tiles = dict(statistics="w2", tile_size=32, size=64, precision="bfloat16", tv_weight=1)
ways += [dict(optimizer="lbfgs", **tiles)]
for way in ways:
    layers = {"style_layers": {"block2_conv1": 1}, "content_layers": {"block2_conv1": 1}}
    settings = {"size": 32, "iterations": 3, "precision": "float32", **layers, **way}
    painter = Painter(Config(weights=sys.argv[1], **settings))
    one, two = (painter(photo, painting).unclipped for _ in range(2))
    assert np.array_equal(one, two), way
print("twice the same")
"""


def test_the_promise_can_be_asked_for_in_python_with_every_optimizer(small_file):
    """`enable_op_determinism` makes operations raise that can't keep it: none of ours does."""
    assert run_program(PROMISED, small_file) == "twice the same\n"
