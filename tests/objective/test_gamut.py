"""The penalty on what leaves 0-255: its numbers, where it counts, and what it saves."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import reference
from artistyle_tf import Config, Stylizer, stylize
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.engine.bound import build_objective
from artistyle_tf.images.network_scale import BGR_MEAN, to_network
from artistyle_tf.objective import losses
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from places import SAMPLES

MODES = {
    "eager": lambda f: f,
    "graph": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


def glaring(height, width, seed=0):
    """[1, H, W, 3] of the network's scale, float64, a third of it outside 0-255."""
    levels = np.random.default_rng(seed).uniform(-70, 325, (1, height, width, 3))
    return levels - BGR_MEAN


def penalty(image):
    """The mean of the squares of what is below 0 or above 255, in NumPy."""
    levels = np.asarray(image, np.float64) + BGR_MEAN
    return np.mean((levels - np.clip(levels, 0, 255)) ** 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_hand(mode, dtype):
    # Below 1 by 3 and by 1, above 5 by 2 and by 4; what is on a bound is inside. Six numbers.
    image = np.array([[[[-2.0], [0], [1]], [[7], [5], [9]]]], dtype)
    low, high = (np.array(bound, dtype) for bound in (1, 5))

    @mode
    def value_and_gradient(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = losses.outside_range(image, low, high)
        return value, tape.gradient(value, image)

    value, gradient = value_and_gradient(tf.constant(image))
    assert value.dtype == gradient.dtype == dtype
    assert value.numpy() == pytest.approx([(9 + 1 + 4 + 16) / 6])
    by_hand = np.array([[[[-6.0], [-2], [0]], [[4], [0], [8]]]]) / 6
    assert gradient.numpy() == pytest.approx(by_hand)


def test_bounds_of_each_channel_and_a_batch():
    image = np.array([[[[-1.0, 4]]], [[[0.0, 2]]], [[[3.0, 7]]]])  # three pictures of one pixel
    value = losses.outside_range(image, np.array([0.0, 2]), np.array([1.0, 4]))
    np.testing.assert_allclose(value, [1 / 2, 0, (4 + 9) / 2])


def test_the_gradient_matches_finite_differences():
    rng, step = np.random.default_rng(2), 1e-6
    image, direction = rng.normal(size=(2, 1, 4, 5, 3))
    image = tf.constant(image)

    def value(image):
        return losses.outside_range(image, np.float64(-0.5), np.float64(0.7))[0]

    with tf.GradientTape() as tape:
        tape.watch(image)
        found = value(image)
    analytic = np.sum(tape.gradient(found, image) * direction)
    numeric = (value(image + step * direction) - value(image - step * direction)) / (2 * step)
    assert analytic == pytest.approx(float(numeric), rel=1e-6)


@pytest.mark.parametrize("formula", ["mean", "paper", "neural-style"])
def test_it_is_a_summand_of_the_objective(small_weights, picture, formula):
    """With its weight, in value and gradient, whatever the formula; nothing else changes."""
    image, found = glaring(37, 53), []
    for weight in (0.0, 20.0):
        config = Config(formula=formula, tv_weight=0.1, gamut_weight=weight, palette_weight=0)
        objective = Objective(config, small_weights, dtype="float64")
        goal = objective.targets(to_network(picture(37, 53)), [to_network(picture(40, 30))], [1.0])
        value, gradient = objective.value_and_gradient(tf.constant(image), goal)
        found.append((float(value), gradient.numpy(), objective.parts(image, goal)))
    scale = 20 * float(goal.scale)
    (plain, slope, before), (value, gradient, parts) = found
    assert float(before.gamut) == 0
    assert float(parts.gamut) == pytest.approx(scale * penalty(image), rel=1e-6)
    assert value - plain == pytest.approx(scale * penalty(image), rel=1e-6)
    levels = image + BGR_MEAN
    push = scale * 2 * (levels - np.clip(levels, 0, 255)) / levels.size
    np.testing.assert_allclose(gradient - slope, push, atol=1e-9 * np.abs(gradient).max())
    total = [*parts.content.values(), *parts.style.values(), parts.total_variation, parts.gamut]
    assert float(parts.value) == pytest.approx(float(sum(total)), rel=1e-12)


def test_the_scale_is_the_mean_square_activation(small_weights, small_arrays, picture):
    """Of the content's and the style's layers, each counting the same."""
    content, style = picture(48, 64), picture(40, 32, 1)
    objective = Objective(Config(padding="zeros"), small_weights, dtype="float64")
    goal = objective.targets(to_network(content), [to_network(style)], [1.0])
    of_content, of_style = (
        reference.forward(to_network(one)[0], small_arrays, "max") for one in (content, style)
    )
    squares = [np.mean(of_style[name] ** 2) for name in STYLE_LAYERS]
    squares.append(np.mean(of_content["block4_conv2"] ** 2))
    assert float(goal.scale) == pytest.approx(np.mean(squares), rel=1e-6)


def test_it_is_exactly_zero_inside(small_weights):
    """For black and white too: no picture of a file has any."""
    objective = Objective(Config(palette_weight=0), small_weights)
    rgb = np.random.default_rng(0).choice([0, 1, 128, 254, 255], (48, 48, 3)).astype(np.uint8)
    image = to_network(rgb)
    goal = objective.targets(image, [image], [1.0])
    assert float(objective.parts(image, goal).gamut) == 0
    _, gradient = objective.value_and_gradient(tf.constant(image), goal)
    assert np.abs(gradient).max() < 1e-4  # it is its own content and style
    assert float(objective.parts(image + np.float32(1), goal).gamut) > 0


def test_tiles_equal_the_whole(small_weights, picture):
    size, found = (131, 97), []
    config = Config(
        gamut_weight=1e6, palette_weight=0
    )  # so that it shows beside the small network's losses
    for objective in (
        Objective(config, small_weights, dtype="float64"),
        TiledObjective(config, small_weights, tile=48, dtype="float64"),
    ):
        goal = objective.targets(to_network(picture(*size)), [to_network(picture(60, 45, 1))], [1])
        image = tf.constant(glaring(*size))
        parts = objective.parts(image, goal)
        found.append((*objective.value_and_gradient(image, goal), parts.gamut))
    (value, gradient, gamut), (total, slope, other) = found
    assert float(gamut) == pytest.approx(float(other), rel=1e-12)
    weight = config.gamut_weight * float(goal.scale)
    assert float(gamut) == pytest.approx(weight * penalty(image), rel=1e-6)
    assert float(gamut) > 0.01 * float(value)
    assert float(total) == pytest.approx(float(value), rel=1e-12)
    assert np.linalg.norm(slope - gradient) < 1e-11 * np.linalg.norm(gradient)


def test_a_saved_model_has_it(small_file, picture, tmp_path):
    config = Config(size=48, weights=str(small_file))
    pictures = picture(48, 48), picture(32, 48, 1)
    image = glaring(48, 48).astype(np.float32)
    bound = build_objective(*pictures, config)
    value, gradient = bound(image)
    gamut = config.gamut_weight * float(bound.targets.scale) * penalty(image)
    assert float(bound.parts(image).gamut) == pytest.approx(gamut, rel=1e-5)
    plain, _ = build_objective(*pictures, dataclasses.replace(config, gamut_weight=0))(image)
    assert float(value) == pytest.approx(float(plain) + gamut, rel=1e-5)

    stylizer = Stylizer(*pictures, config)
    tf.saved_model.save(stylizer, str(tmp_path / "saved"))
    for module in (stylizer, tf.saved_model.load(str(tmp_path / "saved"))):
        found, slope = module.value_and_gradient(tf.constant(image))
        assert float(found) == pytest.approx(float(value), rel=1e-5)
        assert np.linalg.norm(slope - gradient) < 1e-4 * np.linalg.norm(gradient)


@pytest.fixture(scope="module")
def runs():
    """Gamut weight → (result, the objective of the same settings), 48×64 px, glaring."""
    rgbs = []
    for name in ("content", "style"):
        with Image.open(SAMPLES / f"{name}.jpg") as file:
            small = np.asarray(file.resize((64, 48), Image.Resampling.BOX), float)
        glaring = 128 + 2.5 * (small - small.mean((0, 1)))
        rgbs.append(np.clip(glaring, 0, 255).astype(np.uint8))
    made = {}
    for weight in (0.0, Config.gamut_weight):
        config = Config(
            weights="preview", size=64, init="content", style_weight=200, iterations=40,
            optimizer="lbfgs", precision="float32", gamut_weight=weight,
        )  # fmt: skip
        made[weight] = stylize(*rgbs, config), build_objective(*rgbs, config)
    return made


def test_clipping_undoes_less(runs):
    """Here clipping more than doubles the objective without it, and adds 3 % with it."""
    lost, outside = {}, {}
    for weight, (result, _) in runs.items():
        lost[weight] = result.saved_objective / result.objective - 1
        excess = result.unclipped - np.clip(result.unclipped, 0, 255)
        outside[weight] = np.sqrt(np.mean(excess**2))
    assert lost[0] > 0.02
    assert lost[Config.gamut_weight] < 0.6 * lost[0]
    assert outside[Config.gamut_weight] < 0.8 * outside[0]


@pytest.mark.parametrize("weight", [0.0, Config.gamut_weight])
def test_the_record_has_both_objectives(runs, weight):
    """Of the best point, and of the picture that a file holds, as `build_objective` has them."""
    result, bound = runs[weight]
    outcome = result.record["outcome"]
    best = result.unclipped[None, ..., ::-1] - np.asarray(BGR_MEAN, np.float32)
    for name, image in (("objective", best), ("saved_objective", to_network(result.image))):
        parts, wanted = outcome[name], bound.parts(image)
        assert parts["value"] == getattr(result, name)
        assert parts["value"] == pytest.approx(float(wanted.value), rel=1e-4)
        assert parts["gamut"] == pytest.approx(float(wanted.gamut), rel=1e-2)
        names = ("content", "style", "total_variation", "gamut", "palette")
        summands = sum(parts[part] for part in names)
        assert parts["value"] == pytest.approx(summands, rel=1e-5)
    assert outcome["saved_objective"]["gamut"] == 0
    assert (outcome["objective"]["gamut"] > 0) == (weight > 0)
