"""The objective out of tiles equals the whole picture's: value, gradient, targets."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from artistyle_tf.config.config import Config
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.tiles import tile_cores
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.vgg19 import contexts
from artistyle_tf.vgg.weights import load
from conftest import make_weights

RNG = np.random.default_rng(0)
PLAIN = {"palette_weight": 0, "balance": 0}


def photo(height, width, seed):
    return to_network(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def both(config, weights, tile, dtype="float64"):
    return (
        Objective(config, weights, dtype=dtype),
        TiledObjective(config, weights, tile=tile, dtype=dtype),
    )


def compare(whole, tiled, size, value_error, gradient_error, styles=((60, 45),), shares=(1.0,)):
    content = photo(*size, 1)
    pictures = [photo(*one, index + 2) for index, one in enumerate(styles)]
    image = tf.constant(photo(*size, 9), whole.extractor.input.dtype)
    goal, same = (one.targets(content, pictures, list(shares)) for one in (whole, tiled))
    for one, other in zip(tf.nest.flatten(goal), tf.nest.flatten(same), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=0, atol=value_error * np.abs(one).max())
    value, gradient = whole.value_and_gradient(image, goal)
    found, slope = tiled.value_and_gradient(image, same)
    assert abs(float(found) / float(value) - 1) < value_error
    assert np.linalg.norm(slope - gradient) < gradient_error * np.linalg.norm(gradient)
    assert np.abs(slope - gradient).max() < 10 * gradient_error * np.abs(gradient).max()
    parts, others = whole.parts(image, goal), tiled.parts(image, same)
    for one, other in zip(tf.nest.flatten(parts), tf.nest.flatten(others), strict=True):
        assert float(other) == pytest.approx(float(one), rel=10 * value_error)


SIZES = [
    (96, 96),
    (131, 97),  # no whole cells
    (16, 200),  # a strip of one cell
    (203, 17),
    (40, 45),  # smaller than a tile
]


@pytest.mark.parametrize(
    ("formula", "pooling"),
    [("mean", "max"), ("mean", "avg"), ("paper", "avg"), ("neural-style", "max")],
)
def test_every_size_and_formula(small_weights, pooling, formula):
    config = Config(formula=formula, pooling=pooling, tv_weight=0.2, style_weight=70.0, **PLAIN)
    whole, tiled = both(config, small_weights, 48)
    for size in SIZES:
        compare(whole, tiled, size, 1e-12, 1e-11, ((60, 45), (33, 81)), (0.7, 0.3))


@pytest.mark.parametrize("padding", ["reflect", "replicate-first"])
def test_paddings(small_weights, padding):
    whole, tiled = both(Config(padding=padding, **PLAIN), small_weights, 48)
    for size in SIZES:
        compare(whole, tiled, size, 1e-12, 1e-11)


@functools.cache
def of_layers(style, content, tile):
    config = Config(style_layers={style: 1.0}, content_layers={content: 0.5}, **PLAIN)
    return both(config, make_weights(reference.random_weights()), tile)


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(16, 150), st.integers(16, 150)),
    layers=st.sampled_from(
        [
            ("block1_conv2", "block2_conv1", 16),
            ("block3_conv2", "block3_conv4", 32),
            ("block2_conv2", "block4_conv4", 16),
            ("block5_conv1", "block1_conv1", 80),
        ]
    ),
)
def test_any_size_and_layers(size, layers):
    compare(*of_layers(*layers), size, 1e-12, 1e-11)


def test_float32_is_within_the_promised_bounds():
    """With as many channels as real networks have; sums over few of them round less evenly."""
    whole, tiled = both(Config(**PLAIN), load("preview"), 128, "float32")
    compare(whole, tiled, (389, 517), 1e-6, 1e-5, ((300, 200),))


def test_bfloat16_convolutions_see_the_same_activations(small_weights):
    config, size = Config(**PLAIN), (96, 128)
    whole = Objective(config, small_weights, convolutions="bfloat16")
    tiled = TiledObjective(config, small_weights, tile=64, convolutions="bfloat16")
    content, style = photo(*size, 1), photo(80, 80, 2)
    image = tf.constant(photo(*size, 3), tf.float32)
    value, gradient = whole.value_and_gradient(image, whole.targets(content, [style], [1.0]))
    found, slope = tiled.value_and_gradient(image, tiled.targets(content, [style], [1.0]))
    assert float(found) == pytest.approx(float(value), rel=1e-3)
    # Gradients are rounded to eight bits at every layer, and halos are rounded by themselves.
    assert np.linalg.norm(slope - gradient) < 0.05 * np.linalg.norm(gradient)


def test_one_trace_serves_every_size(small_weights):
    objective = TiledObjective(Config(**PLAIN), small_weights, tile=32)
    for size in ((48, 48), (70, 90), (33, 65)):
        goal = objective.targets(photo(*size, 1), [photo(50, 40, 2)], [1.0])
        objective.value_and_gradient(tf.zeros([1, *size, 3]), goal)
    assert objective.value_and_gradient.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("tile", [16, 48, 256])
@pytest.mark.parametrize("size", [(16, 16), (17, 300), (255, 257), (1000, 31)])
def test_cores_cover_every_pixel_once(size, tile):
    seen = np.zeros(size, int)
    for top, left, bottom, right in tile_cores(size, tile).numpy():
        assert top % 16 == left % 16 == 0
        assert 0 < bottom - top <= tile + 15
        assert 0 < right - left <= tile + 15
        seen[top:bottom, left:right] += 1
    assert (seen == 1).all()


def test_contexts_are_the_receptive_fields(small_weights):
    """The gradient of one position of block5_conv1 reaches just as far as the contexts say."""
    objective = Objective(Config(pooling="avg"), small_weights, dtype="float64")
    image = tf.constant(RNG.normal(size=(1, 256, 256, 3)))
    reach = contexts("block5_conv1")[1]
    with tf.GradientTape() as tape:
        tape.watch(image)
        seen = objective._network(image)["block5_conv1"][0, 8, 8]  # pixels 128 to 143
        total = tf.reduce_sum(seen * tf.constant(RNG.normal(size=seen.shape)))
    touched = np.flatnonzero(np.abs(tape.gradient(total, image)).sum(axis=(0, 1, 3)))
    assert 128 - reach <= touched.min() <= 128 - reach + 2
    assert 143 + reach - 2 <= touched.max() <= 143 + reach


def test_a_tile_that_is_no_multiple_of_a_cell_is_refused(small_weights):
    with pytest.raises(ValueError, match="multiple of 16"):
        TiledObjective(Config(), small_weights, tile=40)
