"""Converts between sRGB and the network's scale: BGR, 0-255, minus the ImageNet mean (Caffe)."""

import numpy as np

BGR_MEAN = (103.939, 116.779, 123.68)
"""Mean B, G, R of ImageNet's training pictures: Simonyan and Zisserman 2014."""


def to_network(rgb: np.ndarray) -> np.ndarray:
    """uint8 or float32 [H, W, 3] sRGB → float32 [1, H, W, 3] BGR, mean subtracted. Keras'
    `preprocess_input` would load TensorFlow and change float arrays in place."""
    return (rgb[None, ..., ::-1] - np.asarray(BGR_MEAN, np.float32)).astype(np.float32)


def from_network(image: np.ndarray) -> np.ndarray:
    """float [1, H, W, 3] BGR, mean subtracted → uint8 [H, W, 3] sRGB, rounded and clipped."""
    return np.clip(np.rint(unclipped(image)), 0, 255).astype(np.uint8)


def unclipped(image: np.ndarray) -> np.ndarray:
    """float [1, H, W, 3] BGR, mean subtracted → float32 [H, W, 3] RGB in grey levels, unclipped."""
    bgr = np.asarray(image)[0] + np.asarray(BGR_MEAN, np.float32)
    return np.ascontiguousarray(bgr[..., ::-1], np.float32)
