"""The objective out of tiles equals the whole picture's: value, gradient, targets."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from artistyle_tf.config.config import Config
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.static_tiles import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective, tile_cores
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import load

PLAIN = {"palette_weight": 0, "balance": 0}
SHALLOW = Config(
    style_layers={"block1_conv1": 1, "block3_conv1": 1}, content_layers={"block3_conv2": 1}, **PLAIN
)
"""Quickly traced."""


def photo(height, width, seed):
    return to_network(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def both(config, weights, tile, dtype="float64", **options):
    kind = FixedTiledObjective if "fixed" in options else TiledObjective
    tiled = kind(config, weights, tile=tile, dtype=dtype, **options)
    return Objective(config, weights, dtype=dtype), tiled


def compare(
    whole, tiled, size, value_error, gradient_error, styles=((60, 45),), shares=(1.0,),
    compiled=False,
):  # fmt: skip
    content = photo(*size, 1)
    pictures = [photo(*one, index + 2) for index, one in enumerate(styles)]
    image = tf.constant(photo(*size, 9), whole.extractor.input.dtype)
    goal, same = (
        one.targets(content, list(map(one.statistics, pictures)), list(shares))
        for one in (whole, tiled)
    )
    for one, other in zip(tf.nest.flatten(goal), tf.nest.flatten(same), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=0, atol=value_error * np.abs(one).max())
    value, gradient = whole.value_and_gradient(image, goal)
    compute = tiled.value_and_gradient
    found, slope = (tf.function(compute, jit_compile=True) if compiled else compute)(image, same)
    assert abs(float(found) / float(value) - 1) < value_error
    assert np.linalg.norm(slope - gradient) < gradient_error * np.linalg.norm(gradient)
    assert np.abs(slope - gradient).max() < 10 * gradient_error * np.abs(gradient).max()
    parts, others = whole.parts(image, goal), tiled.parts(image, same)
    for one, other in zip(tf.nest.flatten(parts), tf.nest.flatten(others), strict=True):
        assert float(other) == pytest.approx(float(one), rel=10 * value_error)


SIZES = [
    (16, 200),  # a strip of one cell, longer than the contexts
    (37, 53),  # no whole cells
]


@pytest.mark.parametrize(
    "config",
    [
        Config(padding="reflect", tv_weight=0.2, style_weight=70.0, **PLAIN),
        dataclasses.replace(SHALLOW, formula="paper", pooling="avg", padding="zeros"),
    ],
)
def test_deep_layers_formulas_and_paddings(small_weights, config):
    whole, tiled = both(config, small_weights, 32)
    for size in SIZES:
        compare(whole, tiled, size, 1e-12, 1e-11, ((60, 45), (33, 81)), (0.7, 0.3))
    assert tiled.value_and_gradient.experimental_get_tracing_count() == 1


@pytest.fixture(scope="module")
def shallow(small_weights):
    return both(SHALLOW, small_weights, 32)


@settings(max_examples=8)
@given(size=st.tuples(st.integers(16, 110), st.integers(16, 110)))
def test_any_size(shallow, size):
    compare(*shallow, size, 1e-12, 1e-11)


def test_float32_is_within_the_promised_bounds():
    """With as many channels as real networks have; sums over few of them round less evenly."""
    whole, tiled = both(SHALLOW, load("preview"), 64, "float32")
    compare(whole, tiled, (133, 197), 1e-6, 1e-5)


def test_bfloat16_convolutions_see_the_same_activations(small_weights):
    size = (64, 80)
    whole = Objective(SHALLOW, small_weights, convolutions="bfloat16")
    tiled = TiledObjective(SHALLOW, small_weights, tile=32, convolutions="bfloat16")
    content, style = photo(*size, 1), photo(48, 48, 2)
    image = tf.constant(photo(*size, 3), tf.float32)
    (value, gradient), (found, slope) = (
        one.value_and_gradient(image, one.targets(content, [one.statistics(style)], [1.0]))
        for one in (whole, tiled)
    )
    assert float(found) == pytest.approx(float(value), rel=1e-3)
    # Gradients are rounded to eight bits at every layer, and halos are rounded by themselves.
    assert np.linalg.norm(slope - gradient) < 0.05 * np.linalg.norm(gradient)


def test_cores_cover_every_pixel_once():
    for size in ((16, 16), (17, 300), (255, 257), (1000, 31)):
        for tile in (16, 48, 256):
            seen = np.zeros(size, int)
            for top, left, bottom, right in tile_cores(size, tile).numpy():
                assert top % 16 == left % 16 == 0
                assert 0 < bottom - top <= tile + 15
                assert 0 < right - left <= tile + 15
                seen[top:bottom, left:right] += 1
            assert (seen == 1).all()


# Of one fixed shape, as XLA needs


def test_fixed_tiles_with_windows_inside_the_picture(small_weights):
    config = dataclasses.replace(
        SHALLOW, statistics="w2", padding="replicate-first", formula="crowson", tv_weight=1.0
    )
    size = (64, 80)
    whole, fixed = both(config, small_weights, 16, fixed=size)
    assert fixed.window == (16 + 32, 16 + 32)
    compare(whole, fixed, size, 1e-8, 1e-8)


def test_fixed_tiles_compiled(small_weights):
    """With sums in float32, where there is no float64."""
    whole, fixed = both(SHALLOW, small_weights, 32, "float32", fixed=(64, 80), wide="float32")
    compare(whole, fixed, (64, 80), 1e-4, 1e-3, compiled=True)


def test_tiles_of_no_whole_cells_are_refused(small_weights):
    with pytest.raises(ValueError, match="multiple of 16"):
        TiledObjective(Config(), small_weights, tile=40)
    with pytest.raises(ValueError, match="multiples of 16"):
        FixedTiledObjective(Config(), small_weights, tile=64, fixed=(100, 96))
