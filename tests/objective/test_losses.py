"""Losses against numbers written by hand, in every mode of execution."""

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.objective import losses

MODES = {
    "eager": lambda f: f,
    "graph": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}
FEATURES = np.array([[[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[0, 1], [1, 0]]]])  # H 3, W 2, N 2


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gram_by_hand(mode, dtype):
    # Σ f fᵀ: 1+9+25+49+0+1, 2+12+30+56+0+0, 4+16+36+64+1+0
    expected = np.array([[[85, 100], [100, 121]]], dtype)
    features = FEATURES.astype(dtype)
    assert mode(losses.gram_sum)(features).numpy() == pytest.approx(expected)
    matrix = mode(losses.gram_matrix)(features)
    assert matrix.dtype == dtype
    assert matrix.numpy() == pytest.approx(expected / 12)


def test_gram_adds_over_tiles_and_keeps_batches():
    features = np.random.default_rng(0).normal(size=(3, 7, 5, 4))
    whole = losses.gram_sum(features)
    parts = losses.gram_sum(features[:, :3]) + losses.gram_sum(features[:, 3:])
    np.testing.assert_allclose(whole, parts, rtol=1e-12)
    np.testing.assert_allclose(whole[1], losses.gram_sum(features[1]), rtol=1e-12)


def test_style_and_content_by_hand(mode):
    gram, target = np.array([[[1.0, 2], [2, 5]]]), np.array([[[0.0, 2], [2, 1]]])
    assert mode(losses.style_loss)(gram, target).numpy() == pytest.approx([(1 + 0 + 0 + 16) / 4])
    other = FEATURES + np.array([1.0, -3.0])
    assert mode(losses.content_loss)(FEATURES * 1.0, other).numpy() == pytest.approx([5.0])


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


def test_sums_of_features_with_and_without_a_guide(mode):
    guide = np.array([[[2.0, 0], [1, 0], [0, 3]]])
    assert mode(losses.feature_sum)(FEATURES * 1.0).numpy() == pytest.approx(np.array([[17, 21]]))
    guided = mode(losses.feature_sum)(FEATURES * 1.0, guide)
    assert guided.numpy() == pytest.approx(np.array([[2 + 5 + 3, 4 + 6 + 0]]))


def test_what_leaves_the_range_by_hand(mode):
    # Below 1 by 3 and by 1, above 5 by 2 and by 4; what is on a bound is inside. Six numbers.
    image = np.array([[[[-2.0], [0], [1]], [[7], [5], [9]]]])
    found = mode(losses.outside_range)(image, np.float64(1), np.float64(5))
    assert found.numpy() == pytest.approx([(9 + 1 + 4 + 16) / 6])
    image = np.array([[[[-1.0, 4]]], [[[0.0, 2]]], [[[3.0, 7]]]])  # three pictures of one pixel
    value = losses.outside_range(image, np.array([0.0, 2]), np.array([1.0, 4]))
    np.testing.assert_allclose(value, [1 / 2, 0, (4 + 9) / 2])


def test_distance_from_an_earlier_picture_by_hand(mode):
    image = np.array([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    other = np.array([[[[0.0], [4.0]], [[3.0], [1.0]]]])
    weights = np.array([[[[1.0], [0.5]], [[1.0], [0.0]]]])
    found = mode(losses.weighted_distance)(image, other, weights)
    np.testing.assert_allclose(found, [(1 + 0.5 * 4 + 0 + 0) / 4])


def test_paper_scales_give_the_published_sums():
    rng = np.random.default_rng(1)
    F, P = rng.normal(size=(2, 1, 5, 7, 3))
    content = losses.paper_content_scale(tf.size(F, tf.float64)) * losses.content_loss(F, P)
    assert content.numpy()[0] == pytest.approx(0.5 * np.sum((F - P) ** 2), rel=1e-12)
    N, M = 3, 35
    G, A = (one.reshape(M, N).T @ one.reshape(M, N) for one in (F, P))
    style = losses.style_loss(losses.gram_matrix(F), losses.gram_matrix(P))
    style *= losses.paper_style_scale(N)
    assert style.numpy()[0] == pytest.approx(np.sum((G - A) ** 2) / (4 * N**2 * M**2), rel=1e-12)


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
def test_gradients_match_finite_differences(mode, function):
    x, direction = np.random.default_rng(2).normal(size=(2, 1, 4, 5, 3))

    def value(x):
        return tf.reduce_sum(tf.square(function(x)))

    @mode
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = value(x)
        return tape.gradient(loss, x)

    analytic = np.sum(gradient(tf.constant(x)).numpy() * direction)
    numeric = reference.numeric_slope(value, x, direction, 1e-5)
    assert analytic == pytest.approx(numeric, rel=1e-6)
