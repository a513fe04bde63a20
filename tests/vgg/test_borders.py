"""What convolutions see beyond the border, against the NumPy reference."""

from typing import get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.choices import Padding
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.extractor import PADDINGS, build_feature_extractor, constant_network
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

LAYERS = VGG19_LAYERS[:13]


def noise(height, width, seed=0):
    return np.random.default_rng(seed).uniform(-120, 150, (1, height, width, 3))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 35), (48, 32)])
def test_equals_the_reference(small_arrays, small_weights, padding, height, width):
    model = build_feature_extractor(small_weights, LAYERS, padding=padding, dtype="float64")
    picture = noise(height, width)
    wanted = reference.forward(picture[0], small_arrays, "max", padding)
    for found in (model(picture), constant_network(model)(tf.constant(picture))):
        for name in LAYERS:
            np.testing.assert_allclose(found[name][0], wanted[name], rtol=1e-9, atol=1e-9)


def test_paddings_differ_at_the_border_alone(small_weights):
    zeros, reflected, first = (
        build_feature_extractor(small_weights, ["block2_conv1"], padding=padding)(noise(64, 64))
        for padding in PADDINGS
    )
    for other in (reflected, first):
        change = np.abs(other["block2_conv1"] - zeros["block2_conv1"])[0].max(-1)
        assert change[2:-2, 2:-2].max() < 1e-3 < 0.1 < change[0].max()


def test_a_reflected_constant_has_no_border(small_weights):
    """Zeros tell the network where it is; reflected, one place of a wall is like any other."""
    wall = np.full((1, 80, 64, 3), 40, np.float32)
    spread = {}
    for padding in ("zeros", "reflect"):
        found = build_feature_extractor(small_weights, LAYERS, padding=padding)(wall)
        spread[padding] = [np.ptp(seen[0], axis=(0, 1)).max() for seen in found.values()]
    largest = max(spread["zeros"])
    assert min(spread["zeros"][:8]) > 0.01 * largest
    assert max(spread["reflect"]) < 1e-5 * largest


@pytest.mark.parametrize("padding", ["reflect", "replicate-first"])
def test_gradient_matches_finite_differences(small_weights, picture, padding):
    objective = Objective(Config(padding=padding, palette_weight=0), small_weights, dtype="float64")
    goal = objective.targets(to_network(picture(33, 17, 1)), [to_network(picture(40, 30, 2))], [1])
    image = to_network(picture(33, 17, 4)).astype(np.float64)
    rng, step = np.random.default_rng(5), 1e-4
    _, gradient = objective.value_and_gradient(tf.constant(image), goal)

    def value(image):
        return objective.value_and_gradient(tf.constant(image), goal)[0]

    for _ in range(3):
        direction = rng.normal(size=image.shape)
        direction[:, 2:-2, 2:-2] *= 0.1  # most of it at the border
        numeric = reference.numeric_slope(value, image, direction, step)
        assert np.sum(gradient * direction) == pytest.approx(numeric, rel=1e-5)


@pytest.mark.parametrize("padding", ["reflect", "replicate-first"])
def test_the_model_can_be_saved(small_weights, padding, tmp_path):
    model = build_feature_extractor(small_weights, ["block5_conv1"], padding=padding)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    picture = noise(32, 48)
    np.testing.assert_array_equal(again(picture)["block5_conv1"], model(picture)["block5_conv1"])


def test_the_setting_offers_the_same():
    assert get_args(Padding) == PADDINGS


def test_unknown_padding(small_weights):
    with pytest.raises(ConfigError, match="padding is 'same'; it must be one of zeros, reflect"):
        build_feature_extractor(small_weights, padding="same")
