"""Tiles of one fixed shape: the whole picture's value and gradient, compiled by XLA and not."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.fixed import FixedTiledObjective
from artistyle_tf.objective.whole import Objective


def photo(height, width, seed):
    return to_network(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def check(config, weights, size, tile, *, compiled, dtype="float64", wide="float64", error=1e-9):
    whole = Objective(config, weights, dtype=dtype)
    fixed = FixedTiledObjective(config, weights, tile=tile, fixed=size, dtype=dtype, wide=wide)
    content, style = photo(*size, 1), photo(60, 45, 2)
    image = tf.constant(photo(*size, 9), dtype)
    goal, same = (one.targets(content, [style], [1.0]) for one in (whole, fixed))
    for one, other in zip(tf.nest.flatten(goal), tf.nest.flatten(same), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=error * np.abs(one).max() + 1e-30)
    value, gradient = whole.value_and_gradient(image, goal)
    compute = fixed.value_and_gradient
    if compiled:
        compute = tf.function(compute, jit_compile=True, autograph=False)
    found, slope = compute(image, same)
    assert float(found) == pytest.approx(float(value), rel=error)
    assert np.linalg.norm(slope - gradient) < 10 * error * np.linalg.norm(gradient)


@pytest.mark.parametrize(
    ("size", "tile", "compiled"),
    [
        ((224, 256), 64, False),  # windows within
        ((16, 304), 96, True),  # a strip
        ((48, 64), 128, False),  # one tile
    ],
)
def test_equals_the_whole(small_weights, size, tile, compiled):
    check(Config(palette_weight=0), small_weights, size, tile, compiled=compiled)


@pytest.mark.parametrize("padding", ["zeros", "replicate-first"])
def test_borders_are_the_pictures_own(small_weights, padding):
    check(Config(padding=padding, palette_weight=0), small_weights, (224, 208), 64, compiled=False)


def test_means_and_covariances(small_weights):
    config = Config(statistics="w2", tv_weight=1.0, palette_weight=0)
    check(config, small_weights, (224, 208), 64, compiled=False, error=1e-8)


def test_sums_in_float32_where_there_is_no_float64(small_weights):
    options = {"dtype": "float32", "wide": "float32", "error": 1e-4}
    check(Config(palette_weight=0), small_weights, (224, 208), 64, compiled=True, **options)


def test_a_window_sees_all_that_its_tile_sees(small_weights):
    fixed = FixedTiledObjective(Config(), small_weights, tile=64, fixed=(512, 640))
    assert fixed.window == (64 + 160, 64 + 160)
    assert len(fixed._all_cores) == 8 * 10


def test_whole_cells_only(small_weights):
    with pytest.raises(ValueError, match="multiples of 16"):
        FixedTiledObjective(Config(), small_weights, tile=64, fixed=(100, 96))
