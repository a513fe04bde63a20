"""The normalised Gram matrix as a Keras layer."""

from typing import Any

import keras
import tensorflow as tf

from artistyle_tf.objective import losses

__all__ = ["PACKAGE", "GramMatrix"]

PACKAGE = "artistyle_tf"
"""Saved models name the classes by it: it stays as it is."""


@keras.saving.register_keras_serializable(PACKAGE)
class GramMatrix(keras.layers.Layer):
    """G / (N M) of eq. 3 as a layer: [B, H, W, N] → [B, N, N], with M = H W positions.

    It computes in float32 whatever the global policy says, unless `dtype` says otherwise.
    """

    def __init__(self, *, dtype: Any = "float32", **options: Any):
        super().__init__(dtype=dtype, **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return losses.gram_matrix(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], input_shape[-1], input_shape[-1])
