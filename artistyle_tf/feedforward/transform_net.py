"""The image transformation network of Johnson et al. 2016 as a Keras model."""

import os
from typing import Any

import keras
import numpy as np

from artistyle_tf.errors import ConfigError
from artistyle_tf.network.backend import check_backend
from artistyle_tf.network.extractor import FROZEN
from artistyle_tf.settings.validation import integer

__all__ = ["CELL", "build_transform_net", "check_not_frozen"]

CELL = 4
"""The network halves the picture twice: sides must be multiples of this."""


def build_transform_net(
    width: int = 16, blocks: int = 3, *, seed: int | None = None
) -> keras.Model:
    """An image transformation network, untrained.

    It is that of Johnson et al. (their supplement, table 1) with instance normalisation, and with
    nearest-neighbour enlargement before a convolution instead of a transposed convolution, which
    leaves no checkerboard.

    Args:
      width: channels of the first layer; the residual blocks have four times as many. The paper
        has 32.
      blocks: residual blocks. The paper has 5.
      seed: of the initial weights; None: another each time.

    Returns:
      A model from RGB [B, H, W, 3], 0-255, H and W multiples of 4, to the same, 0-255.

    Raises:
      ConfigError: a number that can't be, Keras on another backend than TensorFlow, or a process
        with TF_ONEDNN_ASSUME_FROZEN_WEIGHTS=1.
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
        x = layers.GroupNormalization(groups=-1)(x)  # one group a channel: instance normalisation
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
    """ConfigError in a process that has promised TensorFlow to change no weights."""
    if os.environ.get(FROZEN) == "1":
        raise ConfigError(
            f"{FROZEN} is 1, with which trained networks are silently wrong; start a process "
            "without it"
        )
