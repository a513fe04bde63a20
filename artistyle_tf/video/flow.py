"""Optical flow between two frames. NumPy and OpenCV."""

import functools
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from artistyle_tf.errors import ConfigError

__all__ = ["QUALITIES", "Flow", "Quality", "check_flow", "dense_flow", "flow_of"]

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(first, second) → where in the second frame each pixel of the first is, as `dense_flow` says."""

Quality = Literal["medium", "fast", "ultrafast"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)
"""OpenCV's presets of DIS, the slowest and best first."""

SMALLEST = 32
"""Shorter sides, in px, are mirrored on to this one: the pyramid of DIS needs room."""


def check_flow(name: str) -> None:
    """ConfigError unless this is one of `QUALITIES`."""
    if name not in QUALITIES:
        raise ConfigError(f"flow is {name!r}; it must be one of {', '.join(QUALITIES)}")


def flow_of(name: str) -> Flow:
    """DIS at the quality that is called so. ConfigError as `check_flow`."""
    check_flow(name)
    return functools.partial(dense_flow, quality=next(one for one in QUALITIES if one == name))


def dense_flow(first: np.ndarray, second: np.ndarray, quality: Quality = "medium") -> np.ndarray:
    """Where in `second` each pixel of `first` is: dense inverse search, DIS.

    Kroeger, Timofte, Dai and Van Gool 2016, arXiv:1603.03590, as OpenCV has it.

    Args:
      first, second: uint8 [H, W, 3] sRGB, of one shape.
      quality: one of `QUALITIES`.

    Returns:
      float32 [H, W, 2]: (dx, dy) in px, so that first(x, y) is seen at second(x + dx, y + dy).
    """
    import cv2

    height, width = first.shape[:2]
    beyond = [max(0, SMALLEST - side) for side in (height, width)]
    grey = [
        np.pad(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), [(0, more) for more in beyond], "symmetric")
        for one in (first, second)
    ]
    preset = getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{quality.upper()}")
    flow: np.ndarray = cv2.DISOpticalFlow.create(preset).calc(grey[0], grey[1], None)
    return np.ascontiguousarray(flow[:height, :width])
