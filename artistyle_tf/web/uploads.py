"""Reads pictures uploaded in the browser, within limits, and the mask drawn with the brush.
No Gradio, no TensorFlow."""

import logging
import math
import os
import re
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from artistyle_tf.config.config import Config
from artistyle_tf.errors import InputError
from artistyle_tf.images import Picture, read
from artistyle_tf.images.sizes import fit, resize

__all__ = ["Limits", "check_output", "drawn_mask", "read_upload", "stem"]

logger = logging.getLogger("artistyle_tf")


class Limits(NamedTuple):
    """What the server accepts."""

    pixels: int = 50_000_000
    """Maximum number of pixels of a picture, uploaded or painted."""
    megabytes: int = 40
    """Maximum size of an upload in 10^6 bytes."""


def read_upload(path: str, limits: Limits) -> Picture:
    """The picture at `path`, refused before decoding if its header declares too many pixels.

    Raises:
      InputError: the picture is too large or can't be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check_pixels(os.path.basename(path), image.size, limits)
    except InputError:
        raise
    except Exception as error:  # many types; `read` reports the error
        logger.debug("%s: %s", path, error)
    picture = read(path)
    height, width = picture.rgb.shape[:2]
    _check_pixels(picture.name, (width, height), limits)
    return picture


def check_output(config: Config, content: Picture | None, limits: Limits) -> None:
    """InputError if the painting would have too many pixels."""
    if isinstance(config.size, tuple):
        width, height = config.size
    elif content is None:
        width = height = config.size
    else:
        height, width = fit(content.rgb.shape[0], content.rgb.shape[1], config.size)
    _check_pixels("the painting", (width, height), limits)


def _check_pixels(name: str, size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.pixels:
        side = math.isqrt(limits.pixels)
        raise InputError(
            f"{name} has {width}×{height} px; this page accepts at most "
            f"{limits.pixels / 1e6:.3g} million, like {side}×{side}"
        )


def drawn_mask(editor: Mapping[str, Any] | None, picture: Picture) -> Picture | None:
    """The mask drawn on a photo: white where painted, with the photo's aspect ratio.

    Args:
      editor: value of the image editor: "layers", each uint8 [H, W, 4]; only alpha is used.
      picture: the photo.

    Returns:
      None if nothing was drawn; the style then applies everywhere.
    """
    layers = (editor or {}).get("layers") or []
    alphas = [np.asarray(layer)[..., 3] for layer in layers if np.asarray(layer).shape[-1] == 4]
    if not alphas:
        return None
    paint = np.max(alphas, axis=0)
    if not paint.any():
        return None
    # The brush is translucent so that the photo shows through; its full alpha counts as white.
    white = np.clip(paint.astype(np.float32) * (255 / paint.max()), 0, 255).astype(np.uint8)
    height, width = picture.rgb.shape[:2]
    return read(resize(white, fit(height, width, min(max(height, width), 1024))))


def stem(picture: Picture | None) -> str:
    """The stem of a file name, made from the picture's name: letters, digits and hyphens.

    >>> stem(read(np.zeros((16, 16, 3), np.uint8)))
    'array'
    """
    name = os.path.splitext(picture.name)[0] if picture else ""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "picture"
