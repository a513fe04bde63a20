"""The input pictures of each task, the size of its result, and the image that a run starts from:
noise, grey, one of the pictures, or a blend with noise. No TensorFlow."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.config.choices import INITS
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.masks import Masks, check_counts, read_masks
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import fit, output_size, resize, scale_to


class Inputs(NamedTuple):
    content: Picture | None  # None for task "texture"
    styles: list[Picture]  # empty for task "reconstruct"
    masks: Masks
    size: tuple[int, int]  # (height, width) of the result

    def painted(self) -> np.ndarray:
        """[H, W, 3] sRGB: the content, or an unused grey placeholder of that size."""
        if self.content is not None:
            return self.content.rgb
        return np.full((*self.size, 3), 128, np.uint8)


def check_inputs(
    config: Config, content: bool, styles: int, content_masks: int = 0, style_masks: int = 0
) -> None:
    """ConfigError if the numbers of pictures don't suit the task."""
    task = config.task
    if content == (task == "texture"):
        raise ConfigError(
            f"content is given, and task {task} has none"
            if content
            else "content is missing; name a picture (or task texture, which needs none)"
        )
    if task == "reconstruct" and styles:
        raise ConfigError("style is given, and task reconstruct has none")
    if task != "stylize" and content_masks + style_masks:
        raise ConfigError(f"content_mask is given, and task {task} takes no masks")
    if task != "reconstruct":
        if not styles:
            raise ConfigError("style is missing; name at least one picture")
        config.shares(styles)
    check_counts(styles, content_masks, style_masks)


def read_inputs(
    config: Config,
    content: Any,
    styles: Any,
    content_masks: Sequence[Any] = (),
    style_masks: Sequence[Any] = (),
) -> Inputs:
    """Reads all pictures of a run, in any form that `images.read` takes; styles: one, a list or
    None."""
    if not isinstance(styles, list | tuple):
        styles = [] if styles is None else [styles]
    counts = len(content_masks), len(style_masks)
    check_inputs(config, content is not None, len(styles), *counts)
    picture = None if content is None else read(content)
    pictures = [read(style) for style in styles]
    masks = Masks()
    if picture is None:
        size = _texture_size(config, pictures[0])
    else:
        assert isinstance(config.size, int)
        masks = read_masks(content_masks, style_masks, picture, pictures)
        size = output_size(picture, config.size)
    return Inputs(picture, pictures, masks, size)


def _texture_size(config: Config, style: Picture) -> tuple[int, int]:
    if config.size == 0:
        return style.rgb.shape[0], style.rgb.shape[1]
    if isinstance(config.size, int):
        return config.size, config.size
    width, height = config.size
    return height, width


def style_sides(
    config: Config, style: tuple[int, int], size: tuple[int, int], canvas: tuple[int, int]
) -> tuple[int, int]:
    """(height, width) that a style is scaled to at a level of (height, width) `size`.

    Its longer side is `config.style_scale` times that of the image. For a texture, which may be
    larger than its style without larger strokes, it is `config.style_scale` times the style's own
    longer side, reduced in proportion to the level. `canvas` is the size of the finest level.
    """
    longer = config.style_scale * max(size)
    if config.task == "texture":
        longer *= max(style) / max(canvas)
    return scale_to(style, longer)


def remarks(pictures: Sequence[tuple[Picture, int]]) -> list[str]:
    """Notes about the pictures, including which are enlarged to those longer sides."""
    notes = [note for picture, _ in pictures for note in picture.notes]
    for picture, target in pictures:
        own = max(picture.rgb.shape)
        if target > own:
            notes.append(
                f"{picture.name} has only {own} px on its longer side and is enlarged to {target}"
            )
    return notes


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

    t is `config.init_noise`; the first style or `picture`, of `read_start`, is cropped to `size`.
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
