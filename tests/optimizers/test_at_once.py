"""Many iterations in one call of the device: the same bytes, and what XLA makes of them."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.optimizers import LBFGS, TFPLBFGS, Adam, AveragedAdam, Status
from artistyle_tf.optimizers.base import MOST_STEPS

ALL = [LBFGS, TFPLBFGS, Adam, AveragedAdam]


def rosenbrock(x, context=()):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        value = tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    return value, tape.gradient(value, x)


def walled(x, context=()):
    """Not finite beyond 2, where the first step leads."""
    value, gradient = rosenbrock(x)
    return tf.where(tf.reduce_max(x) > 2, tf.constant(np.nan, x.dtype), value), gradient


def started(search, n=23, first_step=0.3):
    return search.start(np.linspace(-1, 1, n).astype(np.float32), budget=60, first_step=first_step)


def same(one, other):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("function", [rosenbrock, walled])
@pytest.mark.parametrize("kind", ALL)
def test_one_call_has_the_bytes_of_single_iterations(kind, function):
    search = kind(function)
    state, rows = started(search), []
    for _ in range(26):
        before, state = state, search.advance(state)
        if int(state.iterations) > int(before.iterations):
            rows.append((int(state.evaluations), float(state.value)))
    at_once = kind(function)
    for chunks in ((26,), (1, 7, 18)):
        other, seen = started(at_once), []
        for count in chunks:
            other, own = at_once.advance_at_once(other, iterations=count)
            seen += own
        same(state, other)
        assert seen == rows


def test_a_call_takes_no_more_than_it_can_tell_of():
    search = LBFGS(rosenbrock)
    with pytest.raises(ValueError, match="at most 64"):
        search.advance_at_once(started(search), iterations=MOST_STEPS + 1)


@pytest.mark.parametrize("kind", ALL)
def test_compiled_by_xla_it_finds_the_same(kind):
    plain, compiled = kind(rosenbrock), kind(rosenbrock, compiled=True)
    state = plain.advance(started(plain), iterations=5)
    other, rows = compiled.advance_at_once(started(compiled), iterations=5)
    np.testing.assert_allclose(other.position, state.position, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(other.value, state.value, rtol=2e-3)
    assert rows[-1] == (int(other.evaluations), float(other.value))
    assert int(other.evaluations) == int(state.evaluations)


@pytest.mark.parametrize("kind", ALL)
def test_compiled_it_takes_any_length(kind):
    search = kind(rosenbrock, compiled=True)
    for n in (5, 9):
        state, _ = search.advance_at_once(started(search, n), iterations=3)
        assert state.position.shape == [n]
        assert int(state.status) == Status.RUNNING


def test_a_narrow_system_of_pairs_still_finds_the_minimum():
    """Accelerators may have no float64."""
    search = LBFGS(rosenbrock, wide="float32")
    state = search.start(np.linspace(-1, 1, 11).astype(np.float32), first_step=0.05)
    assert state.memory.step_change.dtype == tf.float32
    state = search.advance(state, iterations=200)
    np.testing.assert_allclose(state.best_position, np.ones(11), atol=3e-3)
