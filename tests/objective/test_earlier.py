"""The distance from an earlier picture: its numbers, its gradient, in tiles and compiled."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective import losses
from artistyle_tf.objective.earlier import following
from artistyle_tf.objective.fixed import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective

SIZE = (80, 96)
CONFIG = Config(  # few layers: quickly traced
    style_layers={"block1_conv1": 1.0, "block2_conv1": 1.0},
    content_layers={"block3_conv1": 1.0},
    palette_weight=0,
)


def earlier(size, seed=5):
    """(picture, weights) of an earlier result, a quarter of whose pixels count nothing."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(0, 50, (1, *size, 3))
    weights = rng.uniform(size=(1, *size, 1)) * (rng.uniform(size=(1, *size, 1)) > 0.25)
    return picture, weights


def targets(objective, picture, size, strength):
    """Goals with and without an earlier picture, whose λ is `strength` after the scale."""
    content, style = to_network(picture(*size, 1)), to_network(picture(40, 30, 2))
    plain = objective.targets(content, [style], [1.0])
    scaled = strength / float(plain.scale)
    return following(plain, *earlier(size), scaled), plain


def test_by_hand():
    image = tf.constant([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    other = tf.constant([[[[0.0], [4.0]], [[3.0], [1.0]]]])
    weights = tf.constant([[[[1.0], [0.5]], [[1.0], [0.0]]]])
    found = losses.weighted_distance(image, other, weights)
    np.testing.assert_allclose(found, [(1 + 0.5 * 4 + 0 + 0) / 4])


def test_value_and_gradient_equal_numpy(small_weights, picture):
    """In float64, and nothing else of the objective changes; c = 0 leaves pixels alone."""
    objective = Objective(CONFIG, small_weights, dtype="float64", temporal=True)
    goal, plain = targets(objective, picture, SIZE, 3.0)
    image = tf.constant(to_network(picture(*SIZE, 9)), tf.float64)
    before, weights = earlier(SIZE)
    value, gradient = objective.value_and_gradient(image, goal)
    without, slope = objective.value_and_gradient(image, plain)
    difference = image.numpy() - before
    wanted = 3.0 * np.mean(weights * difference**2)
    assert wanted > 1
    assert float(value - without) == pytest.approx(wanted, rel=1e-9)
    assert float(objective.parts(image, goal).temporal) == pytest.approx(wanted, rel=1e-12)
    assert float(objective.parts(image, plain).temporal) == 0
    push = 3.0 * 2 * weights * difference / difference.size
    np.testing.assert_allclose(gradient - slope, push, atol=1e-10 * np.abs(gradient).max())
    assert (push == 0).mean() == pytest.approx(0.25, abs=0.05)


def test_one_trace_and_the_objective_of_before(small_weights, picture):
    """With nothing to resemble it is, to the bit, the objective that has no such part."""
    objective = Objective(CONFIG, small_weights, temporal=True)
    other = Objective(CONFIG, small_weights)
    goal, plain = targets(objective, picture, SIZE, 3.0)
    image = tf.constant(to_network(picture(*SIZE, 9)))
    objective.value_and_gradient(image, goal)
    found, slope = objective.value_and_gradient(image, plain)
    assert objective.value_and_gradient.experimental_get_tracing_count() == 1
    bare = plain._replace(earlier={})
    value, gradient = other.value_and_gradient(image, bare)
    assert other.targets_spec.earlier == {}
    assert (float(found), slope.numpy().tobytes()) == (float(value), gradient.numpy().tobytes())


def test_the_gradient_matches_finite_differences(small_weights, picture):
    objective = Objective(CONFIG, small_weights, dtype="float64", temporal=True)
    goal, _ = targets(objective, picture, (32, 48), 1e3)  # so that it is most of the gradient
    image = to_network(picture(32, 48, 9)).astype(np.float64)
    direction, step = np.random.default_rng(0).normal(size=image.shape), 1e-4
    _, gradient = objective.value_and_gradient(tf.constant(image), goal)
    ahead, behind = (
        objective.value_and_gradient(tf.constant(image + sign * step * direction), goal)[0]
        for sign in (1, -1)
    )
    wanted = np.sum(gradient * direction)
    assert float(ahead - behind) / (2 * step) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", ["tiles", "fixed tiles", "xla"])
def test_tiles_equal_the_whole(small_weights, picture, kind):
    options = {"dtype": "float64", "temporal": True}
    whole = Objective(CONFIG, small_weights, **options)
    if kind == "tiles":
        size = (75, 99)  # no whole cells
        tiled = TiledObjective(CONFIG, small_weights, tile=48, **options)
    else:
        size = SIZE
        tiled = FixedTiledObjective(CONFIG, small_weights, tile=48, fixed=size, **options)
    compute = tiled.value_and_gradient
    if kind == "xla":
        compute = tf.function(compute, jit_compile=True, autograph=False)
    image = tf.constant(to_network(picture(*size, 9)), tf.float64)
    goal, same = (targets(one, picture, size, 1e5)[0] for one in (whole, tiled))
    value, gradient = whole.value_and_gradient(image, goal)
    found, slope = compute(image, same)
    temporal = float(whole.parts(image, goal).temporal)
    assert temporal > 0.1 * float(value)
    assert float(tiled.parts(image, same).temporal) == pytest.approx(temporal, rel=1e-9)
    assert float(found) == pytest.approx(float(value), rel=1e-9)
    assert np.linalg.norm(slope - gradient) < 1e-8 * np.linalg.norm(gradient)
