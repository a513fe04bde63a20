"""The Keras losses against the NumPy oracle, in `fit`, and through saving."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
from artistyle_tf.config.config import Config
from artistyle_tf.engine.export import build_objective
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.keras_losses import ContentLoss, GramMatrix, PerceptualLoss, StyleLoss
from artistyle_tf.vgg.extractor import build_feature_extractor

LAYERS = {
    "style_layers": {"block1_conv1": 1.0, "block3_conv1": 0.5, "block5_conv1": 2.0},
    "content_layers": {"block4_conv2": 1.0, "block2_conv2": 0.25},
}
SHALLOW = {
    "style_layers": {"block1_conv1": 1, "block2_conv1": 1},
    "content_layers": {"block2_conv2": 1},
}
BALANCE = {"content_weight": 1.5, "style_weight": 70.0, "tv_weight": 0.3}


def oracle(contents, pictures, styles, shares, arrays, pooling):
    """The loss of each picture and its gradient by RGB, both uint8 lists, in float64."""
    values, gradients = [], []
    for content, picture in zip(contents, pictures, strict=True):
        goal = reference.targets(
            to_network(content)[0], [to_network(s)[0] for s in styles], shares, arrays, pooling
        )
        value, slope = reference.value_and_gradient(
            to_network(picture)[0].astype(np.float64),
            goal, arrays, pooling, reference.mean_formula, {**LAYERS, **BALANCE},
        )  # fmt: skip
        values.append(value)
        gradients.append(slope[..., ::-1])
    return np.array(values), np.stack(gradients)


def with_gradient(loss):
    def value_and_gradient(wanted, image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = loss(wanted, image)
        return value, tape.gradient(value, image)

    return value_and_gradient


def test_a_batch_equals_numpy(small_arrays, small_weights, picture):
    contents, pictures = ([picture(32, 48, n), picture(32, 48, n + 1)] for n in (0, 5))
    styles = [picture(48, 32, 2), picture(32, 32, 3)]  # whole cells: nothing is filled up
    loss = PerceptualLoss(
        styles, style_blend=(0.7, 0.3), value_range=(-1, 1), weights=small_weights,
        pooling="avg", padding="zeros", reduction="none", dtype="float64", **LAYERS, **BALANCE,
    )  # fmt: skip
    wanted, image = (tf.constant(np.stack(rgbs) * (2 / 255) - 1) for rgbs in (contents, pictures))
    value, gradient = with_gradient(loss)(wanted, image)
    expected, slope = oracle(contents, pictures, styles, (0.7, 0.3), small_arrays, "avg")
    assert value.dtype == "float64"
    assert value.numpy() == pytest.approx(expected, rel=1e-5)
    assert np.linalg.norm(gradient * 2 / 255 - slope) < 1e-5 * np.linalg.norm(slope)


def test_xla_compiles_for_all_pictures_what_a_graph_computes(small_weights, picture):
    """Pictures are arguments: were one a constant, XLA would compile anew for every batch."""
    value_and_gradient = with_gradient(
        PerceptualLoss(picture(32, 32), weights=small_weights, reduction="none", **SHALLOW)
    )
    compiled = tf.function(value_and_gradient, jit_compile=True, autograph=False)
    # Flat areas, where pooling has ties.
    wanted, image = (
        tf.constant([picture(32, 32, n) // 64 * 64 for n in pair], tf.float32)
        for pair in ((1, 2), (3, 4))
    )
    hlo = compiled.experimental_get_compiler_ir(wanted, image)(stage="hlo")
    assert len(re.findall(r"= f32\[2,32,32,3\]\S* parameter\(", hlo.split("ENTRY")[-1])) == 2
    plain = tf.function(value_and_gradient, autograph=False)(wanted, image)
    for one, other in zip(compiled(wanted, image), plain, strict=True):
        assert np.linalg.norm(one - other) < 1e-5 * np.linalg.norm(other)


def test_parts_add_up_and_the_default_is_the_mean_of_the_batch(small_weights, picture):
    style, shared = picture(48, 48, 2), {"weights": small_weights, **SHALLOW}
    wanted, image = (
        np.stack([picture(32, 32, n), picture(32, 32, n + 1)]).astype(np.float32) for n in (0, 5)
    )
    whole = PerceptualLoss(style, reduction="none", **shared)(wanted, image).numpy()
    content = ContentLoss(reduction="none", **shared)(wanted, image).numpy()
    painted = StyleLoss(style, reduction="none", **shared)(wanted, image).numpy()
    assert (content > 0).all()
    assert (painted > 0).all()
    assert whole == pytest.approx(content + painted, rel=1e-5)
    assert float(PerceptualLoss(style, **shared)(wanted, image)) == pytest.approx(whole.mean())
    assert StyleLoss(style, reduction="none", **shared)(0 * wanted, image).numpy() == pytest.approx(
        painted
    )


def test_it_is_the_objective_of_a_run(small_file, picture):
    plain = {"style_weight": 60, "balance": 0, "gamut_weight": 0, "palette_weight": 0}
    config = Config(size=48, weights=str(small_file), **plain, **SHALLOW)
    content, style, image = picture(48, 48), picture(48, 48, 1), picture(48, 48, 2)
    value, _ = build_objective(content, style, config)(to_network(image))
    loss = PerceptualLoss(style, weights=small_file, **SHALLOW)
    assert float(loss(content[None], image[None])) == pytest.approx(float(value), rel=1e-5)


def test_style_size_is_the_size_of_the_style(small_weights, picture):
    style = picture(96, 64, 1)
    small = np.asarray(keras.utils.array_to_img(style).resize((32, 48), 1))
    one = PerceptualLoss(style, style_size=48, weights=small_weights, **SHALLOW)
    other = PerceptualLoss(small, weights=small_weights, **SHALLOW)
    for name, gram in one._grams.items():
        assert gram == pytest.approx(other._grams[name])


@pytest.fixture
def model():
    """One convolution: pictures to pictures, a small way from what it was given."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    # The last layer is float32 under every policy, as Keras advises.
    outputs = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    outputs = keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(outputs)
    return keras.Model(inputs, outputs)


@pytest.fixture
def batch(picture):
    return np.stack([picture(32, 32, n) for n in range(4)]).astype(np.float32) / 255


@pytest.mark.parametrize(("eagerly", "policy"), [(True, "float32"), (False, "mixed_float16")])
def test_fit_lowers_it(batch, picture, eagerly, policy, request):
    """Mixed precision keeps float32 losses."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = request.getfixturevalue("model")
        style, options = picture(32, 32, 9), {"weights": "preview", "value_range": (0, 1)}
        loss = PerceptualLoss(style, **options, **SHALLOW)
        assert GramMatrix()(tf.ones([1, 4, 4, 2], "float16")).dtype == tf.float32
        assert model.layers[1].compute_dtype == policy.removeprefix("mixed_")
        # Gradients of a loss of 1e9 are beyond float16: Keras would skip the first epochs.
        options = {"jit_compile": False, "run_eagerly": eagerly, "loss_weights": 1e-6}
        model.compile(keras.optimizers.Adam(0.01), loss, **options)
        history = model.fit(batch, batch, batch_size=2, epochs=12, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(history).all()
    assert history[-1] < 0.8 * history[0]
    # What float16 could not hold: squares of Grams.
    found = loss(batch, tf.cast(batch * 0, "float16"))
    assert found.dtype == tf.float32
    assert float(found) == pytest.approx(float(loss(batch, batch * 0)), rel=1e-6)


@pytest.mark.parametrize("kind", [PerceptualLoss, StyleLoss, ContentLoss])
def test_saved_and_read_back_without_the_picture(kind, small_file, picture, batch):
    options = {} if kind is ContentLoss else {"style": picture(32, 40, 9)}
    loss = kind(weights=small_file, value_range=(0, 1), name="mine", **options, **SHALLOW)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    # Keras finds it by the registered name; the module is only told.
    assert saved["registered_name"] == f"artistyle_tf>{kind.__name__}"
    saved["module"] = "artistyle_tf.keras_losses"
    again = keras.saving.deserialize_keras_object(saved)
    assert type(again) is kind
    assert again.name == "mine"
    wanted, image = batch[:2], batch[2:]
    assert float(again(wanted, image)) == float(loss(wanted, image))
    direct = kind.from_config(loss.get_config())
    assert float(direct(wanted, image)) == float(loss(wanted, image))


def test_a_compiled_model_is_saved_with_its_loss_and_without_vgg(
    model, batch, small_file, picture, tmp_path
):
    path = tmp_path / "model.keras"
    loss = PerceptualLoss(picture(32, 40, 9), weights=small_file, value_range=(0, 1), **SHALLOW)
    model.compile("adam", loss, jit_compile=False)
    model.fit(batch, batch, verbose=0)
    model.save(path)
    again = keras.saving.load_model(path)
    assert isinstance(again.loss, PerceptualLoss)
    assert again.count_params() == model.count_params()
    assert again.evaluate(batch, batch, verbose=0) == pytest.approx(
        model.evaluate(batch, batch, verbose=0), rel=1e-6
    )
    again.fit(batch, batch, verbose=0)  # and trains on
    names = {variable.path for variable in model.variables}
    assert not [name for name in names if "block1" in name]


def test_other_weights_than_the_saved_ones_are_refused(small_file, picture, tmp_path):
    config = StyleLoss(picture(32, 32), weights=small_file).get_config()
    with np.load(small_file) as arrays:
        other = {name: array * 1.01 for name, array in arrays.items()}
    np.savez(tmp_path / "other.npz", **other)
    config["weights"] = str(tmp_path / "other.npz")
    with pytest.raises(InputError, match="is not the file of weights that this loss was saved"):
        StyleLoss.from_config(config)


def test_what_is_wrong_is_said(small_weights, small_file, picture):
    style = picture(32, 32)
    for options, text in [
        ({"style": None}, "PerceptualLoss needs a style"),
        ({"value_range": (1, 0)}, "value_range is .1, 0.; it must be"),
        ({"value_range": 255}, "value_range is 255; it must be"),
        ({"style_size": 5}, "style_size is 5; it must be"),
        ({"style_weight": -1}, "style_weight is -1"),
        ({"style": {"block1_conv1": np.ones((3, 3))}}, "have no block2_conv1"),
        ({"style": {"block1_conv1": np.ones((2, 3))}}, r"is \[2, 3\]; it must be \[3, 3\]"),
    ]:
        with pytest.raises(ConfigError, match=text):
            PerceptualLoss(**{"style": style, "weights": small_weights, **options})
    with pytest.raises(ConfigError, match="can't be saved; give it the weights' file"):
        PerceptualLoss(style, weights=small_weights).get_config()


def test_gram_layer_and_extractor_save_and_load_as_plain_keras(small_weights, picture, tmp_path):
    inputs = keras.Input((4, 5, 3))
    model = keras.Model(inputs, GramMatrix(name="gram")(inputs))
    assert model.output.shape == (None, 3, 3)
    features = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
    for one, gram in zip(features, model(features), strict=True):
        assert gram.numpy() == pytest.approx(reference.gram(one) / one.size, rel=1e-5, abs=1e-7)
    extractor = build_feature_extractor(small_weights, ["block1_conv1", "block3_conv2"], "avg")
    for one, given in ((model, features), (extractor, to_network(picture(32, 48)))):
        one.save(tmp_path / "saved.keras")
        again = keras.saving.load_model(tmp_path / "saved.keras")
        tf.nest.map_structure(np.testing.assert_array_equal, again(given), one(given))
