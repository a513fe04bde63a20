"""Losses against numbers written by hand, in every mode of execution."""

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.objective import losses

MODES = {
    "eager": lambda f: f,
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}
FEATURES = np.array([[[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[0, 1], [1, 0]]]])  # H 3, W 2, N 2


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


def test_gram_by_hand(mode):
    # Σ f fᵀ: 1+9+25+49+0+1, 2+12+30+56+0+0, 4+16+36+64+1+0
    expected = np.array([[[85, 100], [100, 121]]])
    features = FEATURES.astype(np.float32)
    assert mode(losses.gram_sum)(features).numpy() == pytest.approx(expected)
    matrix = mode(losses.gram_matrix)(features)
    assert matrix.dtype == np.float32
    assert matrix.numpy() == pytest.approx(expected / 12)


def test_style_and_content_by_hand(mode):
    gram, target = np.array([[[1.0, 2], [2, 5]]]), np.array([[[0.0, 2], [2, 1]]])
    assert mode(losses.style_loss)(gram, target).numpy() == pytest.approx([(1 + 0 + 0 + 16) / 4])
    other = FEATURES + np.array([1.0, -3.0])
    found = mode(losses.squared_distance)(FEATURES * 1.0, other)
    assert found.numpy() == pytest.approx([6 * (1 + 9)])


def test_variations_by_hand(mode):
    image = np.array([[[[0.0], [1], [3]], [[2], [2], [2]]]])
    # down: 2, 1, -1; right: 1, 2, 0, 0; six pixels
    assert mode(losses.total_variation)(image).numpy() == pytest.approx([(4 + 1 + 1 + 1 + 4) / 6])
    image = np.array([[[[0.0], [3]], [[1], [1]]]])
    # down: 1, -2; right: 3, 0; four pixels. Diagonals of the 4x4 with replicated borders:
    # falling 0 3 0 / 1 1 -2 / 0 0 0, rising 0 -3 0 / 1 -2 -2 / 0 0 0; nine each.
    straight, diagonal = (1 + 4 + 9) / 4, (9 + 1 + 1 + 4) + (9 + 1 + 4 + 4)
    expected = 2 / 3 * straight + diagonal / 9 / 6
    assert mode(losses.nine_point_variation)(image).numpy() == pytest.approx([expected])


def test_what_leaves_the_range_by_hand(mode):
    # Below 1 by 3 and by 1, above 5 by 2 and by 4; what is on a bound is inside. Six numbers.
    image = np.array([[[[-2.0], [0], [1]], [[7], [5], [9]]]])
    found = mode(losses.outside_range)(image, np.float64(1), np.float64(5))
    assert found.numpy() == pytest.approx([(9 + 1 + 4 + 16) / 6])


@pytest.mark.parametrize(
    "function",
    [
        losses.gram_matrix,
        losses.total_variation,
        losses.nine_point_variation,
        losses.blur,
        lambda x: losses.outside_range(x, np.float64(-0.5), np.float64(0.7)),
    ],
)
def test_gradients_match_finite_differences(function):
    x, direction = np.random.default_rng(2).normal(size=(2, 1, 4, 5, 3))

    def value(x):
        return tf.reduce_sum(tf.square(function(x)))

    with tf.GradientTape() as tape:
        tape.watch(at := tf.constant(x))
        loss = value(at)
    analytic = np.sum(tape.gradient(loss, at) * direction)
    numeric = reference.numeric_slope(value, x, direction, 1e-5)
    assert analytic == pytest.approx(numeric, rel=1e-6)
