"""Padding: what the convolutions see beyond the border of a picture.

Zero padding, which VGG19 was trained with, encodes positions: the outer rows look like nothing
else in the picture, so a minimiser paints them like nothing else.
"""

from typing import Any

import keras
import tensorflow as tf

from artistyle_tf.vgg.vgg19 import VGG19_LAYERS, block_of

__all__ = ["PADDINGS", "Border", "border_of"]

PADDINGS = ("zeros", "reflect", "replicate-first")

RIM = ((0, 0), (1, 1), (1, 1), (0, 0))


def border_of(padding: str, layer: str) -> str:
    """The padding of a convolution's input: "zeros", "reflect" or "replicate".

    >>> border_of("replicate-first", "block1_conv1"), border_of("replicate-first", "block1_conv2")
    ('replicate', 'zeros')
    """
    if padding == "replicate-first":
        return "replicate" if layer == VGG19_LAYERS[0] else "zeros"
    return padding


@keras.saving.register_keras_serializable("artistyle_tf")
class Border(keras.layers.Layer):
    """[B, H, W, C] → [B, H + 2, W + 2, C], with reflected or replicated borders.

    "reflect" is as in NumPy: the row next to the border is the one beyond it too. A single row is
    repeated.
    """

    def __init__(self, border: str, layer: str, **options: Any):
        """`layer`: the convolution that follows."""
        super().__init__(name=f"{layer}_border", **options)
        self.border, self.layer = border, layer

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.border == "replicate":
            return tf.pad(inputs, RIM, "SYMMETRIC")
        if block_of(self.layer) < 5:  # where a picture of 16 px has two rows at least
            return tf.pad(inputs, RIM, "REFLECT")
        return _reflected(_reflected(inputs, 1), 2)

    def compute_output_shape(self, shape: Any) -> tuple[int | None, ...]:
        batch, height, width, channels = shape
        return (batch, height and height + 2, width and width + 2, channels)

    def get_config(self) -> dict[str, Any]:
        base = super().get_config()
        del base["name"]
        return {**base, "border": self.border, "layer": self.layer}


def _reflected(features: tf.Tensor, axis: int) -> tf.Tensor:
    """Padded by one position on both sides of the axis, whatever its length."""
    count = tf.shape(features)[axis]
    second = tf.minimum(1, count - 1)
    before = tf.gather(features, [second], axis=axis)
    after = tf.gather(features, [count - 1 - second], axis=axis)
    return tf.concat([before, features, after], axis)
