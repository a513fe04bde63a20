"""Validation of batches passed to the losses: their shapes and value ranges."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from artistyle_tf.errors import ConfigError
from artistyle_tf.images.picture import MIN_SIDE

GREY_LEVELS = 255.0


def checked_range(value_range: Any) -> tuple[float, float]:
    """(black, white) as floats; ConfigError if they are not two finite numbers in that order."""
    try:
        black, white = (float(level) for level in value_range)
    except (TypeError, ValueError):
        black = white = 0.0
    if not (np.isfinite([black, white]).all() and black < white):
        raise ConfigError(
            f"value_range is {value_range!r}; it must be (black, white), like (0, 255)"
        )
    return black, white


def check_shapes(batches: Mapping[str, tf.Tensor]) -> None:
    """ConfigError unless all are RGB pictures of the same shape, large enough for the network.

    A graph knows and checks the static dimensions only, while tracing.
    """
    for name, batch in batches.items():
        shape = batch.shape
        fits = shape.is_compatible_with([None, None, None, 3])
        if not fits or any(side is not None and side < MIN_SIDE for side in list(shape or ())[1:3]):
            raise ConfigError(
                f"{name} is {shape}; it must be [B, H, W, 3], RGB, H and W from {MIN_SIDE} px"
            )
        if not shape.is_compatible_with(batches["y_pred"].shape):
            raise ConfigError(
                f"y_pred is {batches['y_pred'].shape} and {name} {shape}; they must have one shape"
            )


def check_values(
    name: str, batch: tf.Tensor, value_range: tuple[float, float], *, data: bool
) -> None:
    """Reports values that don't fit `value_range`.

    A maximum above twice white, like 0–255 where 0–1 is expected, is an error in `data`, and a
    warning in what an untrained network made. One within the first of 255 grey levels is a warning,
    since a batch may be that dark. Graphs assert the error only, which XLA leaves out.
    """
    black, white = value_range
    peak, limit = tf.reduce_max(batch), black + 2 * (white - black)
    wrong = f"and value_range is ({black:g}, {white:g}); it must be black and white of {name}, like"
    if not tf.executing_eagerly():
        if data:
            tf.debugging.Assert(
                peak <= limit, [f"{name} has values up to", peak, wrong, "(0, 255)"]
            )
        return
    found = float(peak)
    text = f"{name} has values up to {found:g}, {wrong}"
    if found > limit and data:
        raise ConfigError(f"{text} (0, 255)")
    if found > limit:
        warnings.warn(f"{text} (0, 255)", UserWarning, stacklevel=2)
    elif white - black >= GREY_LEVELS and black < found <= black + (white - black) / GREY_LEVELS:
        warnings.warn(f"{text} (0, 1)", UserWarning, stacklevel=2)
