"""Published recipes against transcriptions of what was published."""

import numpy as np
import pytest
import tensorflow as tf

import published
import reference
from artistyle_tf.objective.whole import Objective
from artistyle_tf.pictures.network_scale import to_network
from artistyle_tf.scene.schedule import level_sizes
from artistyle_tf.settings.config import Config


@pytest.mark.parametrize("preset", ["gatys-pytorch", "neural-style", "crowson"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-4)])
def test_value_and_gradient_are_the_published_ones(
    small_arrays, small_weights, picture, preset, dtype, tolerance
):
    config = Config.preset(preset)
    content, style = picture(37, 53, 1), picture(40, 30, 2)
    objective = Objective(config, small_weights, dtype=dtype)
    goal = objective.targets(to_network(content), [to_network(style)], [1.0])
    image = to_network(picture(37, 53, 4)).astype(dtype)
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)

    seen = [
        reference.forward(to_network(one)[0], small_arrays, config.pooling, config.padding)
        for one in (content, style)
    ]
    transcribed = getattr(published, preset.replace("-", "_"))

    def formula(features, goal, config):
        return transcribed(features, *seen)

    expected, slope = reference.value_and_gradient(
        image[0], None, small_arrays, config.pooling, formula, {"tv_weight": 0}, config.padding
    )
    if preset == "neural-style":  # its TV has a gradient only; the value is the one behind it
        pixels = image[0].astype(np.float64)
        slope = slope + published.neural_style_tv_gradient(pixels)
        inner = pixels[:-1, :-1]
        across, down = pixels[:-1, 1:] - inner, pixels[1:, :-1] - inner
        expected += 1e-3 * (np.sum(across**2) + np.sum(down**2)) / 2
    if preset == "crowson":
        variation, by_pixel = published.crowson_tv(image[0].astype(np.float64))
        assert variation > 1e-3 * expected
        expected, slope = expected + variation, slope + by_pixel
    assert float(value) == pytest.approx(expected, rel=tolerance)
    assert np.linalg.norm(gradient[0] - slope) < tolerance * np.linalg.norm(slope)


def test_what_else_was_published():
    gatys, neural = Config.preset("gatys-pytorch"), Config.preset("neural-style")
    for config in (gatys, neural):
        assert (config.pooling, config.levels, config.history) == ("max", 1, 100)
        assert (config.weights, config.gamut_weight) == ("auto", 0)
    assert (gatys.init, gatys.iterations) == ("content", 500)
    assert (neural.init, neural.iterations) == ("grey", 1000)
    crowson = Config.preset("crowson")
    assert (crowson.init, crowson.iterations, crowson.finer_iterations) == ("content", 1000, 500)
    assert crowson.learning_rate == pytest.approx(0.02 * 255)
    assert (crowson.coarsest, crowson.padding, crowson.pooling) == (128, "replicate-first", "max")
    sizes = level_sizes((512, 512), crowson.levels, crowson.coarsest, crowson.level_step)
    assert [size[0] for size in sizes] == [128, 176, 256, 352, 512]  # 181, 362 in whole cells


@pytest.mark.parametrize(
    ("weights", "statistics"), [((1, 1, 1), "gram"), ((1, 2, 5), "gram"), ((1, 2, 5), "w2")]
)
def test_equal_balance_starts_with_equal_shares(small_weights, picture, weights, statistics):
    layers = dict(zip(["block1_conv1", "block3_conv1", "block5_conv1"], weights, strict=True))
    objective = Objective(Config(style_layers=layers, statistics=statistics), small_weights)
    goal = objective.targets(to_network(picture(48, 48)), [to_network(picture(48, 48, 1))], [1])
    image = tf.constant(to_network(picture(48, 48, 2)))
    before = objective.parts(image, goal)
    parts = objective.parts(image, objective.balanced(image, goal))
    style = {name: float(part) for name, part in before.style.items()}
    total = sum(style.values())
    for name, weight in layers.items():
        assert float(parts.style[name]) == pytest.approx(total * weight / sum(weights), rel=1e-4)
    assert max(style.values()) > 1.5 * min(style.values())  # they were not equal before
    assert float(parts.value) == pytest.approx(float(before.value), rel=1e-4)


def test_balance_is_safe_where_there_is_no_loss(small_weights, picture):
    objective = Objective(Config(), small_weights)
    image = to_network(picture(48, 48))
    goal = objective.targets(image, [image], [1.0])
    for factor in objective.balanced(tf.constant(image), goal).balance.values():
        assert np.isfinite(float(factor))
