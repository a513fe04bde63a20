"""Pictures as HTML, for notebooks. No TensorFlow."""

import base64
import html
from collections.abc import Mapping

import numpy as np

from artistyle_tf.images.sizes import resize
from artistyle_tf.images.write import png_bytes

__all__ = ["WIDTH", "to_html"]

WIDTH = 512
"""Wider pictures are scaled down to this width in px, since notebooks store all that they show."""


def to_html(rgb: np.ndarray, rows: Mapping[str, str], alpha: np.ndarray | None = None) -> str:
    """A picture embedded in HTML, with a table of facts below it.

    Args:
      rgb: uint8 [H, W, 3] sRGB.
      rows: label → text; both are escaped.
      alpha: uint8 [h, w].
    """
    height, width = rgb.shape[:2]
    if width > WIDTH:
        rgb = resize(rgb, (max(1, round(height * WIDTH / width)), WIDTH))
    data = base64.b64encode(png_bytes(rgb, alpha)).decode("ascii")
    cells = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>"
        for label, text in rows.items()
    )
    return f'<img src="data:image/png;base64,{data}"><table>{cells}</table>'
