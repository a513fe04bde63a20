"""Spatial control: guided Gram matrices, and runs whose styles keep to their masks."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import reference
from artistyle_tf import Checkpoints, Config, InputError, Stylizer
from artistyle_tf.engine.export import build_objective
from artistyle_tf.engine.problem import Styles, level_targets
from artistyle_tf.engine.provenance import kinds_of, read_rerun
from artistyle_tf.images.masks import (
    Masks,
    Regions,
    grey,
    read_masks,
)
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.read import read, read_record
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from painters import stylize

LAYERS = {
    "style_layers": {"block1_conv1": 1.0, "block3_conv1": 0.5, "block5_conv1": 2.0},
    "content_layers": {"block4_conv2": 1.0},
}
WHITE = 255


def soft(height, width, seed):
    """A mask with everything between black and white."""
    y, x = np.mgrid[:height, :width]
    wave = np.sin(x / 9 + seed) + np.sin(y / 7 + 2 * seed)
    return np.clip(128 + 110 * wave, 0, 255).astype(np.uint8)


def half(height, width, left=True):
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = WHITE
    return mask if left else WHITE - mask


@pytest.mark.parametrize(
    ("pooling", "dtype", "tolerance", "size"),
    [("max", "float64", 1e-6, (37, 53)), ("avg", "float32", 1e-4, (32, 48))],
)
def test_value_and_gradient_equal_numpy(
    small_arrays, small_weights, picture, pooling, dtype, tolerance, size
):
    """Two soft regions that overlap, with soft masks over styles of other sizes."""
    config = Config(
        pooling=pooling,
        padding="zeros",
        content_weight=1.5,
        style_weight=70.0,
        palette_weight=0,
        balance=0,
        **LAYERS,
    )
    plain = {**LAYERS, "content_weight": 1.5, "style_weight": 70.0, "tv_weight": 0.0}
    content, styles = picture(*size, 1), [picture(40, 37, 2), picture(21, 35, 3)]
    regions = Regions([soft(*size, 1), soft(*size, 2)], [soft(40, 37, 3), soft(21, 35, 4)])
    objective = Objective(config, small_weights, dtype=dtype, regions=2)
    # No scaling: every style is given at the size that it would be scaled to.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "artistyle_tf.engine.problem.style_sides", lambda config, own, size, whole: own
        )
        patch.setattr("artistyle_tf.engine.problem.continued", lambda style, longer: style)
        goal = level_targets(objective, content, Styles(styles, regions.styles), size, regions)
    image = to_network(picture(*size, 4)).astype(dtype)
    value, gradient = objective.value_and_gradient(tf.constant(image), goal)

    seen = [reference.forward(to_network(s)[0], small_arrays, pooling) for s in styles]
    areas = [np.mean(mask / 255) for mask in regions.content]
    covered = np.mean(np.minimum(regions.content[0] / 255 + regions.content[1] / 255, 1))
    wanted = {
        "content": reference.forward(to_network(content)[0], small_arrays, pooling),
        "masks": regions.content,
        "strengths": [area / sum(areas) * covered for area in areas],
        "guided": {
            name: [
                reference.guided_gram(features[name], reference.guidance(mask, name))
                for features, mask in zip(seen, regions.styles, strict=True)
            ]
            for name in LAYERS["style_layers"]
        },
    }
    expected, slope = reference.value_and_gradient(
        image[0], wanted, small_arrays, pooling, reference.guided_formula, plain
    )
    assert float(value) == pytest.approx(expected, rel=tolerance)
    error = np.linalg.norm(gradient[0] - slope) / np.linalg.norm(slope)
    assert error < tolerance
    assert float(objective.parts(image, goal).value) == pytest.approx(expected, rel=tolerance)


def test_tiles_equal_the_whole(small_weights, picture):
    config, size = Config(palette_weight=0, **LAYERS), (83, 97)
    content, styles = picture(*size, 1), [picture(60, 45, 2), picture(50, 81, 3)]
    regions = Regions([soft(*size, 1), half(*size)], [soft(60, 45, 3), half(50, 81)])
    image = tf.constant(to_network(picture(*size, 4)), tf.float64)
    found = []
    for objective in (
        Objective(config, small_weights, dtype="float64", regions=2),
        TiledObjective(config, small_weights, tile=48, dtype="float64", regions=2),
    ):
        goal = level_targets(objective, content, Styles(styles, regions.styles), size, regions)
        found.append((*objective.value_and_gradient(image, goal), *tf.nest.flatten(goal)))
    for one, other in zip(*found, strict=True):
        scale = max(np.abs(one).max(), 1e-30)
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-10 * scale)


def test_a_region_too_small_for_a_layer_has_no_part_in_it(small_weights, picture):
    """Its style must not pull at nothing: value and gradient are those of the other alone."""
    size = (40, 40)
    config = Config(style_layers={"block5_conv1": 1.0}, content_weight=0.0, palette_weight=0)
    dot = np.zeros((40, 40), np.uint8)
    dot[39, 39] = 255  # a row that pooling drops
    white = np.full((40, 40), 255, np.uint8)
    image = tf.constant(to_network(picture(*size, 4)))
    values = {}
    for name, content in (("dot", [white, dot]), ("none", [white, white * 0])):
        objective = Objective(config, small_weights, regions=2)
        regions = Regions(content, [white, white])
        styles = [picture(*size, n) for n in (1, 2)]
        goal = level_targets(
            objective, picture(*size), Styles(styles, regions.styles), size, regions
        )
        value, gradient = objective.value_and_gradient(image, goal)
        assert np.isfinite(gradient).all()
        values[name] = float(value)
    assert values["dot"] == pytest.approx(values["none"], rel=1e-3)


# Whole runs, of few configs, so that painters are shared

SIZE = (32, 48)
MASKS = [half(*SIZE), half(*SIZE, left=False)]
LEFT, RIGHT = np.s_[:, :20], np.s_[:, 28:]


@pytest.fixture
def case(picture, small_file):
    """(content, red style, blue style, config): what a region was painted with shows."""
    content = np.repeat(picture(*SIZE, 1).mean(-1, keepdims=True), 3, -1).astype(np.uint8)
    rng = np.random.default_rng(5)
    red, blue = (rng.integers(0, 80, (*SIZE, 3), np.uint8) for _ in range(2))
    red[..., 0] += 150
    blue[..., 2] += 150
    settings = {"size": 48, "iterations": 25, "optimizer": "lbfgs", "precision": "float32"}
    settings |= {"noise_amplitude": 60}  # the small random network has to be shown colours
    return content, red, blue, Config(weights=str(small_file), style_weight=1e3, **settings)


def redness(image, where):
    """Red less blue, in grey levels."""
    return np.mean(image[where][..., 0].astype(float) - image[where][..., 2])


def test_each_style_keeps_to_its_mask(case):
    """And of a style half red, half blue only the half counts that its own mask says."""
    content, red, blue, config = case
    both = np.concatenate([red[:, :24], blue[:, 24:]], 1)
    for styles, style_masks in (([red, blue], []), ([both, both], MASKS)):
        image = stylize(content, styles, config, content_masks=MASKS, style_masks=style_masks).image
        assert redness(image, LEFT) > 20
        assert redness(image, RIGHT) < -20
        assert redness(image, LEFT) - redness(image, RIGHT) > 90


def test_what_no_mask_covers_is_the_content(case):
    content, red, _, config = case
    config = dataclasses.replace(config, color="luminance", iterations=5)
    result = stylize(content, red, config, content_masks=MASKS[:1])
    np.testing.assert_array_equal(result.image[:, 24:], content[:, 24:])
    changed = np.abs(result.image[:, :24].astype(float) - content[:, :24]).mean()
    assert changed > 20


def test_a_resumed_run_with_masks_and_other_masks(case, tmp_path):
    content, red, blue, config = case

    def paint(masks=MASKS, **options):
        return stylize(content, [red, blue], config, content_masks=masks, **options)

    whole = paint()
    paint(callback=lambda step: step.iteration < 9, checkpoints=Checkpoints(tmp_path))
    with pytest.raises(InputError, match="is of another run: content_masks was"):
        paint(MASKS[::-1], checkpoints=Checkpoints(tmp_path, resume=True))
    again = paint(checkpoints=Checkpoints(tmp_path, resume=True))
    assert again.image.tobytes() == whole.image.tobytes()
    assert again.record == whole.record


def test_the_record_names_the_masks_and_a_rerun_says_when_they_differ(case, tmp_path):
    content, red, blue, config = case
    paths = [tmp_path / "left.png", tmp_path / "right.png"]
    for path, mask in zip(paths, MASKS, strict=True):
        Image.fromarray(mask).save(path)
    stylize(content, [red, blue], config, content_masks=paths).save(tmp_path / "o.png")
    record = read_record(tmp_path / "o.png")
    assert [one["name"] for one in record["content_masks"]] == ["left.png", "right.png"]
    assert record["style_masks"] == []
    assert str(tmp_path) not in str(record)
    rerun = read_rerun(tmp_path / "o.png", weights=config.weights)
    pictures = read(content), [read(red), read(blue)]
    same = read_masks(paths, [], *pictures)
    assert rerun.differences(kinds_of(*pictures, None, same)) == []
    assert rerun.differences(kinds_of(*pictures, None, Masks())) == [
        "none: not the content_mask that o.png was made from"
    ]


def test_objective_and_stylizer_take_masks(case):
    content, red, blue, config = case
    bound = build_objective(content, [red, blue], config, content_masks=MASKS)
    image = tf.constant(to_network(content))
    value, gradient = bound(image)
    module = Stylizer(content, [red, blue], config, content_masks=MASKS)
    same, slope = module.value_and_gradient(image)
    assert float(same) == pytest.approx(float(value), rel=1e-5)
    np.testing.assert_allclose(slope, gradient, atol=1e-4 * np.abs(gradient).max())


# The masks themselves


def test_masks_that_cannot_be(picture, tmp_path):
    content = read(picture(64, 96))
    for mask, told in (
        (np.zeros((64, 96), np.uint8), "the mask array is all black; only its white parts are"),
        (half(64, 64), "the mask array is 64×64 px; it must have the shape of array, 96×64 px"),
        (tmp_path / "gone.png", "does not exist"),
    ):
        with pytest.raises(InputError, match=told):
            read_masks([mask], [], content, [])
    # Another size will do, as pictures are scaled to whole pixels.
    assert read_masks([half(33, 50)], [], content, []).content


def test_what_is_transparent_in_a_mask_is_outside():
    """As painting programs save a layer: white strokes, half of them soft, and nothing else."""
    alpha = np.array([[0, 128, 255, 255, 10]], np.uint8).repeat(20, 0).repeat(4, 1)
    colour = np.array([[255, 255, 255, 100, 0]], np.uint8).repeat(20, 0).repeat(4, 1)
    rgba = np.dstack([np.repeat(colour[..., None], 3, 2), alpha])
    mask = read(Image.fromarray(rgba))
    np.testing.assert_array_equal(grey(mask)[::20, ::4], [[0, 128, 255, 100, 0]])
    shown = read(rgba[..., :3].copy())
    np.testing.assert_array_equal(grey(shown), colour)
