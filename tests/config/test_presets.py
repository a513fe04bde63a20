"""Published recipes against transcriptions of what was published."""

import numpy as np
import pytest
import tensorflow as tf

import published
import reference
from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import level_sizes
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.whole import Objective


@pytest.mark.parametrize("preset", ["gatys-pytorch", "neural-style", "crowson"])
def test_value_and_gradient_are_the_published_ones(small_arrays, small_weights, picture, preset):
    config = Config.preset(preset)
    content, style = picture(37, 53, 1), picture(40, 30, 2)
    objective = Objective(config, small_weights, dtype="float64")
    goal = objective.targets(to_network(content), [objective.statistics(to_network(style))], [1.0])
    image = to_network(picture(37, 53, 4)).astype("float64")
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
    assert float(value) == pytest.approx(expected, rel=1e-6)
    assert np.linalg.norm(gradient[0] - slope) < 1e-6 * np.linalg.norm(slope)


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
