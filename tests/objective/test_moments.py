"""Statistics "w2" in the objective: against NumPy, in tiles, with masks and several styles."""

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.config import Config
from artistyle_tf.engine.problem import level_targets
from artistyle_tf.images.masks import Regions
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.formulas import W2_SCALE
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective

LAYERS = {
    "style_layers": {"block1_conv1": 1.0, "block3_conv1": 0.5, "block5_conv1": 2.0},
    "content_layers": {"block4_conv2": 1.0},
}
WEIGHTS = {"content_weight": 1.5, "style_weight": 70.0, "tv_weight": 0.2}
NONE = {"gamut_weight": 0, "palette_weight": 0, "balance": 0}
CONFIG = Config(statistics="w2", padding="zeros", **NONE, **LAYERS, **WEIGHTS)
PLAIN = {**LAYERS, **WEIGHTS, "w2_scale": W2_SCALE}


def numpy_goal(content, styles, shares, arrays):
    """Means and second moments averaged: the moments of a picture with so much of each."""
    seen = [reference.forward(to_network(style)[0], arrays, "max") for style in styles]
    blended = {
        name: [
            tuple(
                sum(share * part for share, part in zip(shares, parts, strict=True))
                for parts in zip(*(reference.moments(one[name]) for one in seen), strict=True)
            )
        ]
        for name in LAYERS["style_layers"]
    }
    return {
        "content": reference.forward(to_network(content)[0], arrays, "max"),
        "moments": blended,
        "channels": {name: [1.0] for name in blended},
        "strengths": [1.0],
    }


@pytest.mark.parametrize("tile", [0, 32])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-3)])
@pytest.mark.parametrize("size", [(64, 48), (37, 53), (16, 16)])
def test_value_and_gradient_equal_numpy(
    small_arrays, small_weights, picture, dtype, tolerance, size, tile
):
    content, styles = picture(*size, 1), [picture(40, 30, 2), picture(64, 35, 3)]
    shares = [0.7, 0.3]
    if tile:
        objective = TiledObjective(CONFIG, small_weights, tile=tile, dtype=dtype)
    else:
        objective = Objective(CONFIG, small_weights, dtype=dtype)
    goal = objective.targets(to_network(content), [to_network(style) for style in styles], shares)
    image = to_network(picture(*size, 4)).astype(dtype)
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)
    expected, slope = reference.value_and_gradient(
        image[0],
        numpy_goal(content, styles, shares, small_arrays),
        small_arrays,
        "max",
        reference.gaussian_formula,
        PLAIN,
    )
    assert float(value) == pytest.approx(expected, rel=tolerance)
    assert np.linalg.norm(gradient[0] - slope) < tolerance * np.linalg.norm(slope)
    parts = objective.parts(tf.constant(image), goal)
    total = sum([*parts.content.values(), *parts.style.values(), parts.total_variation])
    assert float(total) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("tile", [0, 32])
def test_masks_weigh_means_and_covariances(small_arrays, small_weights, picture, tile):
    content, styles = picture(64, 48, 1), [picture(64, 64, 2), picture(48, 64, 3)]
    sky = np.zeros((64, 48), np.uint8)
    sky[:37, 5:] = 255
    sky[30:40] //= 2
    masks = [sky, 255 - sky]
    own = [np.full(style.shape[:2], 255, np.uint8) for style in styles]
    own[0][:, :20] = 0
    regions = Regions(content=masks, styles=own)
    options = {"dtype": "float64", "regions": 2}
    if tile:
        objective = TiledObjective(CONFIG, small_weights, tile=tile, **options)
    else:
        objective = Objective(CONFIG, small_weights, **options)
    goal = level_targets(objective, content, styles, (64, 48), regions)
    image = to_network(picture(64, 48, 4)).astype(np.float64)
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)

    scaled = [to_network(picture(64, 64, 2))[0], to_network(picture(48, 64, 3))[0]]
    seen = [reference.forward(one, small_arrays, "max") for one in scaled]
    channels = {
        name: [reference.guidance(mask, name) for mask in masks] for name in LAYERS["style_layers"]
    }
    wanted = {
        "content": reference.forward(to_network(content)[0], small_arrays, "max"),
        "moments": {
            name: [
                reference.moments(one[name], reference.guidance(mask, name))
                for one, mask in zip(seen, own, strict=True)
            ]
            for name in channels
        },
        "channels": channels,
        "strengths": np.asarray(goal.weights["block1_conv1"]) / 70,
    }
    expected, slope = reference.value_and_gradient(
        image[0], wanted, small_arrays, "max", reference.gaussian_formula, PLAIN
    )
    assert float(value) == pytest.approx(expected, rel=1e-5)  # guides are float32
    assert np.linalg.norm(gradient[0] - slope) < 1e-5 * np.linalg.norm(slope)
