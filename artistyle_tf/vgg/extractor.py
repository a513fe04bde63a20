"""VGG19 as one multi-output feature extractor, and the same network with constant weights."""

import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.backend import check_backend
from artistyle_tf.vgg.vgg19 import STYLE_LAYERS, VGG19_LAYERS, block_of
from artistyle_tf.vgg.weights import Weights, load

PADDINGS = ("zeros", "reflect", "replicate-first")
"""What convolutions see beyond a picture's border. Zeros, which VGG19 was trained with, encode
positions: the outer rows look like nothing else, so an optimizer paints them like nothing else."""

_RIM = ((0, 0), (1, 1), (1, 1), (0, 0))

FROZEN = "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"
"""Variable that TensorFlow reads once: "1" promises that weights never change."""

Features = dict[str, tf.Tensor]  # Layer name → [B, H_l, W_l, N_l], after ReLU.

Trim = Callable[[int, tf.Tensor], tf.Tensor]
"""(block, its input [B, H, W, C]) → the part of it to compute on."""


def build_feature_extractor(
    weights: str | Weights = "auto",
    layers: Iterable[str] = (*STYLE_LAYERS, "block4_conv2"),
    pooling: str = "max",
    *,
    padding: str = "zeros",
    dtype: str = "float32",
) -> keras.Model:
    """VGG19 (Simonyan and Zisserman 2014) as a Keras model with an output for each layer.

    Args:
      weights: as for `--weights` (auto, imagenet, imagenet-8bit, preview or a file), or loaded
        weights.
      layers: names of VGG19's convolutions, as in Keras Applications.
      pooling: "max", or "avg" as recommended by Gatys et al. 2015; the filters are the same.
      padding: padding of the convolutions: "zeros", as VGG19 was trained with; "reflect", mirrored
        at the outermost rows in every convolution; or "replicate-first", the outermost rows
        repeated in the first convolution and zeros in the others.
      dtype: dtype of weights and activations, independent of the global Keras policy.

    Returns:
      A model from [B, H, W, 3] BGR, 0-255 minus `network_scale.BGR_MEAN`, H and W from 16 px, to a
      dict of the activations after ReLU by layer name. It ends at the deepest layer requested and
      is not trainable.

    Raises:
      ConfigError: an unknown layer, pooling or padding, or a Keras backend other than TensorFlow.
      InputError: weights that can't be loaded or don't fit.
    """
    check_backend()
    if pooling not in ("max", "avg"):
        raise ConfigError(f"pooling is {pooling!r}; it must be max or avg")
    if padding not in PADDINGS:
        raise ConfigError(f"padding is {padding!r}; it must be one of {', '.join(PADDINGS)}")
    layers = tuple(layers)
    for name in layers:
        if name not in VGG19_LAYERS:
            raise ConfigError(
                f"there is no layer {name!r} in VGG19; it must be one of {', '.join(VGG19_LAYERS)}"
            )
    if not layers:
        raise ConfigError("no layer is given; name at least one, like block4_conv2")
    deepest = max(layers, key=VGG19_LAYERS.index)
    if not isinstance(weights, Weights):
        weights = load(weights, deepest)
    if deepest not in weights.layers:
        raise ConfigError(f"{weights.name} was loaded without {deepest}; load it up to there")

    # Set explicitly, so that no global Keras setting applies.
    shared = {"dtype": dtype, "data_format": "channels_last"}
    pool = keras.layers.MaxPooling2D if pooling == "max" else keras.layers.AveragePooling2D
    inputs = keras.Input((None, None, 3), dtype=dtype, name="image")
    x, outputs, block = inputs, {}, "block1"
    for name in VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]:
        if not name.startswith(block):
            x = pool(2, name=f"{block}_pool", **shared)(x)
            block = name.split("_")[0]
        channels = weights.layers[name][0].shape[-1]
        border = padding
        if padding == "replicate-first":
            border = "replicate" if name == VGG19_LAYERS[0] else "zeros"
        if border != "zeros":
            x = Border(border, name, dtype=dtype)(x)
        # Zero initialisation avoids drawing random numbers for weights that are set right away.
        conv = keras.layers.Conv2D(
            channels, 3, padding="same" if border == "zeros" else "valid", activation="relu",
            kernel_initializer="zeros", name=name, **shared,
        )  # fmt: skip
        x = conv(x)
        conv.set_weights(weights.layers[name])
        if name in layers:
            outputs[name] = x
    model = keras.Model(inputs, outputs, name="vgg19_features")
    model.trainable = False
    return model


def constant_network(
    model: keras.Model, dtype: str | None = None, *, captured: bool = False
) -> Callable[..., Features]:
    """The extractor as a function to be traced, with its weights known to be constant.

    It takes the image and, for tiles, a `Trim` for the input of each block but the first; `dtype`
    is by default the model's.

    oneDNN packs filters once, and takes half the time, if it knows that they never change: from the
    process's promise for all its networks (`FROZEN`, as our command sets it) or from constants in
    the graph, which take seconds longer to trace. With `captured`, filters are arguments instead,
    so a compiler need not embed them.
    """
    dtype = dtype or model.input.dtype
    filters: dict[str, list[Any]] = {  # in the variables' dtype: their own memory, no copies
        layer.name: [tf.cast(one.value, dtype) for one in layer.weights] for layer in model.layers
    }
    if captured:  # tensors, not variables: XLA's arguments are plain values
        filters = {name: [tf.identity(one) for one in pair] for name, pair in filters.items()}
    elif os.environ.get(FROZEN) != "1":
        filters = {name: [one.numpy() for one in pair] for name, pair in filters.items()}

    def network(image: tf.Tensor, trim: Trim | None = None) -> Features:
        x, outputs = tf.cast(image, dtype), {}
        for layer in model.layers[1:]:
            if isinstance(layer, keras.layers.Conv2D):
                kernel, bias = (tf.convert_to_tensor(array) for array in filters[layer.name])
                x = tf.nn.conv2d(x, kernel, 1, layer.padding.upper())
                x = tf.nn.relu(tf.nn.bias_add(x, bias))
                if layer.name in model.output:
                    outputs[layer.name] = x
            elif isinstance(layer, Border):
                x = layer.call(x)
            else:
                most = isinstance(layer, keras.layers.MaxPooling2D)
                x = (tf.nn.max_pool2d if most else tf.nn.avg_pool2d)(x, 2, 2, "VALID")
                x = trim(block_of(layer.name) + 1, x) if trim else x
        return outputs

    return network


def embedded_network(model: keras.Model) -> Callable[[tf.Tensor], Features]:
    """The extractor as a function for eager calls and other people's graphs.

    It is one graph for all calls, but inlined where XLA compiles, with its filters as arguments: a
    function would pass constants, such as widths of padding, on to its gradient, so TensorFlow
    would make all its arguments constant, and compile each batch anew.
    """
    # `partial`: else TensorFlow counts the traces of all losses together, and warns.
    network_alone = functools.partial(constant_network(model))
    graph = tf.function(network_alone, autograph=False, reduce_retracing=True)

    @functools.cache
    def inlined() -> Callable[..., Features]:
        with tf.init_scope():
            return constant_network(model, captured=True)

    def network(image: tf.Tensor) -> Features:
        # Exported for Keras; TensorFlow has no public name for it.
        compiled = tf.__internal__.get_enclosing_xla_context() is not None
        seen: Features = (inlined() if compiled else graph)(image)
        return seen

    return network


@keras.saving.register_keras_serializable("artistyle_tf")
class Border(keras.layers.Layer):
    """Pads [B, H, W, C] to [B, H + 2, W + 2, C]: "replicate", or "reflect" as NumPy does, but
    repeating a single row."""

    def __init__(self, border: str, layer: str, **options: Any):
        super().__init__(name=f"{layer}_border", **options)
        self.border, self.layer = border, layer

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.border == "replicate":
            return tf.pad(inputs, _RIM, "SYMMETRIC")
        if block_of(self.layer) < 5:  # where a picture of 16 px has two rows at least
            return tf.pad(inputs, _RIM, "REFLECT")
        return _reflect(_reflect(inputs, 1), 2)

    def compute_output_shape(self, shape: Any) -> tuple[int | None, ...]:
        batch, height, width, channels = shape
        return (batch, height and height + 2, width and width + 2, channels)

    def get_config(self) -> dict[str, Any]:
        base = super().get_config()
        del base["name"]
        return {**base, "border": self.border, "layer": self.layer}


def _reflect(features: tf.Tensor, axis: int) -> tf.Tensor:
    """Pads by one position on both sides of the axis, whatever its length."""
    count = tf.shape(features)[axis]
    second = tf.minimum(1, count - 1)
    before = tf.gather(features, [second], axis=axis)
    after = tf.gather(features, [count - 1 - second], axis=axis)
    return tf.concat([before, features, after], axis)
