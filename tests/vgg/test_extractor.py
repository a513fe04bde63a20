"""VGG19 as a feature extractor, against the NumPy reference, whatever Keras is set to."""

import types
from typing import get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.choices import Padding
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.extractor import (
    FROZEN,
    PADDINGS,
    build_feature_extractor,
    constant_network,
)
from artistyle_tf.vgg.vgg19 import STYLE_LAYERS, VGG19_LAYERS
from artistyle_tf.vgg.weights import Weights

LAYERS = VGG19_LAYERS[:13]
DEFAULT = (*STYLE_LAYERS, "block4_conv2")
WIDTHS = (3, 4, 5, 6, 6)  # of the small network, by block


def image(height, width, batch=1, seed=0):
    values = np.random.default_rng(seed).uniform(-120, 150, (batch, height, width, 3))
    return values.astype(np.float32)


@pytest.fixture
def odd_keras():
    """Keras as some programs set it up, put back afterwards."""
    before = keras.config.image_data_format(), keras.config.dtype_policy()
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_image_data_format(before[0])
    keras.config.set_dtype_policy(before[1])


def assert_close(found, wanted):
    """Equal within what float32 sums may differ by."""
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 35)])
def test_equals_the_reference(small_arrays, small_weights, pooling, padding, height, width):
    model = build_feature_extractor(
        small_weights, LAYERS, pooling, padding=padding, dtype="float64"
    )
    pictures = image(height, width, batch=2).astype(np.float64)
    for features in (model(pictures), constant_network(model)(tf.constant(pictures))):
        for i, picture in enumerate(pictures):
            wanted = reference.forward(picture, small_arrays, pooling, padding)
            assert set(features) == set(wanted)
            for name in LAYERS:
                np.testing.assert_allclose(features[name][i], wanted[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("odd", [False, True])
def test_default_model(small_arrays, small_weights, request, odd):
    """Outputs, shapes and dtypes, and that the global settings of Keras change nothing."""
    if odd:
        request.getfixturevalue("odd_keras")
    model, picture = build_feature_extractor(small_weights), image(17, 35)
    assert model.name == "vgg19_features"
    assert not model.trainable_variables
    assert len(model.non_trainable_variables) == 2 * 13
    wanted = reference.forward(picture[0], small_arrays, "max")
    for features in (model(picture), constant_network(model)(tf.constant(picture))):
        assert set(features) == set(DEFAULT)
        for name, found in features.items():
            halvings = int(name[5]) - 1
            assert found.shape == (1, 17 >> halvings, 35 >> halvings, WIDTHS[halvings]), name
            assert found.dtype == tf.float32
            assert_close(found[0].numpy(), wanted[name])


@pytest.mark.parametrize("frozen", ["0", "1"])
def test_constant_network_in_a_graph_of_any_size(small_arrays, small_weights, monkeypatch, frozen):
    """Set so late, the variable decides only which constants are made, not what oneDNN packs."""
    monkeypatch.setenv(FROZEN, frozen)
    model = build_feature_extractor(small_weights, ["block1_conv1", "block3_conv1"], "avg")
    traced = tf.function(
        constant_network(model),
        input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)],
        autograph=False,
    )
    for height, width in ((16, 16), (17, 35)):
        picture = image(height, width)
        wanted = reference.forward(picture[0], small_arrays, "avg")
        for name, found in traced(picture).items():
            assert_close(found[0].numpy(), wanted[name])
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("padding", PADDINGS)
def test_saved_and_loaded_by_keras(small_weights, padding, tmp_path):
    model = build_feature_extractor(small_weights, STYLE_LAYERS, "avg", padding=padding)
    model.save(tmp_path / "features.keras")
    again = keras.saving.load_model(tmp_path / "features.keras")
    picture = image(17, 35)
    for name, found in model(picture).items():
        np.testing.assert_array_equal(again(picture)[name], found)


def test_two_networks_in_one_program(small_weights):
    """The layers' names don't clash, and each keeps its own filters."""
    twice = {name: (2 * kernel, bias) for name, (kernel, bias) in small_weights.layers.items()}
    other = Weights(types.MappingProxyType(twice), "file", "twice.npz", "1" * 64)
    picture = image(16, 16)
    one, two = (
        constant_network(build_feature_extractor(weights, ["block1_conv1"]))(tf.constant(picture))
        for weights in (small_weights, other)
    )
    assert np.abs(one["block1_conv1"] - two["block1_conv1"]).max() > 10


def test_refusals(small_weights):
    with pytest.raises(ConfigError, match="'relu1_1'") as caught:
        build_feature_extractor(small_weights, ["block1_conv1", "relu1_1"])
    assert all(layer in str(caught.value) for layer in VGG19_LAYERS)
    with pytest.raises(ConfigError, match="no layer is given"):
        build_feature_extractor(small_weights, [])
    assert get_args(Padding) == PADDINGS
    shallow = dict(list(small_weights.layers.items())[:2])
    weights = Weights(types.MappingProxyType(shallow), "file", "shallow.npz", "2" * 64)
    assert build_feature_extractor(weights, ["block1_conv2"]).output.keys() == {"block1_conv2"}
    with pytest.raises(ConfigError, match=r"^shallow.npz was loaded without block5_conv1"):
        build_feature_extractor(weights)
