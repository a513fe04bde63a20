"""VGG19 as a feature extractor, against the NumPy reference, whatever Keras is set to."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.vgg.extractor import (
    FROZEN,
    build_feature_extractor,
    constant_network,
    deepest_layer,
)
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import Weights

DEFAULT = (*STYLE_LAYERS, "block4_conv2")
WIDTHS = (3, 4, 5, 6, 6)  # of the small network, by block


@pytest.fixture
def image():
    def make(height, width, batch=1, seed=0):
        values = np.random.default_rng(seed).uniform(-120, 150, (batch, height, width, 3))
        return values.astype(np.float32)

    return make


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


@pytest.mark.parametrize(("height", "width", "batch"), [(16, 16, 1), (17, 35, 1), (32, 48, 2)])
def test_default_outputs(small_weights, image, height, width, batch):
    features = build_feature_extractor(small_weights)(image(height, width, batch))
    assert set(features) == set(DEFAULT)
    for name, found in features.items():
        halvings = int(name[5]) - 1
        sides = height >> halvings, width >> halvings
        assert found.shape == (batch, *sides, WIDTHS[halvings]), name
        assert found.dtype == tf.float32
        assert float(tf.reduce_min(found)) == 0  # after ReLU


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 35)])
def test_equals_the_reference(small_arrays, small_weights, image, pooling, height, width):
    layers = VGG19_LAYERS[:13]
    pictures = image(height, width, batch=2)
    features = build_feature_extractor(small_weights, layers, pooling)(pictures)
    constant = constant_network(build_feature_extractor(small_weights, layers, pooling))(
        tf.constant(pictures)
    )
    for i, picture in enumerate(pictures):
        wanted = reference.forward(picture, small_arrays, pooling)
        assert set(features) == set(constant) == set(wanted)
        for name in layers:
            assert_close(features[name][i], wanted[name])
            assert_close(constant[name][i], wanted[name])


def test_poolings_differ(small_weights, image):
    pictures = image(16, 16)
    largest, mean = (
        build_feature_extractor(small_weights, ["block2_conv1"], pooling)(pictures)["block2_conv1"]
        for pooling in ("max", "avg")
    )
    assert np.abs(largest - mean).max() > 1


def test_float64(small_arrays, small_weights, image):
    picture = image(16, 16).astype(np.float64)
    model = build_feature_extractor(small_weights, ["block5_conv1"], dtype="float64")
    found = model(picture)["block5_conv1"]
    wanted = reference.forward(picture[0], small_arrays, "max")["block5_conv1"]
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found[0], wanted, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("frozen", ["0", "1"])
def test_constant_network_in_a_graph_of_any_size(
    small_arrays, small_weights, image, monkeypatch, frozen
):
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


def test_cut_at_the_deepest(small_weights):
    model = build_feature_extractor(small_weights, ["block3_conv1", "block1_conv2"])
    assert set(model.output) == {"block3_conv1", "block1_conv2"}
    assert [layer.name for layer in model.layers[1:]] == [
        "block1_conv1", "block1_conv2", "block1_pool",
        "block2_conv1", "block2_conv2", "block2_pool", "block3_conv1",
    ]  # fmt: skip


def test_not_trainable(small_weights):
    model = build_feature_extractor(small_weights)
    assert not model.trainable_variables
    assert len(model.non_trainable_variables) == 2 * 13
    assert model.name == "vgg19_features"


def test_gradient_reaches_the_image(small_weights, image):
    """As in someone's own loss."""
    picture = tf.constant(image(16, 16))
    model = build_feature_extractor(small_weights)
    with tf.GradientTape() as tape:
        tape.watch(picture)
        value = tf.add_n([tf.reduce_sum(one) for one in model(picture).values()])
    gradient = tape.gradient(value, picture)
    assert gradient.shape == picture.shape
    assert np.count_nonzero(gradient) > 700


def test_the_global_settings_of_keras_change_nothing(small_arrays, small_weights, image, odd_keras):
    picture = image(17, 35)
    model = build_feature_extractor(small_weights)
    wanted = reference.forward(picture[0], small_arrays, "max")
    for features in (model(picture), constant_network(model)(tf.constant(picture))):
        for name in DEFAULT:
            assert features[name].dtype == tf.float32
            assert_close(features[name][0].numpy(), wanted[name])


def test_takes_a_path_or_weights(small_file, small_weights, image):
    picture = image(16, 16)
    given = [build_feature_extractor(one) for one in (small_weights, str(small_file), small_file)]
    first, *others = (model(picture)["block5_conv1"] for model in given)
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_two_networks_in_one_program(small_weights, image):
    """The layers' names don't clash, and each keeps its own filters."""
    twice = {name: (2 * kernel, bias) for name, (kernel, bias) in small_weights.layers.items()}
    other = Weights(types.MappingProxyType(twice), "file", "twice.npz", "1" * 64)
    picture = image(16, 16)
    one, two = (
        constant_network(build_feature_extractor(weights, ["block1_conv1"]))(tf.constant(picture))
        for weights in (small_weights, other)
    )
    assert np.abs(one["block1_conv1"] - two["block1_conv1"]).max() > 10


def test_unknown_layer_is_answered_with_the_known(small_weights):
    with pytest.raises(ConfigError, match="'relu1_1'") as caught:
        build_feature_extractor(small_weights, ["block1_conv1", "relu1_1"])
    assert all(layer in str(caught.value) for layer in VGG19_LAYERS)
    with pytest.raises(ConfigError, match="no layer is given"):
        build_feature_extractor(small_weights, [])


def test_wrong_pooling(small_weights):
    with pytest.raises(ConfigError) as caught:
        build_feature_extractor(small_weights, pooling="mean")
    assert str(caught.value) == "pooling is 'mean'; it must be max or avg"


def test_another_backend(small_weights, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match=r"^Keras runs on jax; set KERAS_BACKEND=tensorflow"):
        build_feature_extractor(small_weights)


def test_weights_that_were_loaded_less_deep(small_weights):
    shallow = dict(list(small_weights.layers.items())[:2])
    weights = Weights(types.MappingProxyType(shallow), "file", "shallow.npz", "2" * 64)
    assert build_feature_extractor(weights, ["block1_conv2"]).output.keys() == {"block1_conv2"}
    with pytest.raises(ConfigError, match=r"^shallow.npz was loaded without block5_conv1"):
        build_feature_extractor(weights)


def test_misshaped_file_is_refused_by_layer(small_arrays, tmp_path):
    arrays = {}
    for layer, (kernel, bias) in small_arrays.items():
        arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"] = kernel, bias
    arrays["block3_conv2/kernel"] = arrays["block3_conv2/kernel"][:, :, :-1]
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(InputError, match=r"layer block3_conv2: kernel is 3×3×4×5, expected"):
        build_feature_extractor(str(tmp_path / "wrong.npz"))
    assert build_feature_extractor(str(tmp_path / "wrong.npz"), ["block3_conv1"])


def test_saved_and_loaded_by_keras(small_weights, image, tmp_path):
    model = build_feature_extractor(small_weights, ["block1_conv1", "block2_conv1"], "avg")
    model.save(tmp_path / "features.keras")
    again = keras.saving.load_model(tmp_path / "features.keras")
    picture = image(17, 35)
    for name, found in model(picture).items():
        np.testing.assert_array_equal(again(picture)[name], found)


def test_deepest_layer():
    assert deepest_layer(["block5_conv1", "block4_conv2"]) == "block5_conv1"
    assert deepest_layer(iter(["block3_conv4", "block3_conv3"])) == "block3_conv4"
