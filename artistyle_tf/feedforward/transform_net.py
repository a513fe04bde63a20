"""The image transformation network of Johnson et al. 2016 as a Keras model."""

import os
from typing import Any

import keras
import numpy as np

from artistyle_tf.config.validation import integer
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.backend import check_backend
from artistyle_tf.vgg.extractor import FROZEN

CELL = 4
"""Sides must be multiples of this, since the network halves the picture twice."""


def build_transform_net(
    width: int = 16, blocks: int = 3, *, seed: int | None = None
) -> keras.Model:
    """Builds an untrained image transformation network.

    The architecture is that of Johnson et al. (their supplement, table 1), with instance
    normalisation and with nearest-neighbour upsampling before a convolution instead of a transposed
    convolution, which avoids checkerboard artefacts.

    Args:
      width: channels of the first layer; the residual blocks have four times as many. 32 in the
        paper.
      blocks: number of residual blocks. 5 in the paper.
      seed: seed for the initial weights; None: random.

    Returns:
      A model from RGB [B, H, W, 3], 0-255, H and W multiples of 4, to the same, 0-255.

    Raises:
      ConfigError: an invalid number, a Keras backend other than TensorFlow, or a process with
        TF_ONEDNN_ASSUME_FROZEN_WEIGHTS=1.
    """
    check_backend()
    check_not_frozen()
    integer("width", width, 1, 1024)
    integer("blocks", blocks, 0, 100)
    if seed is not None:
        integer("seed", seed, 0, 2**63 - 1)
    layers, seeds = keras.layers, np.random.SeedSequence(seed)

    def conv(x: Any, filters: int, size: int, stride: int = 1, activation: str = "relu") -> Any:
        x = plain(x, filters, size, stride)
        x = layers.GroupNormalization(groups=-1)(x)  # one group per channel: instance normalisation
        return layers.Activation(activation)(x)

    def plain(x: Any, filters: int, size: int, stride: int = 1, **options: Any) -> Any:
        own = int(seeds.spawn(1)[0].generate_state(1)[0])
        first = keras.initializers.GlorotUniform(own)
        options |= {"padding": "same", "kernel_initializer": first}
        return layers.Conv2D(filters, size, stride, **options)(x)

    image = keras.Input((None, None, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = conv(x, width, 9)
    x = conv(x, 2 * width, 3, 2)
    x = conv(x, 4 * width, 3, 2)
    for _ in range(blocks):
        x = layers.Add()([x, conv(conv(x, 4 * width, 3), 4 * width, 3, activation="linear")])
    for filters in (2 * width, width):
        x = conv(layers.UpSampling2D(2)(x), filters, 3)
    x = plain(x, 3, 9, activation="tanh", dtype="float32")
    painted = layers.Rescaling(127.5, offset=127.5, dtype="float32")(x)
    return keras.Model(image, painted, name="transform_net")


def check_not_frozen() -> None:
    """ConfigError if the process has promised TensorFlow that no weights change."""
    if os.environ.get(FROZEN) == "1":
        raise ConfigError(
            f"{FROZEN} is 1, with which trained networks are silently wrong; start a process "
            "without it"
        )
