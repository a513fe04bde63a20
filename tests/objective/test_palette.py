"""The penalty on colours that the styles lack: its table, its lookup, in tiles, with masks."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.config import Config
from artistyle_tf.engine.problem import level_targets
from artistyle_tf.images.color import NODES, TOLERANCE, oklab, palette_table
from artistyle_tf.images.masks import Regions
from artistyle_tf.images.network_scale import BGR_MEAN, to_network
from artistyle_tf.objective import palette
from artistyle_tf.objective.fixed import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective

# By Ottosson's own program.
OKLAB = {
    (255, 255, 255): (1, 0, 0),
    (255, 0, 0): (0.62796, 0.22486, 0.12585),
    (0, 255, 0): (0.86644, -0.23389, 0.17950),
    (0, 0, 255): (0.45201, -0.03246, -0.31153),
}
RED, GREEN, BLUE = list(OKLAB)[1:]


def flat(colour, height=24, width=32):
    return np.full((height, width, 3), colour, np.uint8)


def blurred(image):
    """[H, W, C] filtered by (1, 4, 6, 4, 1) / 16 along both axes, mirrored beyond the border."""
    for axis in (0, 1):
        around = [(2, 2) if one == axis else (0, 0) for one in range(3)]
        rows = np.pad(image, around, "symmetric")
        parts = [np.roll(rows, 2 - k, axis) * c / 16 for k, c in enumerate((1, 4, 6, 4, 1))]
        image = sum(parts)[
            (slice(2, -2), slice(None)) if axis == 0 else (slice(None), slice(2, -2))
        ]
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


def penalty(image, tables, masks):
    """Of an image [H, W, 3] on the network's scale."""
    rgb = blurred(np.asarray(image, np.float64) + BGR_MEAN)[..., ::-1]
    total = 0.0
    for table, mask in zip(tables, masks, strict=True):
        values = np.array([[looked_up(pixel, table) for pixel in row] for row in rgb])
        total += np.mean(values * mask)
    return total


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("regions", [0, 2])
def test_value_and_gradient_equal_numpy(jit, regions):
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
    wanted = penalty(image, tables, [mask / 255 for mask in masks] or [1.0])
    assert float(value) == pytest.approx(wanted, rel=1e-9)
    for _ in range(3):
        direction = rng.normal(size=image.shape)
        slope = reference.numeric_slope(
            lambda image: value_and_gradient(tf.constant(image[None]))[0], image, direction, 1e-6
        )
        assert np.sum(gradient[0] * direction) == pytest.approx(slope, rel=1e-5)


def test_oklab():
    assert oklab(np.array(list(OKLAB))) == pytest.approx(np.array(list(OKLAB.values())), abs=1e-4)


def lost(picture, *tables, masks=()):
    held = palette.palette(np.stack(tables), masks, "float64")
    return float(palette.loss(tf.constant(to_network(picture), tf.float64), held))


def distance(one, other):
    away = np.linalg.norm(np.subtract(OKLAB[one], OKLAB[other]))
    return (255 * (away - TOLERANCE)) ** 2


def test_a_foreign_colour_costs_its_squared_distance_and_an_own_one_nothing():
    of_red = palette_table([flat(RED)])
    assert (of_red.shape, of_red.dtype) == ((NODES,) * 3, np.float32)
    assert lost(flat(RED), of_red) == 0
    for other in (GREEN, BLUE):
        assert lost(flat(other), of_red) == pytest.approx(distance(RED, other), rel=1e-3)
    both = palette_table([flat(RED), flat(BLUE, 40, 20)])
    assert lost(flat(RED), both) == lost(flat(BLUE), both) == 0
    nearer = min(distance(RED, GREEN), distance(BLUE, GREEN))
    assert lost(flat(GREEN), both) == pytest.approx(nearer, rel=1e-3)


def test_a_style_itself_costs_next_to_nothing(picture):
    style = picture(48, 64, 1)
    table = palette_table([style])
    assert lost(style, table) < 1e-3 * lost(255 - flat((90, 60, 20)), palette_table([flat(RED)]))
    assert lost(style, table) < 0.02 * lost(style, palette_table([flat((128, 128, 128))]))


def test_only_what_a_mask_shows_counts_and_no_speck():
    style, mask = flat(RED), np.zeros((24, 32), np.uint8)
    style[:, 16:] = BLUE
    mask[:, :10] = 255
    assert lost(flat(BLUE), palette_table([style])) == 0
    assert lost(flat(BLUE), palette_table([style], mask)) == pytest.approx(
        distance(RED, BLUE), rel=1e-3
    )
    assert lost(flat(BLUE), palette_table([style], mask * 0)) == 0
    speck = flat(RED)
    speck[3, 3] = BLUE
    assert lost(flat(BLUE), palette_table([speck])) == lost(flat(BLUE), palette_table([flat(RED)]))


def test_each_region_has_its_own_palette():
    left = np.zeros((24, 32), np.uint8)
    left[:, :16] = 255
    tables = [palette_table([flat(one)]) for one in (RED, BLUE)]
    found = lost(flat(RED), *tables, masks=[left, 255 - left])
    assert found == pytest.approx(distance(RED, BLUE) / 2, rel=1e-3)
    assert lost(flat(RED), *tables, masks=[left, left * 0]) == 0


@pytest.mark.parametrize("masked", [False, True])
def test_it_is_a_summand_and_tiles_equal_the_whole(small_weights, picture, masked):
    size, found = (80, 96), []
    config = Config(
        style_layers={"block1_conv1": 1, "block2_conv1": 1}, content_layers={"block2_conv1": 1},
        palette_weight=50.0, style_scale=0.4, strength=None, style_weight=3.0,
    )  # fmt: skip
    styles = [picture(40, 32, 2), flat((150, 90, 40), 30, 40)][: 1 + masked]
    fading = np.linspace(255, 0, 96).astype(np.uint8)[None].repeat(80, 0)
    regions, masks = None, [1.0]
    if masked:
        white = [np.full(style.shape[:2], 255, np.uint8) for style in styles]
        regions = Regions([fading, 255 - fading], white)
        masks = [fading / 255, 1 - fading / 255]
    tables = np.stack([palette_table([style]) for style in styles])
    image = tf.constant(to_network(picture(*size, 4)), tf.float64)
    options = {"dtype": "float64", "regions": 2 * masked}
    for objective in (
        Objective(config, small_weights, **options),
        TiledObjective(config, small_weights, tile=48, **options),
        FixedTiledObjective(config, small_weights, tile=48, fixed=size, **options),
    ):
        goal = level_targets(objective, picture(*size, 1), styles, size, regions, tables)
        found.append((*objective.value_and_gradient(image, goal), objective.parts(image, goal)))
    (value, gradient, parts), *others = found
    weight = config.palette_weight * float(goal.scale)
    wanted = penalty(image[0], tables, masks)
    assert float(parts.palette) == pytest.approx(weight * wanted, rel=1e-6)
    assert float(parts.palette) > 0.05 * float(value)
    total = [*parts.content.values(), *parts.style.values(), parts.gamut, parts.palette]
    assert float(value) == pytest.approx(float(sum(total)), rel=1e-12)
    for other, slope, same in others:
        assert float(other) == pytest.approx(float(value), rel=1e-11)
        assert float(same.palette) == pytest.approx(float(parts.palette), rel=1e-12)
        assert np.linalg.norm(slope - gradient) < 1e-10 * np.linalg.norm(gradient)
