"""The normalised Gram matrix as a Keras layer."""

from typing import Any

import keras
import tensorflow as tf

from artistyle_tf.objective import losses

__all__ = ["PACKAGE", "GramMatrix"]

PACKAGE = "artistyle_tf"
"""Part of the class names in saved models: do not change."""


@keras.saving.register_keras_serializable(PACKAGE)
class GramMatrix(keras.layers.Layer):
    """The normalised Gram matrix G / (N M), eq. 3: [B, H, W, N] → [B, N, N], M = H W positions.

    It computes in float32 under any global policy, unless `dtype` is given.
    """

    def __init__(self, *, dtype: Any = "float32", **options: Any):
        super().__init__(dtype=dtype, **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return losses.gram_matrix(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], input_shape[-1], input_shape[-1])
