"""The optimizers: known problems, chunks, many iterations in a call, broken searches.

No pictures here."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.optimizers import LBFGS, TFPLBFGS, Adam, AveragedAdam, Status
from artistyle_tf.optimizers.base import MOST_STEPS
from artistyle_tf.optimizers.compact import CURVATURE, push
from artistyle_tf.optimizers.tfp_lbfgs import NEVER, lbfgs_minimize

ALL = [LBFGS, TFPLBFGS, Adam, AveragedAdam]
BEST = [LBFGS, TFPLBFGS, Adam]
"""Those whose result is their best iterate."""
NEWTON = [LBFGS, TFPLBFGS]


def with_gradient(function):
    def value_and_gradient(x, context=()):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            value = function(x)
        return value, tape.gradient(value, x)

    return value_and_gradient


@with_gradient
def rosenbrock(x):
    return tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@with_gradient
def bowl(x):
    weights = tf.cast(tf.range(1, tf.size(x) + 1), x.dtype)
    return tf.reduce_sum(weights * (x - 3) ** 2)


def broken_beyond(limit, broken, function=bowl):
    def value_and_gradient(x, context=()):
        value, gradient = function(x)
        bad = tf.reduce_max(x) > limit
        return (
            tf.where(bad, tf.constant(broken, value.dtype), value),
            tf.where(bad, tf.constant(broken, value.dtype), gradient),
        )

    return value_and_gradient


def assert_same(one, other):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


# What they find


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (LBFGS, np.float64),
        (lambda f: LBFGS(f, wide="float32"), np.float32),  # accelerators may have no float64
    ],
)
def test_finds_the_minimum_of_rosenbrock(make, dtype):
    search = make(rosenbrock)
    state = search.start(np.linspace(-1, 1, 11).astype(dtype), first_step=0.05)
    state = search.advance(state, iterations=200)
    tolerance = 1e-8 if dtype == np.float64 else 3e-3
    np.testing.assert_allclose(state.best_position, np.ones(11), atol=tolerance)
    assert state.best_position.dtype == dtype


def test_adam_is_the_keras_optimizer():
    search = Adam(bowl, learning_rate=0.3)
    state = search.advance(search.start(np.zeros(4), budget=0), iterations=7)
    variable, adam = keras.Variable(np.zeros(4), dtype="float64"), keras.optimizers.Adam(0.3)
    for _ in range(7):
        adam.apply([bowl(variable.value)[1]], [variable])
    # Keras takes 0.999 through float32 to float64.
    np.testing.assert_allclose(state.position, variable.value, rtol=1e-5)
    # With a budget its steps shorten towards the end.
    state = search.advance(search.start(np.zeros(4), budget=200), iterations=200)
    assert float(state.best_value) < 1e-3 * 10 * 9
    assert (int(state.iterations), int(state.evaluations)) == (200, 201)


def test_own_lbfgs_takes_about_one_evaluation_an_iteration():
    search = LBFGS(bowl)
    state = search.advance(search.start(np.zeros(50), first_step=0.5), iterations=40)
    assert int(state.evaluations) <= 1.1 * int(state.iterations) + 2


@pytest.mark.parametrize("minimizer", NEWTON)
def test_the_first_step_is_as_long_as_asked(minimizer):
    seen = []

    def watched(x, context=()):
        seen.append(np.array(x))
        return tuple(tensor.numpy() for tensor in bowl(tf.constant(x)))

    def shaped(x, context):
        value, gradient = tf.numpy_function(watched, [x], [x.dtype, x.dtype])
        return tf.ensure_shape(value, []), tf.ensure_shape(gradient, x.shape)

    search = minimizer(shaped)
    search.advance(search.start(np.zeros(16), first_step=0.02), iterations=1)
    step = np.sqrt(np.mean(seen[1] ** 2))
    assert 0.014 < step < 0.029  # tfp's scale is rounded to a power of two


# The same bytes however it is divided


@pytest.mark.parametrize(
    ("minimizer", "broken"), [(LBFGS, False), *((minimizer, True) for minimizer in ALL)]
)
def test_chunks_and_calls_of_many_iterations_have_the_bytes_of_single_ones(minimizer, broken):
    """Where it is broken, the first step leads beyond 2, and the search restarts."""
    function = broken_beyond(2.0, np.nan, rosenbrock) if broken else rosenbrock
    search, start = minimizer(function), np.linspace(-1, 1, 23).astype(np.float32)
    begun = state = search.start(start, budget=60, first_step=0.3)
    rows = []
    for _ in range(26):
        before, state = state, search.advance(state)
        if int(state.iterations) > int(before.iterations):
            rows.append((int(state.evaluations), float(state.value)))
    chunked = begun
    for size in (1, 5, 20):
        # Through NumPy, as a checkpoint would take it.
        chunked = tf.nest.map_structure(lambda tensor: tf.constant(tensor.numpy()), chunked)
        chunked = search.advance(chunked, iterations=size)
    assert_same(state, chunked)
    at_once, seen = begun, []
    for size in (1, 7, 18):
        at_once, own = search.advance_at_once(at_once, iterations=size)
        seen += own
    assert_same(state, at_once)
    assert seen == rows
    with pytest.raises(ValueError, match="at most 64"):  # it couldn't tell of them
        search.advance_at_once(begun, iterations=MOST_STEPS + 1)


def test_chunked_tfp_is_one_call_of_tfp_bit_for_bit():
    start = tf.constant(np.linspace(-1, 1, 10), tf.float32)
    search = TFPLBFGS(rosenbrock, history=5)
    state = search.advance(search.start(start, first_step=0.05), iterations=1)
    scale = state.memory[0]
    assert float(np.log2(scale)) == int(np.log2(scale))
    state = search.advance(state, iterations=7)

    @tf.function
    def uninterrupted():
        def scaled(x):
            value, gradient = rosenbrock(x)
            return value * scale, gradient * scale

        return lbfgs_minimize(scaled, start, num_correction_pairs=5, max_iterations=8, **NEVER)

    results = uninterrupted()
    assert_same(state.memory[1], results)
    assert int(state.evaluations) == int(results.num_objective_evaluations)


@pytest.mark.parametrize(
    ("minimizer", "options", "n"),
    [(LBFGS, {"history": 4}, 5), (TFPLBFGS, {"history": 4}, 23), (Adam, {}, 23)],
)
def test_compiled_by_xla_it_finds_the_same(minimizer, options, n):
    plain, compiled = (minimizer(rosenbrock, **options, compiled=one) for one in (False, True))
    begun = plain.start(np.linspace(-1, 1, n).astype(np.float32), budget=60, first_step=0.3)
    state = plain.advance(begun, iterations=5)
    other, rows = compiled.advance_at_once(begun, iterations=5)
    np.testing.assert_allclose(other.position, state.position, rtol=2e-3, atol=1e-4)
    assert rows[-1] == (int(other.evaluations), float(other.value))
    assert int(other.evaluations) == int(state.evaluations)


@pytest.mark.parametrize("minimizer", NEWTON)
def test_one_trace_for_every_number_of_dimensions_and_the_context_reaches_it(minimizer):
    traces = []

    def shifted(x, context):
        traces.append(x.shape.as_list())
        return tf.reduce_sum((x - context["goal"]) ** 2), 2 * (x - context["goal"])

    search = minimizer(shifted, {"goal": tf.TensorSpec([None], tf.float64)})
    for size in (5, 9, 30):
        goal = np.arange(float(size))
        state = search.advance(search.start(np.zeros(size)), {"goal": goal}, iterations=20)
        np.testing.assert_allclose(state.best_position, goal, atol=1e-6)
    assert all(shape == [None] for shape in traces)
    assert {made.experimental_get_tracing_count() for made in search._graphs.made.values()} == {1}


# The memory of L-BFGS


@pytest.mark.parametrize(
    ("history", "count", "held"), [(4, 3, None), (4, 7, "bfloat16"), (15, 11, None), (15, 23, None)]
)
def test_the_compact_form_equals_the_dense_bfgs_matrix(history, count, held):
    """Nocedal and Wright eq. 7.19 unrolled: H ← VᵀHV + ρ s sᵀ from γ I; of pairs as held."""
    rng = np.random.default_rng(0)
    size, search = 40, LBFGS(bowl, history=history, held=held)
    state = search.start(np.zeros(size))
    memory, pairs = state.memory, []
    curvature = rng.normal(size=(size, size))
    curvature = curvature @ curvature.T + np.eye(size)
    for _ in range(count):
        step = rng.normal(size=size)
        change = curvature @ step
        memory = push(memory, tf.constant(step), tf.constant(change))
        pair = (tf.cast(tf.cast(one, held or "float64"), "float64") for one in (step, change))
        pairs.append([one.numpy() for one in pair])
    assert memory.steps[0].dtype == (held or "float64")
    kept = count if count <= history else history - (-count % 5 if history >= 10 else 0)
    H = np.eye(size) * np.dot(*pairs[-1]) / np.dot(pairs[-1][1], pairs[-1][1])
    for step, change in pairs[-kept:]:
        rho = 1 / (step @ change)
        V = np.eye(size) - rho * np.outer(change, step)
        H = V.T @ H @ V + rho * np.outer(step, step)
    gradient = rng.normal(size=size)
    state = state._replace(gradient=tf.constant(gradient), memory=memory)
    np.testing.assert_allclose(search._direction(state)[0], -H @ gradient, rtol=1e-7)


def test_pairs_of_poor_curvature_are_skipped():
    memory = LBFGS(bowl, history=2).start(np.zeros(2)).memory
    step = tf.constant([1.0, 0.0], tf.float64)
    good = push(memory, step, 2 * step)
    for product in (-1.0, 0.5 * CURVATURE):
        assert_same(push(good, step, tf.constant([product, np.sqrt(1 - product**2)])), good)


def test_a_search_through_negative_curvature_skips_the_pair_and_goes_on():
    @with_gradient
    def double_well(x):
        return tf.reduce_sum((x**2 - 1) ** 2) + 2.0

    search = LBFGS(double_well, history=5)
    # Between the wells the curvature is negative: the first step's sᵀy is below 0.
    state = search.advance(search.start(np.full(3, 0.1), first_step=0.05), iterations=1)
    assert float(tf.reduce_sum(state.gradient)) < -1.0
    assert int(state.memory.filled) == 0
    state = search.advance(state, iterations=40)
    np.testing.assert_allclose(state.best_position, np.ones(3), atol=1e-6)


# Broken searches


@pytest.mark.parametrize(
    ("minimizer", "broken"),
    [(LBFGS, np.nan), (TFPLBFGS, np.inf), (Adam, np.nan)],
)
def test_non_finite_values_leave_the_best_position(minimizer, broken):
    options = {"learning_rate": 1.0} if minimizer is Adam else {}
    search = minimizer(broken_beyond(2.0, broken), **options)
    state = search.advance(search.start(np.zeros(4), first_step=0.5), iterations=60)
    best, _ = bowl(state.best_position)
    assert float(best) == float(state.best_value) < 90
    assert np.max(state.best_position) <= 2
    if minimizer is Adam:
        assert int(state.restarts) == 1
        assert int(state.status) == Status.NON_FINITE


@pytest.mark.parametrize("minimizer", BEST)
def test_it_stops_at_once_where_nothing_is_finite_or_the_gradient_vanishes(minimizer):
    search = minimizer(broken_beyond(3.5, np.nan))
    state = search.advance(search.start(np.full(4, 4.0)), iterations=50)
    assert int(state.status) == Status.NON_FINITE
    assert int(state.evaluations) <= 2
    assert np.isinf(state.best_value)
    state = search.advance(search.start(np.full(4, 3.0)), iterations=10)
    assert int(state.status) == Status.CONVERGED
    assert float(state.best_value) == 0
    assert int(state.evaluations) <= 4


@pytest.mark.parametrize("minimizer", NEWTON)
def test_a_lying_gradient_fails_the_search_twice_and_says_so(minimizer):
    search, start = minimizer(lambda x, context: (bowl(x)[0], -bowl(x)[1])), np.zeros(4)
    state = search.advance(search.start(start), iterations=10)
    assert int(state.status) == Status.LINE_SEARCH_FAILED
    assert np.isfinite(state.value)
    assert "line search failed" in str(Status(int(state.status)))
    assert int(state.restarts) == 1
    assert float(state.best_value) == float(bowl(tf.constant(start))[0])
    np.testing.assert_array_equal(state.best_position, start)


def test_a_restart_recovers_from_one_bad_stretch():
    """The objective lies for some evaluations, then tells the truth."""
    calls = tf.Variable(0)

    def moody(x, context=()):
        value, gradient = bowl(x)
        calls.assign_add(1)
        lies = (calls > 8) & (calls <= 20)
        return tf.where(lies, value + 1e6, value), tf.where(lies, -gradient, gradient)

    search = LBFGS(moody)
    state = search.advance(search.start(np.zeros(20), first_step=0.1), iterations=8)
    state = search.advance(state, iterations=80)
    assert int(state.restarts) == 1
    assert float(state.best_value) < 1e-3 * 9 * 210


def test_a_diverging_adam_goes_back_restarts_once_and_says_so():
    """Steps of 10^6 in a narrow bowl: finite, and never again as good as the start."""

    def bowl(position, context):
        return tf.reduce_sum(position**2), 2 * position

    adam = Adam(bowl, learning_rate=1e6)
    state = adam.advance(adam.start(tf.constant([3.0, -4.0])), iterations=500)
    assert int(state.status) == Status.DIVERGED
    assert int(state.restarts) == 1
    assert float(state.first_step) == pytest.approx(0.1)
    assert float(state.best_value) == 25
    assert state.best_position.numpy().tolist() == [3, -4]
    assert "a smaller learning_rate may do" in str(Status.DIVERGED)
    # Ups and downs alone are no reason: a tenth of that, which falls in time, goes on.
    calm = Adam(bowl, learning_rate=1.0)
    state = calm.advance(calm.start(tf.constant([3.0, -4.0]), budget=300), iterations=300)
    assert int(state.status) == Status.RUNNING
    assert int(state.restarts) == 0
    assert float(state.best_value) < 1e-3
