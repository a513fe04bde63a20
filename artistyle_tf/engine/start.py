"""The image that a run starts from: noise, grey, one of the pictures, or a blend with noise."""

from collections.abc import Sequence

import numpy as np

from artistyle_tf.config.config import INITS, Config
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import fit, resize

__all__ = ["cover", "read_start", "start_image", "white_noise"]


def read_start(config: Config) -> Picture | None:
    """The picture named by `config.init`; None if it is one of `INITS`. InputError as in `read`."""
    return None if config.init in INITS else read(config.init)


def start_image(
    config: Config,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    picture: Picture | None,
    size: tuple[int, int],
) -> np.ndarray:
    """float32 [1, h, w, 3], BGR, mean subtracted: (1 − t) · start + t · white noise.

    Args:
      config: its `init`, `init_noise` (t), `noise_amplitude` and `seed`.
      content: [H, W, 3] sRGB, like `Picture.rgb`, scaled to `size`.
      styles: [H, W, 3] sRGB each, likewise; the first keeps its aspect ratio and is cropped to
        `size`.
      picture: what `read_start` returned; cropped likewise.
      size: (height, width) of the image.
    """
    noise = white_noise(size, config.seed, config.noise_amplitude)
    match config.init:
        case "noise":
            return noise
        case "grey":  # neural-style: randn · 0.001 about the mean that was subtracted
            start = np.random.default_rng(config.seed).normal(0, 1e-3, noise.shape)
        case "content":
            start = to_network(resize(content, size))
        case "style":
            start = to_network(cover(styles[0], size))
        case _:
            assert picture is not None
            start = to_network(cover(picture.rgb, size))
    blended = (1 - config.init_noise) * start + config.init_noise * noise
    return blended.astype(np.float32)


def cover(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[H, W, 3] scaled to cover (height, width), aspect ratio kept, and centre-cropped."""
    factor = max(size[0] / rgb.shape[0], size[1] / rgb.shape[1])
    own = rgb.shape[0], rgb.shape[1]
    height, width = fit(*own, max(1, round(max(own) * factor)))
    scaled = resize(rgb, (max(height, size[0]), max(width, size[1])))
    top, left = (scaled.shape[0] - size[0]) // 2, (scaled.shape[1] - size[1]) // 2
    return scaled[top : top + size[0], left : left + size[1]]


def white_noise(size: tuple[int, int], seed: int, amplitude: float) -> np.ndarray:
    """float32 [1, H, W, 3], BGR, mean subtracted: uniform within ± `amplitude` grey levels."""
    noise = np.random.default_rng(seed).uniform(-amplitude, amplitude, (*size, 3))
    return noise[None].astype(np.float32)
