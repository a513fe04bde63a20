"""The Wasserstein-2 distance of Gaussians against an independent NumPy one, in every mode."""

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.objective import wasserstein as w2
from artistyle_tf.vgg.precision import compiling_for

MODES = {
    "eager": lambda f: f,
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}


def drawn(seed, channels=6, positions=40, spread=20.0):
    """(mean, E f fᵀ) of features after a ReLU, with variances over some orders of magnitude."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(1, positions, channels)) * np.geomspace(spread, 0.3, channels)
    return reference.moments(np.maximum(features @ rng.normal(size=(channels, channels)), 0))


def scaled(moments, dtype="float64"):
    """As the package has them, of f / √N."""
    mean, second = moments
    N = len(mean)
    return tf.constant(mean / np.sqrt(N), dtype), tf.constant(second / N, dtype)


@pytest.fixture(params=["eigenvalues", "products"])
def way(request, monkeypatch):
    """How the inverse root is found: on CPUs by eigenvalues, on accelerators by products."""
    if request.param == "products":
        monkeypatch.setattr(w2, "_by_eigenvalues", w2._by_products)
    return request.param


def value_and_slopes(moments, target, wrap=lambda f: f):
    @wrap
    def computed(mean, second):
        with tf.GradientTape() as tape:
            tape.watch((mean, second))
            value = w2.wasserstein(mean, second, target)
        return value, tape.gradient(value, (mean, second))

    return computed(*moments)


@pytest.mark.parametrize("mode", MODES)
def test_value_and_gradient_equal_numpy(way, mode):
    one, other = drawn(1), drawn(2, spread=50.0)
    value, (by_mean, by_second) = value_and_slopes(
        scaled(one), w2.gaussian(*scaled(other)), MODES[mode]
    )
    expected, slope, slopes = reference.gaussian_distance(one, other)
    N = len(slope)
    assert float(value) == pytest.approx(expected, rel=1e-8)
    np.testing.assert_allclose(by_mean, slope * np.sqrt(N), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(by_second, slopes * N, rtol=1e-6, atol=1e-7)


def test_float32_holds_where_positions_are_fewer_than_channels(way):
    """As in a deep layer of a small picture, with variances as far apart as there."""
    one, other = (drawn(i, channels=96, positions=40, spread=3000.0) for i in (1, 2))
    target = w2.gaussian(*scaled(other, "float32"))
    value, (_, by_second) = value_and_slopes(scaled(one, "float32"), target)
    expected, _, slopes = reference.gaussian_distance(one, other)
    assert float(value) == pytest.approx(expected, rel=1e-4)
    # What counts is the gradient by features, which is this times them.
    moved, wanted = by_second.numpy() @ one[1], slopes * 96 @ one[1]
    assert np.linalg.norm(moved - wanted) < 2e-3 * np.linalg.norm(wanted)
    # At the target there is no distance, and no gradient.
    value, slopes = value_and_slopes(scaled(other, "float32"), target)
    assert abs(float(value)) < 1e-4 * np.trace(other[1]) / 96
    moved = slopes[1].numpy() @ other[1]
    assert np.linalg.norm(moved) < 5e-3 * np.linalg.norm(other[1])


@pytest.mark.parametrize("constant", ["image", "style"])
def test_a_constant_picture_has_a_finite_gradient(way, constant):
    mean = np.arange(6.0)
    flat, lively = (mean, np.outer(mean, mean)), drawn(1)
    one = lively if constant == "style" else flat
    other = lively if constant == "image" else flat
    value, slopes = value_and_slopes(scaled(one, "float32"), w2.gaussian(*scaled(other, "float32")))
    expected = reference.gaussian_distance(one, other)[0]
    assert float(value) == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert all(np.isfinite(one).all() for one in slopes)


def test_inverse_root(way):
    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    values = np.geomspace(1e-6, 1, 8)
    for factor in (1e-12, 1.0, 1e12):
        matrix = tf.constant(frame * values @ frame.T * factor)
        found = w2.inverse_root(matrix, tf.constant(1e-6 * factor, tf.float64))
        wanted = frame / np.sqrt(values * factor) @ frame.T
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-6 * np.abs(wanted).max())
    for wrong in (np.nan, np.inf):  # stays so, and spoils nothing beside it
        matrix = tf.stack([tf.eye(3), tf.fill([3, 3], np.float32(wrong))])
        found = w2.inverse_root(matrix, tf.constant([1.0, 1.0])).numpy()
        np.testing.assert_allclose(found[0], np.eye(3), atol=1e-5)
        assert np.isnan(found[1]).all()


@pytest.mark.parametrize(("kind", "wanted"), [("CPU", "eigenvalues"), ("GPU", "products")])
def test_accelerators_are_given_products_of_matrices(monkeypatch, kind, wanted):
    used = []
    for way in ("eigenvalues", "products"):
        monkeypatch.setattr(w2, f"_by_{way}", lambda unit, *_, way=way: used.append(way) or unit)
    with compiling_for(kind):
        w2.inverse_root(tf.eye(3), tf.constant(1e-3))
    assert used == [wanted]
