"""The objective against an independent NumPy implementation and finite differences."""

import dataclasses
import functools
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.config import Config
from artistyle_tf.engine.export import build_objective
from artistyle_tf.engine.problem import Styles, level_targets
from artistyle_tf.errors import InputError
from artistyle_tf.images.masks import Regions
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.losses import W2_SCALE
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.optimizers import LBFGS
from artistyle_tf.vgg.extractor import embedded_network
from conftest import make_weights

LAYERS = {
    "style_layers": {"block1_conv1": 1.0, "block3_conv1": 0.5, "block5_conv1": 2.0},
    "content_layers": {"block4_conv2": 1.0, "block2_conv2": 0.25},
}
WEIGHTS = {"content_weight": 1.5, "style_weight": 70.0, "tv_weight": 0.3}
PLAIN = {**LAYERS, **WEIGHTS, "w2_scale": W2_SCALE}


def configured(**settings):
    return Config(padding="zeros", palette_weight=0, balance=0, **LAYERS, **WEIGHTS, **settings)


@functools.cache
def plain():
    """Traced once."""
    return Objective(Config(palette_weight=0, **LAYERS), make_weights(reference.random_weights()))


@pytest.fixture
def photo(picture):
    return lambda height, width: to_network(picture(height, width, 4)).astype(np.float64)


def assert_equal(objective, goal, image, expected, slope, tolerance):
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)
    assert value.dtype == image.dtype
    assert float(value) == pytest.approx(expected, rel=tolerance)
    assert np.linalg.norm(gradient[0] - slope) < tolerance * np.linalg.norm(slope)
    parts = objective.parts(tf.constant(image), goal)
    assert float(parts.value) == pytest.approx(expected, rel=tolerance)
    total = sum([*parts.content.values(), *parts.style.values(), parts.total_variation])
    assert float(total + parts.gamut) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(
    ("formula", "published", "pooling"),
    [("mean", reference.mean_formula, "max"), ("paper", reference.paper_formula, "avg")],
)
def test_value_and_gradient_equal_numpy(
    small_arrays, small_weights, picture, photo, formula, published, pooling
):
    config = configured(formula=formula, pooling=pooling)
    objective = Objective(config, small_weights, dtype="float64")
    styles, shares = [to_network(picture(40, 30, 2)), to_network(picture(21, 35, 3))], [0.7, 0.3]
    for size in ((37, 53), (16, 16)):
        content, image = to_network(picture(*size, 1)), photo(*size)
        goal = objective.targets(content, list(map(objective.statistics, styles)), shares)
        wanted = reference.targets(
            content[0], [style[0] for style in styles], shares, small_arrays, pooling
        )
        expected, slope = reference.value_and_gradient(
            image[0], wanted, small_arrays, pooling, published, PLAIN
        )
        assert_equal(objective, goal, image, expected, slope, 1e-6)


def test_means_and_covariances_equal_numpy(small_arrays, small_weights, picture, photo):
    """Means and second moments averaged: the moments of a picture with so much of each style."""
    config = configured(statistics="w2", gamut_weight=0)
    objective = Objective(config, small_weights, dtype="float64")
    styles, shares = [to_network(picture(40, 30, 2)), to_network(picture(64, 35, 3))], [0.7, 0.3]
    seen = [reference.forward(style[0], small_arrays, "max") for style in styles]
    blended = {}
    for name in LAYERS["style_layers"]:
        each = [reference.moments(one[name]) for one in seen]
        blended[name] = [tuple(0.7 * a + 0.3 * b for a, b in zip(*each, strict=True))]
    for size in ((37, 53), (16, 16)):
        content, image = to_network(picture(*size, 1)), photo(*size)
        wanted = {
            "content": reference.forward(content[0], small_arrays, "max"),
            "moments": blended,
            "channels": {name: [1.0] for name in blended},
            "strengths": [1.0],
        }
        expected, slope = reference.value_and_gradient(
            image[0], wanted, small_arrays, "max", reference.gaussian_formula, PLAIN
        )
        goal = objective.targets(content, list(map(objective.statistics, styles)), shares)
        assert_equal(objective, goal, image, expected, slope, 1e-6)


def test_masks_weigh_means_and_covariances(small_arrays, small_weights, picture):
    content, styles = picture(64, 48, 1), [picture(64, 64, 2), picture(48, 64, 3)]
    sky = np.zeros((64, 48), np.uint8)
    sky[:37, 5:] = 255
    sky[30:40] //= 2
    masks = [sky, 255 - sky]
    own = [np.full(style.shape[:2], 255, np.uint8) for style in styles]
    own[0][:, :20] = 0
    config = configured(statistics="w2", gamut_weight=0)
    objective = Objective(config, small_weights, dtype="float64", regions=2)
    goal = level_targets(objective, content, Styles(styles, own), (64, 48), Regions(masks, own))
    image = to_network(picture(64, 48, 4)).astype(np.float64)
    seen = [reference.forward(to_network(style)[0], small_arrays, "max") for style in styles]
    names = LAYERS["style_layers"]
    wanted = {
        "content": reference.forward(to_network(content)[0], small_arrays, "max"),
        "moments": {
            name: [
                reference.moments(one[name], reference.guidance(mask, name))
                for one, mask in zip(seen, own, strict=True)
            ]
            for name in names
        },
        "channels": {name: [reference.guidance(mask, name) for mask in masks] for name in names},
        "strengths": np.asarray(goal.weights["block1_conv1"]) / 70,
    }
    expected, slope = reference.value_and_gradient(
        image[0], wanted, small_arrays, "max", reference.gaussian_formula, PLAIN
    )
    assert_equal(objective, goal, image, expected, slope, 1e-5)  # guides are float32


def test_zero_at_the_targets_themselves():
    """Even of black and white: no picture of a file leaves 0-255."""
    objective = plain()
    rgb = np.random.default_rng(0).choice([0, 1, 128, 254, 255], (32, 32, 3)).astype(np.uint8)
    image = to_network(rgb)
    goal = objective.targets(image, [objective.statistics(image)], [1.0])
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)
    scale, _ = objective.value_and_gradient(tf.zeros_like(image), goal)
    assert float(value) < 1e-9 * float(scale)
    assert np.abs(gradient).max() < 1e-4
    assert float(objective.parts(image, goal).gamut) == 0
    assert float(objective.parts(image + np.float32(1), goal).gamut) > 0


def test_one_trace_serves_every_size(picture):
    objective = plain()
    for size in ((32, 32), (40, 33)):
        goal = level_targets(objective, picture(70, 70), Styles([picture(60, 90)]), size)
        objective.value_and_gradient(tf.zeros([1, *size, 3]), goal)
    assert objective.value_and_gradient.experimental_get_tracing_count() == 1


def test_tensorflow_does_not_take_objectives_for_one_that_is_traced_again(small_weights, caplog):
    shallow = {"style_layers": {"block1_conv1": 1}, "content_layers": {"block1_conv1": 1}}
    config = Config(palette_weight=0, **shallow)
    for _ in range(6):
        objective = Objective(config, small_weights)
        objective.statistics(np.zeros((1, 16, 16, 3)))
        embedded_network(objective.extractor)(tf.zeros([1, 16, 16, 3]))
        minimizer = LBFGS(lambda x, _: (tf.reduce_sum(x**2), 2 * x))
        minimizer.advance(minimizer.start(np.ones(3)))
    assert "retracing" not in caplog.text


def test_layers_of_weight_zero_are_cut_off(small_weights):
    layers = {"block1_conv1": 1, "block5_conv1": 0}
    config = Config(style_layers=layers, content_layers={"block2_conv1": 1})
    objective = Objective(config, small_weights)
    assert objective.extractor.layers[-1].name == "block2_conv1"


def test_a_style_is_scaled_and_mirrored_on_to_whole_cells(small_weights, picture):
    """It keeps its shape. An odd last row would be dropped by pooling, and its border effect with
    it; a small style would gather its colours along the borders."""
    seen = []
    objective = Objective(Config(style_scale=0.5), small_weights)
    objective.statistics = lambda style, guide: seen.append(style)
    objective.targets = lambda *_: None
    styles = Styles([picture(100, 50), picture(30, 90)])
    level_targets(objective, picture(60, 80), styles, (48, 64))
    # 32×16, and 11×32, which is made 16×48 to keep its aspect; then mirrored on to 64 px.
    assert [style.shape for style in seen] == [(1, 64, 32, 3), (1, 21, 64, 3)]
    np.testing.assert_array_equal(seen[0][:, 32:, :16], seen[0][:, 31::-1, :16])
    np.testing.assert_array_equal(seen[0][:, :, 16:], seen[0][:, :, 15::-1])

    objective.config, style = Config(), picture(37, 64)
    for finest in (True, False):
        level_targets(objective, picture(64, 64), Styles([style]), (64, 64), finest=finest)
    *_, fine, coarse = seen
    np.testing.assert_array_equal(fine, to_network(style))
    np.testing.assert_array_equal(coarse[:, :37], to_network(style))
    np.testing.assert_array_equal(coarse[:, 37:], to_network(style[:25:-1])[:, :11])


def test_build_objective_in_tiles(small_file, picture):
    """`tile_size` as a number computes in tiles what is larger; the numbers stay the same."""
    config = Config(
        weights=str(small_file), size=96, tv_weight=0.2, balance=1, palette_weight=30,
        style_layers={"block1_conv1": 1, "block2_conv1": 1}, content_layers={"block2_conv2": 1},
    )  # fmt: skip
    sky = np.zeros((72, 96), np.uint8)
    sky[:40] = 255
    pictures = picture(72, 96), [picture(50, 50, 1), picture(40, 60, 2)]

    def bound(tile):
        changed = dataclasses.replace(config, tile_size=tile)
        return build_objective(*pictures, changed, content_masks=[sky, 255 - sky])

    whole, tiled = bound("auto"), bound(48)
    assert whole.size == (80, 96)  # filled up to whole cells
    assert isinstance(tiled.objective, TiledObjective)
    assert type(whole.objective) is Objective
    image = to_network(picture(80, 96, 3))
    value, gradient = whole(image.astype(np.float64))
    assert (gradient.shape, gradient.dtype) == ((1, 80, 96, 3), tf.float32)
    assert float(whole.parts(image).value) == pytest.approx(float(value), 1e-5)
    found, slope = tiled(image)
    assert float(found) == pytest.approx(float(value), rel=1e-5)
    assert np.linalg.norm(slope - gradient) < 1e-4 * np.linalg.norm(gradient)
    assert float(tiled.parts(image).value) == pytest.approx(float(value), rel=1e-5)


def test_thin_pictures_are_refused_with_the_size_that_would_do(small_file, picture):
    config = Config(weights=str(small_file), size=64)
    with pytest.raises(InputError, match="both sides must be at least 16 px, which takes a size"):
        build_objective(picture(20, 200), picture(50, 50), config)


FROZEN_CODE = """
import numpy as np, tensorflow as tf
from artistyle_tf.config.config import Config
from artistyle_tf.engine.export import build_objective
rng = np.random.default_rng(0)
for size in (32, 48):
    content, style = rng.integers(0, 255, (2, size, size, 3), np.uint8)
    config = Config(
        size=size, weights={path!r}, style_layers=[("block1_conv1", 1), ("block3_conv1", 1)],
        content_layers=[("block3_conv2", 1)], palette_weight=0, balance=0,
    )
    bound = build_objective(content, style, config)
    value, gradient = bound(rng.normal(size=(1, size, size, 3)).astype(np.float32) * 30)
    print(float(value), float(tf.norm(gradient)), float(bound.parts(gradient).value))
"""


def test_frozen_weights_change_nothing(small_file, capsys):
    """With several networks in one process, as constants and as promised to be constant."""
    code = FROZEN_CODE.format(path=str(small_file))
    frozen = {**os.environ, "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=frozen, capture_output=True, text=True, check=True
    )
    exec(code, {})
    both = [[float(word) for word in out.split()] for out in (done.stdout, capsys.readouterr().out)]
    np.testing.assert_allclose(*both, rtol=1e-3)
