"""Averaged Adam against the published algorithm written in NumPy, in chunks, within bounds."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.optimizers import AveragedAdam, Status

WEIGHTS = np.array([1.0, 40.0, 0.1])


def bowl(x, context=()):
    weights = tf.constant(WEIGHTS, x.dtype)
    return tf.reduce_sum(weights * (x - 3) ** 2), 2 * weights * (x - 3)


def published(x, count, rate, low, high, m=0.0, v=0.0, before=0):
    """(x, average, m, v) after torch.optim.Adam(betas=(0.9, 0.99)), clamp_ and EMA(0.99)."""
    value, accum = 0.01 * x, 0.99
    for t in range(before + 1, before + count + 1):
        slope = 2 * WEIGHTS * (x - 3)
        m, v = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope**2
        x = x - rate / (1 - 0.9**t) * m / (np.sqrt(v) / np.sqrt(1 - 0.99**t) + 1e-8 / 255)
        x = np.clip(x, low, high)
        accum, value = 0.99 * accum, 0.99 * value + 0.01 * x
    return x, value / (1 - accum), m, v


def search(low=-1.0, high=2.5):
    return AveragedAdam(
        bowl, learning_rate=0.05, project=lambda x, context: tf.clip_by_value(x, low, high)
    )


@pytest.mark.parametrize("chunks", [[70], [1, 30, 39]])
def test_equals_the_published_algorithm(chunks):
    start = np.array([0.0, 1.0, -1.0])
    minimizer = search()
    state = minimizer.start(start)
    for count in chunks:
        state = minimizer.advance(state, iterations=count)
    position, average, _, _ = published(start, 70, 0.05, -1.0, 2.5)
    np.testing.assert_allclose(state.position, position, rtol=1e-10)
    np.testing.assert_allclose(state.best_position, average, rtol=1e-10)
    assert np.abs(average - position).max() > 0.1
    assert float(state.value) == pytest.approx(float(bowl(tf.constant(position))[0]))
    assert (int(state.iterations), int(state.evaluations)) == (70, 71)
    assert int(state.status) == Status.RUNNING


def test_moments_go_on_at_the_next_level_and_the_average_begins_anew():
    minimizer = search(high=10)
    before = minimizer.advance(minimizer.start(np.array([0.0, 1.0, -1.0])), iterations=20)
    start = np.array([0.5, 2.0, 0.0])
    state = minimizer.continued(minimizer.start(start), before, lambda vector: vector)
    state = minimizer.advance(state, iterations=5)
    _, _, m, v = published(np.array([0.0, 1.0, -1.0]), 20, 0.05, -1, 10)
    position, average, _, _ = published(start, 5, 0.05, -1, 10, m, v, 20)
    np.testing.assert_allclose(state.position, position, rtol=1e-10)
    np.testing.assert_allclose(state.best_position, average, rtol=1e-10)
    # Squares stay positive where resizing overshoots.
    state = minimizer.continued(minimizer.start(start), before, lambda vector: vector - 1e6)
    assert (state.memory.second.numpy() == 0).all()


def test_ends_where_nothing_moves_or_is_finite():
    minimizer = search(high=10)
    state = minimizer.advance(minimizer.start(np.full(3, 3.0)), iterations=5)
    assert int(state.status) == Status.CONVERGED
    np.testing.assert_allclose(state.best_position, 3)

    def broken(x, context=()):
        slope = tf.where(x > 0.2, tf.constant(np.nan, x.dtype), -tf.ones_like(x))
        return tf.reduce_sum(slope), slope

    minimizer = AveragedAdam(broken, learning_rate=0.05)
    state = minimizer.advance(minimizer.start(np.zeros(3)), iterations=50)
    assert int(state.status) == Status.NON_FINITE
    assert int(state.restarts) == 1
    assert np.isfinite(state.best_position).all()
