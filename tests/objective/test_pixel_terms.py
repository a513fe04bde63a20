"""The terms of the pixels alone: range of a file, colours of the styles, an earlier picture."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import reference
from artistyle_tf import Config, stylize
from artistyle_tf.engine.export import build_objective
from artistyle_tf.engine.problem import Styles, level_targets
from artistyle_tf.images.color import NODES, TOLERANCE, oklab, palette_table
from artistyle_tf.images.masks import Regions
from artistyle_tf.images.network_scale import BGR_MEAN, to_network
from artistyle_tf.objective import palette
from artistyle_tf.objective.static_tiles import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from places import SAMPLES

# By Ottosson's own program.
OKLAB = {
    (255, 255, 255): (1, 0, 0),
    (255, 0, 0): (0.62796, 0.22486, 0.12585),
    (0, 255, 0): (0.86644, -0.23389, 0.17950),
    (0, 0, 255): (0.45201, -0.03246, -0.31153),
}
RED, GREEN, BLUE = list(OKLAB)[1:]

SHALLOW = {
    "style_layers": {"block1_conv1": 1, "block2_conv1": 1},
    "content_layers": {"block2_conv1": 1},
}


def flat(colour, height=24, width=32):
    return np.full((height, width, 3), colour, np.uint8)


def glaring(height, width, seed=0):
    """[1, H, W, 3] of the network's scale, float64, a third of it outside 0-255."""
    levels = np.random.default_rng(seed).uniform(-70, 325, (1, height, width, 3))
    return levels - BGR_MEAN


def outside(image):
    """What is below 0 or above 255, in NumPy."""
    levels = np.asarray(image, np.float64) + BGR_MEAN
    return levels - np.clip(levels, 0, 255)


def blurred(image):
    """[H, W, C] filtered by (1, 4, 6, 4, 1) / 16 along both axes, mirrored beyond the border."""
    for axis in (0, 1):
        rows = np.pad(np.moveaxis(image, axis, 0), [(2, 2), (0, 0), (0, 0)], "symmetric")
        count = len(rows) - 4
        image = sum(rows[k : k + count] * c / 16 for k, c in enumerate((1, 4, 6, 4, 1)))
        image = np.moveaxis(image, 0, axis)
    return image


def looked_up(rgb, table):
    """The table at one colour: of the eight nodes around it, each by its opposite part."""
    place = np.clip(rgb, 0, 255) * (NODES - 1) / 255
    low = np.minimum(place.astype(int), NODES - 2)
    part = place - low
    return sum(
        table[tuple(low + step)] * np.prod(np.where(step, part, 1 - part))
        for step in itertools.product((0, 1), repeat=3)
    )


def off_palette(image, tables, masks):
    """Of an image [H, W, 3] on the network's scale."""
    rgb = blurred(np.asarray(image, np.float64) + BGR_MEAN)[..., ::-1]
    total = 0.0
    for table, mask in zip(tables, masks, strict=True):
        values = np.array([[looked_up(pixel, table) for pixel in row] for row in rgb])
        total += np.mean(values * mask)
    return total


# In the objective


def test_they_are_summands_with_their_weights(small_weights, picture):
    """In value and gradient, to the formula; nothing else changes, not even a bit of it."""
    size, image = (19, 37), glaring(19, 37)
    rng = np.random.default_rng(5)
    before = rng.normal(0, 50, image.shape)
    counts = rng.uniform(size=(1, *size, 1)) * (rng.uniform(size=(1, *size, 1)) > 0.25)
    found = []
    for weight in (0.0, 20.0):
        config = Config(tv_weight=0.1, gamut_weight=weight, palette_weight=0, **SHALLOW)
        objective = Objective(config, small_weights, dtype="float64", temporal=bool(weight))
        style = objective.statistics(to_network(picture(40, 30)))
        goal = objective.targets(to_network(picture(*size)), [style], [1.0])
        if weight:
            found.append(objective.value_and_gradient(tf.constant(image), goal))
            goal = goal.following(before, counts, 3.0)
        found.append(objective.value_and_gradient(tf.constant(image), goal))
        parts = objective.parts(tf.constant(image), goal)
    (plain, slope), (value, gradient), (both, together) = found
    scale = float(goal.scale)
    gamut = 20 * scale * np.mean(outside(image) ** 2)
    assert float(value - plain) == pytest.approx(gamut, rel=1e-6)
    assert float(parts.gamut) == pytest.approx(gamut, rel=1e-6)
    push = 20 * scale * 2 * outside(image) / image.size
    np.testing.assert_allclose(gradient - slope, push, atol=1e-9 * np.abs(gradient).max())
    apart = counts * (image - before)
    temporal = 3 * scale * np.mean(apart * (image - before))
    assert float(both - value) == pytest.approx(temporal, rel=1e-9)
    assert float(parts.temporal) == pytest.approx(temporal, rel=1e-12)
    push = 3 * scale * 2 * apart / image.size
    np.testing.assert_allclose(together - gradient, push, atol=1e-10 * np.abs(together).max())
    assert objective.value_and_gradient.experimental_get_tracing_count() == 1
    total = [*parts.content.values(), *parts.style.values(), *parts[3:]]
    assert float(parts.value) == pytest.approx(float(sum(total)), rel=1e-12)


@pytest.mark.parametrize("masked", [False, True])
def test_tiles_equal_the_whole(small_weights, picture, masked):
    size, found = (64, 80), []
    config = Config(
        palette_weight=50.0, style_scale=0.4, strength=None, style_weight=3.0, **SHALLOW
    )
    styles = [picture(40, 32, 2), flat((150, 90, 40), 30, 40)][: 1 + masked]
    fading = np.linspace(255, 0, 80).astype(np.uint8)[None].repeat(64, 0)
    regions, masks, white = None, [1.0], []
    if masked:
        white = [np.full(style.shape[:2], 255, np.uint8) for style in styles]
        regions = Regions([fading, 255 - fading], white)
        masks = [fading / 255, 1 - fading / 255]
    tables = np.stack([palette_table([style]) for style in styles])
    image = tf.constant(glaring(*size))
    options = {"dtype": "float64", "regions": 2 * masked, "temporal": True}
    fixed = FixedTiledObjective(config, small_weights, tile=32, fixed=size, **options)
    for objective, compute in (
        (one := Objective(config, small_weights, **options), one.value_and_gradient),
        (one := TiledObjective(config, small_weights, tile=32, **options), one.value_and_gradient),
        (fixed, fixed.value_and_gradient),
        (fixed, tf.function(fixed.value_and_gradient, jit_compile=True, autograph=False)),
    )[: None if masked else 2]:
        goal = level_targets(
            objective, picture(*size, 1), Styles(styles, white, tables), size, regions
        )
        goal = goal.following(image + 9, tf.ones([1, *size, 1], tf.float64), 10.0)
        found.append((*compute(image, goal), objective.parts(image, goal)))
    (value, gradient, parts), *others = found
    weight = config.palette_weight * float(goal.scale)
    wanted = off_palette(image[0], tables, masks)
    assert float(parts.palette) == pytest.approx(weight * wanted, rel=1e-6)
    for part in (parts.palette, parts.gamut, parts.temporal):
        assert float(part) > 0.002 * float(value)
    for other, slope, same in others:
        assert float(other) == pytest.approx(float(value), rel=1e-11)
        for name in ("palette", "gamut", "temporal"):
            assert float(getattr(same, name)) == pytest.approx(float(getattr(parts, name)), 1e-12)
        assert np.linalg.norm(slope - gradient) < 1e-10 * np.linalg.norm(gradient)


def test_the_scale_is_the_mean_square_activation(small_weights, small_arrays, picture):
    """Of the content's and the style's layers, each counting the same."""
    content, style = picture(32, 48), picture(40, 32, 1)
    objective = Objective(Config(padding="zeros", **SHALLOW), small_weights, dtype="float64")
    goal = objective.targets(to_network(content), [objective.statistics(to_network(style))], [1.0])
    of_content, of_style = (
        reference.forward(to_network(one)[0], small_arrays, "max") for one in (content, style)
    )
    squares = [np.mean(of_style[name] ** 2) for name in SHALLOW["style_layers"]]
    squares.append(np.mean(of_content["block2_conv1"] ** 2))
    assert float(goal.scale) == pytest.approx(np.mean(squares), rel=1e-6)


# What the penalty on the range saves


def test_clipping_undoes_less_and_the_record_has_both_objectives():
    """Of the best point, and of the picture that a file holds, as `build_objective` has them."""
    rgbs = []
    for name in ("content", "style"):
        with Image.open(SAMPLES / f"{name}.jpg") as file:
            small = np.asarray(file.resize((48, 32), Image.Resampling.BOX), float)
        rgbs.append(np.clip(128 + 2.5 * (small - small.mean((0, 1))), 0, 255).astype(np.uint8))
    lost, excess = {}, {}
    for weight in (0.0, Config.gamut_weight):
        config = Config(
            weights="preview", size=48, init="content", style_weight=200, iterations=20,
            optimizer="lbfgs", precision="float32", gamut_weight=weight, **SHALLOW,
        )  # fmt: skip
        result, bound = stylize(*rgbs, config), build_objective(*rgbs, config)
        lost[weight] = result.saved_objective / result.objective - 1
        beyond = result.unclipped - np.clip(result.unclipped, 0, 255)
        excess[weight] = np.sqrt(np.mean(beyond**2))
        outcome = result.record["outcome"]
        best = result.unclipped[None, ..., ::-1] - np.asarray(BGR_MEAN, np.float32)
        for name, image in (("objective", best), ("saved_objective", to_network(result.image))):
            parts, wanted = outcome[name], bound.parts(image)
            assert parts["value"] == getattr(result, name)
            assert parts["value"] == pytest.approx(float(wanted.value), rel=1e-4)
            assert parts["gamut"] == pytest.approx(float(wanted.gamut), rel=1e-2)
        assert outcome["saved_objective"]["gamut"] == 0
        assert (outcome["objective"]["gamut"] > 0) == (weight > 0)
    assert lost[0] > 0.02
    assert lost[Config.gamut_weight] < 0.6 * lost[0]
    assert excess[Config.gamut_weight] < 0.8 * excess[0]


# The table of colours


@pytest.mark.parametrize(("jit", "regions"), [(False, 0), (True, 2)])
def test_the_lookup_and_its_gradient_equal_numpy(jit, regions):
    rng = np.random.default_rng(0)
    tables = rng.uniform(0, 9, (max(regions, 1), NODES, NODES, NODES))
    masks = list(rng.integers(0, 256, (regions, 14, 11), np.uint8))
    held = palette.palette(tables, masks, "float64")
    # Smooth, so that blurring leaves some of it outside of 0-255.
    image = blurred(rng.uniform(-400, 655, (14, 11, 3))) - BGR_MEAN

    @tf.function(jit_compile=jit, autograph=False)
    def value_and_gradient(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = palette.loss(image, held)
        return value, tape.gradient(value, image)

    value, gradient = value_and_gradient(tf.constant(image[None]))
    inside = blurred(image + BGR_MEAN)
    assert 0.02 < ((inside < 0) | (inside > 255)).mean() < 0.9
    wanted = off_palette(image, tables, [mask / 255 for mask in masks] or [1.0])
    assert float(value) == pytest.approx(wanted, rel=1e-9)
    for _ in range(3):
        direction = rng.normal(size=image.shape)
        slope = reference.numeric_slope(
            lambda image: value_and_gradient(tf.constant(image[None]))[0], image, direction, 1e-6
        )
        assert np.sum(gradient[0] * direction) == pytest.approx(slope, rel=1e-5)


def lost(picture, *tables, masks=()):
    held = palette.palette(np.stack(tables), masks, "float64")
    return float(palette.loss(tf.constant(to_network(picture), tf.float64), held))


def distance(one, other):
    away = np.linalg.norm(np.subtract(OKLAB[one], OKLAB[other]))
    return (255 * (away - TOLERANCE)) ** 2


def test_a_foreign_colour_costs_its_squared_distance_and_an_own_one_nothing(picture):
    assert oklab(np.array(list(OKLAB))) == pytest.approx(np.array(list(OKLAB.values())), abs=1e-4)
    of_red = palette_table([flat(RED)])
    assert (of_red.shape, of_red.dtype) == ((NODES,) * 3, np.float32)
    assert lost(flat(RED), of_red) == 0
    for other in (GREEN, BLUE):
        assert lost(flat(other), of_red) == pytest.approx(distance(RED, other), rel=1e-3)
    both = palette_table([flat(RED), flat(BLUE, 40, 20)])
    assert lost(flat(RED), both) == lost(flat(BLUE), both) == 0
    nearer = min(distance(RED, GREEN), distance(BLUE, GREEN))
    assert lost(flat(GREEN), both) == pytest.approx(nearer, rel=1e-3)
    style = picture(48, 64, 1)
    own, grey = (lost(style, palette_table([one])) for one in (style, flat((128, 128, 128))))
    assert own < 0.02 * grey


def test_only_what_a_mask_shows_counts_and_no_speck():
    style, mask = flat(RED), np.zeros((24, 32), np.uint8)
    style[:, 16:] = BLUE
    mask[:, :10] = 255
    assert lost(flat(BLUE), palette_table([style])) == 0
    away = pytest.approx(distance(RED, BLUE), rel=1e-3)
    assert lost(flat(BLUE), palette_table([style], mask)) == away
    assert lost(flat(BLUE), palette_table([style], mask * 0)) == 0
    speck = flat(RED)
    speck[3, 3] = BLUE
    assert lost(flat(BLUE), palette_table([speck])) == lost(flat(BLUE), palette_table([flat(RED)]))
    # Each region has a palette of its own.
    left = np.zeros((24, 32), np.uint8)
    left[:, :16] = 255
    tables = [palette_table([flat(one)]) for one in (RED, BLUE)]
    found = lost(flat(RED), *tables, masks=[left, 255 - left])
    assert found == pytest.approx(distance(RED, BLUE) / 2, rel=1e-3)
