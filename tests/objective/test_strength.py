"""How strongly the style counts: strength as a ratio, layers and regions by their distance."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import style_ratio
from artistyle_tf.engine.problem import Styles, level_targets
from artistyle_tf.images.masks import Regions
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.whole import Objective

SIZE = (48, 64)
LAYERS = {"block1_conv1": 1.0, "block2_conv1": 2.0, "block3_conv1": 5.0}
SHALLOW = {"palette_weight": 0, "style_layers": LAYERS, "content_layers": {"block2_conv2": 1}}


def styles_of(picture, seed):
    """Two, one of them with weaker features; as large as the photo, so that none is scaled."""
    return picture(64, 64, seed + 1), (picture(64, 64, seed + 2) // 3 + 80).astype(np.uint8)


def case(picture, weights, regions=0, seed=0, **settings):
    """(objective, photo, targets) of a pair."""
    config = Config.preset(settings.pop("preset", "artistyle"), **SHALLOW, **settings)
    objective = Objective(config, weights, dtype="float64", regions=regions)
    content, styles = picture(*SIZE, seed), styles_of(picture, seed)
    masks, used = None, Styles(styles[: max(regions, 1)])
    if regions:
        left = np.zeros(SIZE, np.uint8)
        left[:, :20] = 255
        white = [np.full((64, 64), 255, np.uint8)] * 2
        masks, used = Regions([left, 255 - left], white), Styles(styles, white)
    goal = level_targets(objective, content, used, SIZE, masks)
    return objective, tf.constant(to_network(content), tf.float64), goal


def by_region(objective, photo, goal):
    """[layers, R], the photo's style losses as the targets weigh them."""
    count = len(goal.weights["block1_conv1"])
    alone = [
        goal._replace(weights={name: one * np.eye(count)[r] for name, one in goal.weights.items()})
        for r in range(count)
    ]
    parts = [objective.parts(photo, one).style.values() for one in alone]
    return np.array([[float(loss) for loss in region] for region in parts]).T


def ratio(objective, photo, goal):
    """Its style loss by the content loss of what shows nothing."""
    nothing = {name: tf.zeros_like(one) for name, one in goal.content.items()}
    parts = objective.parts(photo, goal._replace(content=nothing))
    return float(sum(parts.style.values())) / float(sum(parts.content.values()))


def loudness(objective, photo, goal, picture, seed=0):
    """Geometric mean, over layers and by the regions' areas, of mean squares: style over photo."""
    areas = goal.weights["block1_conv1"].numpy()
    logs = []
    for index, style in enumerate(styles_of(picture, seed)[: len(areas)]):
        own = objective.extractor(to_network(style).astype(np.float64))
        seen = objective.extractor(photo)
        for name in goal.style:
            where = goal.guides[name][..., index : index + 1] if goal.guides else 1.0
            squares = np.mean(own[name] ** 2), np.mean(where * seen[name] ** 2)
            logs.append(np.log(squares[0] / squares[1]) * areas[index])
    return np.exp(np.sum(logs) / areas.sum() / len(goal.style))


@pytest.mark.parametrize(("regions", "statistics"), [(0, "gram"), (2, "w2")])
def test_with_a_balance_of_1_layers_and_regions_start_equal(
    small_weights, picture, regions, statistics
):
    """Times their weights and areas; the style loss as a whole stays what the weight makes it."""
    objective, photo, goal = case(
        picture, small_weights, regions, statistics=statistics, style_weight=7
    )
    chosen = objective.find_style_weights(photo, goal)
    goal = goal._replace(weights={name: 7 * one for name, one in goal.weights.items()})
    before = by_region(objective, photo, goal)
    after = by_region(objective, photo, goal.with_weights(chosen))
    weights = np.array(list(LAYERS.values()))[:, None] / 8
    shares = np.array([20, 44]) / 64 if regions else 1
    assert after == pytest.approx(before.sum() * weights * shares, rel=1e-5)
    assert before != pytest.approx(after, rel=0.2)
    assert chosen.beta == 7
    value = objective.parts(photo, goal).value
    assert float(objective.parts(photo, goal.with_weights(chosen)).value) == pytest.approx(
        float(value), rel=1e-6
    )


def test_a_balance_between_is_a_power_between(small_weights, picture):
    found = {}
    for balance in (0, 0.5, 1):
        objective, photo, goal = case(picture, small_weights, balance=balance, style_weight=7)
        chosen = objective.find_style_weights(photo, goal)
        assert (chosen is None) == (balance == 0)
        found[balance] = np.log(by_region(objective, photo, goal.with_weights(chosen))[:, 0])
    middle = (found[0] + found[1]) / 2
    assert found[0.5] - found[0.5][0] == pytest.approx(middle - middle[0], abs=1e-6)
    assert np.exp(found[0.5]).sum() == pytest.approx(np.exp(found[0]).sum())


@pytest.mark.parametrize("preset", ["fast", "paper", "crowson"])
def test_strength_is_the_ratio_of_style_to_content(small_weights, picture, preset):
    """On every pair, with every formula, whatever the content weight."""
    for seed, strength, settings in ((0, 0, {}), (5, 0.7, {"content_weight": 30.0, "balance": 1})):
        objective, photo, goal = case(
            picture, small_weights, seed=seed, preset=preset, strength=strength, **settings
        )
        chosen = objective.find_style_weights(photo, goal)
        found = ratio(objective, photo, goal.with_weights(chosen))
        loud = loudness(objective, photo, goal, picture, seed)
        assert found == pytest.approx(style_ratio(strength, loud), rel=1e-5)
        plain = by_region(objective, photo, goal).sum()  # as if the weight were 1
        weighed = by_region(objective, photo, goal.with_weights(chosen)).sum()
        assert chosen.beta == pytest.approx(weighed / plain, rel=1e-6)


def test_strength_of_regions(small_weights, picture):
    for settings in ({"statistics": "w2"}, {"balance": 0}):
        objective, photo, goal = case(picture, small_weights, 2, strength=0.4, **settings)
        found = ratio(
            objective, photo, goal.with_weights(objective.find_style_weights(photo, goal))
        )
        loud = loudness(objective, photo, goal, picture)
        assert found == pytest.approx(style_ratio(0.4, loud), rel=1e-5)
        assert loud < 0.9


def test_a_smooth_photo_is_painted_too(small_weights, picture):
    """The fainter it is, the less its content loss; the weight of the style does not vanish so."""
    found = []
    for share in (0.5, 0.2, 0):

        def drawn(height, width, seed, share=share):
            whole = picture(height, width, seed)
            faint = np.uint8(128 + (whole - 128.0) * share)
            return faint if (height, width) == SIZE else whole

        objective, photo, goal = case(drawn, small_weights)
        found.append(objective.find_style_weights(photo, goal).beta)
    assert max(found) < 2 * min(found)


def test_without_content_or_style(small_weights, picture):
    """The scale stands for the content; without a style there is nothing to weigh."""
    objective, photo, goal = case(picture, small_weights, content_weight=0.0)
    weighed = by_region(
        objective, photo, goal.with_weights(objective.find_style_weights(photo, goal))
    )
    wanted = style_ratio(0.5, loudness(objective, photo, goal, picture)) * float(goal.scale)
    assert weighed.sum() == pytest.approx(wanted, rel=1e-5)
    objective, photo, goal = case(picture, small_weights, style_weight=0)
    assert objective.find_style_weights(photo, goal) is None


def test_a_style_that_is_the_photo_is_safe(small_weights, picture):
    objective = Objective(Config.preset("artistyle", **SHALLOW), small_weights)
    for rgb in (picture(32, 32), np.full((32, 32, 3), 128, np.uint8)):
        image = to_network(rgb)
        goal = objective.targets(image, [objective.statistics(image)], [1.0])
        chosen = objective.find_style_weights(tf.constant(image), goal)
        weights = np.array(list(chosen.by_layer.values()))
        assert np.isfinite([chosen.beta, *weights.ravel()]).all()
        value, gradient = objective.value_and_gradient(image + 9, goal.with_weights(chosen))
        assert np.isfinite([float(value), np.abs(gradient).max()]).all()
