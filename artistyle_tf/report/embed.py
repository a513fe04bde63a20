"""Pictures embedded in HTML, limited in size. No TensorFlow."""

import base64
import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from artistyle_tf.images.picture import as_uint8
from artistyle_tf.images.sizes import fit, resize
from artistyle_tf.images.write import png_bytes

__all__ = ["Embedded", "embedded", "shrunk"]


class Embedded(NamedTuple):
    """A picture for an <img> element."""

    uri: str
    """data:image/…"""
    width: int
    """In px, as embedded."""
    height: int
    full: tuple[int, int]
    """(height, width) of the original in px."""

    @property
    def reduced(self) -> bool:
        """Whether the embedded picture is smaller than the original."""
        return self.full != (self.height, self.width)


def shrunk(rgb: np.ndarray, longest: int) -> np.ndarray:
    """A picture [H, W, 3] as uint8 [h, w, 3] whose longer side is at most `longest` px."""
    size = rgb.shape[0], rgb.shape[1]
    return as_uint8(resize(rgb, fit(*size, longest)) if max(size) > longest else rgb)


def embedded(
    rgb: np.ndarray, longest: int, quality: int, alpha: np.ndarray | None = None
) -> Embedded:
    """A picture as a data URI: JPEG, or PNG if it has an alpha channel.

    Args:
      rgb: uint8 or float32 [H, W, 3] sRGB in grey levels.
      longest: maximum length of the longer side in px.
      quality: JPEG quality, 1 to 95.
      alpha: uint8 or float32 [h, w] in grey levels, of any size.
    """
    small = shrunk(rgb, longest)
    if alpha is not None:
        kind, data = "png", png_bytes(small, alpha)
    else:
        kind, file = "jpeg", io.BytesIO()
        Image.fromarray(small).save(file, "JPEG", quality=quality, subsampling=0, optimize=True)
        data = file.getvalue()
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return Embedded(uri, small.shape[1], small.shape[0], (rgb.shape[0], rgb.shape[1]))
