"""Batches that the losses can't judge: told in a line, where the shape or the values show it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.errors import ConfigError
from artistyle_tf.keras_losses import ContentLoss, PerceptualLoss, StyleLoss

SHALLOW = {
    "style_layers": {"block1_conv1": 1, "block2_conv1": 1},
    "content_layers": {"block2_conv1": 1},
}
RNG = np.random.default_rng(0)
GOOD = RNG.random((2, 32, 32, 3), np.float32)


@pytest.fixture(scope="module")
def loss(small_weights, picture):
    return PerceptualLoss(picture(32, 32), weights=small_weights, value_range=(0, 1), **SHALLOW)


def network(channels=3):
    image = keras.Input((None, None, channels))
    painted = keras.layers.Conv2D(channels, 3, padding="same", activation="sigmoid")(image)
    return keras.Model(image, painted)


@pytest.mark.parametrize("graph", [False, True])
def test_shapes(loss, graph):
    call = tf.function(loss, autograph=False) if graph else loss
    for wanted, made, said in [
        ((2, 32, 32, 4), (2, 32, 32, 4), r"y_pred is \(2, 32, 32, 4\); it must be \[B, H, W, 3\]"),
        ((2, 32, 32, 1), (2, 32, 32, 3), r"y_true is \(2, 32, 32, 1\); it must be \[B, H, W, 3\]"),
        ((32, 32, 3), (32, 32, 3), r"y_pred is \(32, 32, 3\)"),
        ((2, 32, 8, 3), (2, 32, 8, 3), r"y_pred is \(2, 32, 8, 3\).* from 16 px"),
        ((1, 32, 32, 3), (2, 32, 32, 3), r"y_pred is \(2, 32, 32, 3\) and y_true \(1, 32, 32, 3"),
    ]:
        with pytest.raises(ConfigError, match=f"^{said}") as caught:
            call(tf.zeros(wanted), tf.zeros(made))
        assert "\n" not in str(caught.value)


def test_shapes_in_fit(loss):
    model = network(channels=1)
    model.compile("sgd", loss, jit_compile=False)
    with pytest.raises(ConfigError, match=r"^y_pred is \(None, 32, 32, 1\)"):
        model.fit(GOOD[..., :1], GOOD[..., :1], verbose=0)


def test_style_alone_does_not_look_at_what_is_wanted(small_weights, picture):
    loss = StyleLoss(picture(32, 32), weights=small_weights, value_range=(0, 1), **SHALLOW)
    assert float(loss(np.zeros([2, 8]), GOOD)) == float(loss(GOOD, GOOD))
    with pytest.raises(ConfigError, match=r"^y_pred is \(2, 32, 32, 1\)"):
        loss(GOOD, GOOD[..., :1])
    with pytest.warns(
        UserWarning, match=r"^y_pred has values up to 25\d\.\d+, and value_range is \(0, 1"
    ):
        loss(GOOD, GOOD * 255)


def test_another_range_than_the_one_given(small_weights):
    loss = ContentLoss(weights=small_weights, value_range=(-1, 1), **SHALLOW)
    said = (
        r"^y_true has values up to 25\d\.\d+, and value_range is \(-1, 1\); "
        r"it must be black and white of y_true, like \(0, 255\)$"
    )
    with pytest.raises(ConfigError, match=said):
        loss(GOOD * 255, GOOD)
    loss(GOOD * 1.5, GOOD * 255)  # brightened; what an untrained network makes
    loss = ContentLoss(weights=small_weights, **SHALLOW)
    said = r"^y_true has values up to 0\.\d+, and value_range is \(0, 255\); .*, like \(0, 1\)$"
    with pytest.warns(UserWarning, match=said):
        loss(GOOD, GOOD)
    loss(np.zeros_like(GOOD), GOOD)  # black
    loss(GOOD * 255, GOOD)


@pytest.mark.parametrize("jit", [False, True])
def test_values_in_fit(loss, jit):
    """A graph asserts; XLA leaves assertions out, and is not broken by them."""
    model = network()
    model.compile("sgd", loss, jit_compile=jit)
    model.fit(GOOD, GOOD, verbose=0)
    if jit:
        model.fit(GOOD * 255, GOOD * 255, verbose=0)
        return
    with pytest.raises(tf.errors.InvalidArgumentError, match="y_true has values up to"):
        model.fit(GOOD * 255, GOOD * 255, verbose=0)


def test_a_graph_of_unknown_shapes_with_the_loss_is_saved(loss, tmp_path):
    module = tf.Module()
    spec = tf.TensorSpec([None, None, None, None])
    module.loss = tf.function(loss, input_signature=[spec, spec], autograph=False)
    tf.saved_model.save(module, str(tmp_path))
    again = tf.saved_model.load(str(tmp_path))
    found = again.loss(tf.constant(GOOD), tf.constant(GOOD[::-1]))
    assert float(found) == pytest.approx(float(loss(GOOD, GOOD[::-1])), rel=1e-6)
