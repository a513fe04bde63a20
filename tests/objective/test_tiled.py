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
from artistyle_tf.objective.static_tiles import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective, tile_cores
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.vgg19 import contexts
from artistyle_tf.vgg.weights import load
from conftest import make_weights

RNG = np.random.default_rng(0)
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
    goal, same = (one.targets(content, pictures, list(shares)) for one in (whole, tiled))
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
    (131, 97),  # no whole cells
    (16, 200),  # a strip of one cell
    (40, 45),  # smaller than a tile
]


@pytest.mark.parametrize(
    ("formula", "pooling", "padding"),
    [("mean", "max", "reflect"), ("paper", "avg", "zeros"), ("crowson", "max", "replicate-first")],
)
def test_every_size_formula_and_padding(small_weights, formula, pooling, padding):
    config = Config(
        formula=formula, pooling=pooling, padding=padding, tv_weight=0.2, style_weight=70.0, **PLAIN
    )
    whole, tiled = both(config, small_weights, 48)
    for size in SIZES:
        compare(whole, tiled, size, 1e-12, 1e-11, ((60, 45), (33, 81)), (0.7, 0.3))
    assert tiled.value_and_gradient.experimental_get_tracing_count() == 1


@functools.cache
def of_layers(style, content, tile):
    config = Config(style_layers={style: 1.0}, content_layers={content: 0.5}, **PLAIN)
    return both(config, make_weights(reference.random_weights()), tile)


@settings(max_examples=12)
@given(
    size=st.tuples(st.integers(16, 150), st.integers(16, 150)),
    layers=st.sampled_from(
        [("block3_conv2", "block3_conv4", 32), ("block2_conv2", "block4_conv4", 16)]
    ),
)
def test_any_size_and_layers(size, layers):
    compare(*of_layers(*layers), size, 1e-12, 1e-11)


def test_float32_is_within_the_promised_bounds():
    """With as many channels as real networks have; sums over few of them round less evenly."""
    whole, tiled = both(Config(**PLAIN), load("preview"), 128, "float32")
    compare(whole, tiled, (261, 389), 1e-6, 1e-5, ((300, 200),))


def test_bfloat16_convolutions_see_the_same_activations(small_weights):
    size = (96, 128)
    whole = Objective(SHALLOW, small_weights, convolutions="bfloat16")
    tiled = TiledObjective(SHALLOW, small_weights, tile=64, convolutions="bfloat16")
    content, style = photo(*size, 1), photo(80, 80, 2)
    image = tf.constant(photo(*size, 3), tf.float32)
    value, gradient = whole.value_and_gradient(image, whole.targets(content, [style], [1.0]))
    found, slope = tiled.value_and_gradient(image, tiled.targets(content, [style], [1.0]))
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


# Of one fixed shape, as XLA needs


def test_fixed_tiles_with_windows_inside_the_picture(small_weights):
    config = Config(statistics="w2", padding="replicate-first", tv_weight=1.0, **PLAIN)
    whole, fixed = both(config, small_weights, 64, fixed=(224, 208))
    assert fixed.window == (64 + 160, 64 + 144)
    compare(whole, fixed, (224, 208), 1e-8, 1e-8)


@pytest.mark.parametrize(
    ("dtype", "size", "value_error", "gradient_error"),
    [("float64", (16, 304), 1e-9, 1e-8), ("float32", (112, 128), 1e-4, 1e-3)],
)
def test_fixed_tiles_compiled(small_weights, dtype, size, value_error, gradient_error):
    """A strip; and sums in float32, where there is no float64."""
    config = SHALLOW if dtype == "float32" else Config(**PLAIN)
    whole, fixed = both(config, small_weights, 48, dtype, fixed=size, wide=dtype)
    compare(whole, fixed, size, value_error, gradient_error, compiled=True)


def test_tiles_of_no_whole_cells_are_refused(small_weights):
    with pytest.raises(ValueError, match="multiple of 16"):
        TiledObjective(Config(), small_weights, tile=40)
    with pytest.raises(ValueError, match="multiples of 16"):
        FixedTiledObjective(Config(), small_weights, tile=64, fixed=(100, 96))
