"""The objective against an independent NumPy implementation and finite differences."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.config import Config
from artistyle_tf.engine.bound import build_objective
from artistyle_tf.engine.problem import level_targets
from artistyle_tf.errors import InputError
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective

LAYERS = {
    "style_layers": {"block1_conv1": 1.0, "block3_conv1": 0.5, "block5_conv1": 2.0},
    "content_layers": {"block4_conv2": 1.0, "block2_conv2": 0.25},
}


def case(formula, pooling, tv_weight=0.0):
    config = Config(
        formula=formula,
        pooling=pooling,
        padding="zeros",
        tv_weight=tv_weight,
        content_weight=1.5,
        style_weight=70.0,
        palette_weight=0,
        balance=0,
        **LAYERS,
    )
    plain = {**LAYERS, "content_weight": 1.5, "style_weight": 70.0, "tv_weight": tv_weight}
    return config, plain, getattr(reference, f"{formula}_formula")


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("formula", ["mean", "paper"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-4)])
@pytest.mark.parametrize("size", [(32, 48), (37, 53), (16, 16)])
def test_value_and_gradient_equal_numpy(
    small_arrays, small_weights, picture, pooling, formula, dtype, tolerance, size
):
    config, plain, published = case(formula, pooling, tv_weight=0.3)
    content, styles = picture(*size, 1), [picture(40, 30, 2), picture(21, 35, 3)]
    shares = [0.7, 0.3]
    objective = Objective(config, small_weights, dtype=dtype)
    goal = objective.targets(to_network(content), [to_network(style) for style in styles], shares)
    image = to_network(picture(*size, 4)).astype(dtype)
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)

    wanted = reference.targets(
        to_network(content)[0], [to_network(s)[0] for s in styles], shares, small_arrays, pooling
    )
    expected, slope = reference.value_and_gradient(
        image[0], wanted, small_arrays, pooling, published, plain
    )
    assert value.dtype == dtype
    assert float(value) == pytest.approx(expected, rel=tolerance)
    error = np.linalg.norm(gradient[0] - slope) / np.linalg.norm(slope)
    assert error < tolerance
    parts = objective.parts(tf.constant(image), goal)
    assert float(parts.value) == pytest.approx(expected, rel=tolerance)
    total = sum([*parts.content.values(), *parts.style.values(), parts.total_variation])
    assert float(total) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_gradient_matches_finite_differences(small_weights, picture, pooling):
    config, _, _ = case("mean", pooling, tv_weight=0.1)
    objective = Objective(config, small_weights, dtype="float64")
    goal = objective.targets(to_network(picture(33, 47, 1)), [to_network(picture(40, 30, 2))], [1])
    image = to_network(picture(33, 47, 4)).astype(np.float64)
    rng, step = np.random.default_rng(5), 1e-4
    _, gradient = objective.value_and_gradient(tf.constant(image), goal)

    def value(image):
        return objective.value_and_gradient(tf.constant(image), goal)[0]

    for _ in range(3):
        direction = rng.normal(size=image.shape)
        numeric = reference.numeric_slope(value, image, direction, step)
        assert np.sum(gradient * direction) == pytest.approx(numeric, rel=1e-5)


def test_zero_at_the_targets_themselves(small_weights, picture):
    objective = Objective(Config(palette_weight=0), small_weights)
    image = to_network(picture(48, 48))
    goal = objective.targets(image, [image], [1.0])
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)
    scale, _ = objective.value_and_gradient(tf.zeros_like(image), goal)
    assert float(value) < 1e-9 * float(scale)
    assert np.abs(gradient).max() < 1e-4


def test_one_trace_serves_every_size(small_weights, picture):
    objective = Objective(Config(palette_weight=0), small_weights)
    for size in ((32, 32), (48, 40), (65, 33)):
        goal = level_targets(objective, picture(70, 70), [picture(60, 90)], size)
        objective.value_and_gradient(tf.zeros([1, *size, 3]), goal)
    assert objective.value_and_gradient.experimental_get_tracing_count() == 1


def test_layers_of_weight_zero_are_cut_off(small_weights):
    layers = {"block1_conv1": 1, "block5_conv1": 0}
    config = Config(style_layers=layers, content_layers={"block2_conv1": 1})
    objective = Objective(config, small_weights)
    assert objective.extractor.layers[-1].name == "block2_conv1"


def test_style_keeps_its_shape_and_follows_the_output(small_weights, picture):
    seen = []
    objective = Objective(Config(style_scale=0.5), small_weights)
    objective.targets = lambda content, styles, *rest: seen.append((content, styles))
    level_targets(objective, picture(60, 80), [picture(100, 50), picture(30, 90)], (48, 64))
    content, styles = seen[0]
    assert content.shape == (1, 48, 64, 3)
    # 32×16, and 11×32, which is made 16×48 to keep its aspect; then mirrored on to 64 px.
    assert [style.shape for style in styles] == [(1, 64, 32, 3), (1, 21, 64, 3)]
    np.testing.assert_array_equal(styles[0][:, 32:, :16], styles[0][:, 31::-1, :16])
    np.testing.assert_array_equal(styles[0][:, :, 16:], styles[0][:, :, 15::-1])


def test_a_small_style_does_not_gather_its_colours_along_the_borders(small_weights, picture):
    """Half as large a style of the same statistics: its Gram matrices are nearly the same, which
    without its mirror images they are not, since border is more of it to the deeper layers."""
    rng = np.random.default_rng(3)
    style = rng.integers(0, 256, (32, 32, 3), np.uint8).repeat(2, 0).repeat(2, 1)
    whole = np.concatenate([style, style[:, ::-1]], 1)
    whole = np.concatenate([whole, whole[::-1]], 0)
    objective = Objective(Config(style_scale=0.5), small_weights)
    goal = level_targets(objective, picture(128, 128), [style], (128, 128))
    wanted = level_targets(
        Objective(Config(), small_weights), picture(128, 128), [whole], (128, 128)
    )
    alone = objective.targets(to_network(picture(128, 128)), [to_network(style)], [1.0])
    for name in goal.style:
        np.testing.assert_allclose(goal.style[name], wanted.style[name], rtol=1e-4, atol=1e-5)
    deep, own = (one.style["block5_conv1"].numpy() for one in (wanted, alone))
    assert np.linalg.norm(own - deep) > 0.1 * np.linalg.norm(deep)


def test_style_is_mirrored_on_to_whole_cells_at_coarse_levels(small_weights, picture):
    """An odd last row would be dropped by pooling, and its border effect with it."""
    seen = []
    objective = Objective(Config(), small_weights)
    objective.targets = lambda content, styles, *rest: seen.extend(styles)
    style = picture(37, 64)
    level_targets(objective, picture(64, 64), [style], (64, 64))
    np.testing.assert_array_equal(seen.pop(), to_network(style))
    level_targets(objective, picture(64, 64), [style], (64, 64), finest=False)
    np.testing.assert_array_equal(seen[0][:, :37], to_network(style))
    np.testing.assert_array_equal(seen[0][:, 37:], to_network(style[:25:-1])[:, :11])
    assert seen[0].shape == (1, 48, 64, 3)


def test_build_objective(small_file, picture):
    config = Config(weights=str(small_file), size=48)
    bound = build_objective(picture(60, 80), [picture(50, 50, 1)], config)
    assert bound.size == (48, 48)  # 36×48, filled up to whole cells
    value, gradient = bound(np.zeros((1, 48, 48, 3)))
    assert gradient.shape == (1, 48, 48, 3)
    assert gradient.dtype == tf.float32
    assert float(bound.parts(np.zeros((1, 48, 48, 3))).value) == pytest.approx(float(value), 1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_build_objective_in_tiles(small_file, picture, masked):
    """`tile_size` as a number computes in tiles what is larger; the numbers stay the same."""
    config = Config(weights=str(small_file), size=96, tv_weight=0.2, balance=1, palette_weight=30)
    sky = np.zeros((72, 96), np.uint8)
    sky[:40] = 255
    masks = {"content_masks": [sky, 255 - sky]} if masked else {}
    pictures = picture(72, 96), [picture(50, 50, 1), picture(40, 60, 2)]
    image = to_network(picture(80, 96, 3))

    def bound(tile):
        return build_objective(*pictures, dataclasses.replace(config, tile_size=tile), **masks)

    whole, tiled = bound("auto"), bound(48)
    assert isinstance(tiled.objective, TiledObjective)
    assert tiled.objective.tile == 48
    for tile in ("auto", 0, 96):  # the last is as large as the picture
        assert type(bound(tile).objective) is Objective
    value, gradient = whole(image)
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
from artistyle_tf.engine.bound import build_objective
rng = np.random.default_rng(0)
for size in (48, 64):
    content, style = rng.integers(0, 255, (2, size, size, 3), np.uint8)
    bound = build_objective(content, style, Config(size=size, weights={path!r}))
    value, gradient = bound(rng.normal(size=(1, size, size, 3)).astype(np.float32) * 30)
    print(float(value), float(tf.norm(gradient)), float(bound.parts(gradient).value))
"""


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_frozen_weights_change_nothing(small_file, onednn):
    """With several networks in one process, as constants and as promised to be constant."""
    numbers = []
    for frozen in ("0", "1"):
        environment = {
            **os.environ,
            "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": frozen,
            "TF_ENABLE_ONEDNN_OPTS": onednn,
        }
        done = subprocess.run(
            [sys.executable, "-c", FROZEN_CODE.format(path=str(small_file))],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        numbers.append(np.array([float(word) for word in done.stdout.split()]))
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-4)
