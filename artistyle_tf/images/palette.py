"""How far any colour is from those of a painting, as a table over the RGB cube. NumPy only."""

from collections.abc import Sequence

import numpy as np

from artistyle_tf.images.sizes import resize, scale_to

__all__ = ["NODES", "oklab", "palette_table"]

NODES = 32
"""Nodes of the table along R, G and B, from 0 to 255."""

TOLERANCE = 0.02
"""Distance in OKLab that counts as none: just noticeable side by side."""

_LONGEST = 256
_FEWEST = 5e-5
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """sRGB in grey levels [..., 3] → OKLab [..., 3], lightness 0 to 1 (Ottosson 2020)."""
    values = np.asarray(rgb, np.float64) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _LMS.T) @ _LAB.T


def palette_table(styles: Sequence[np.ndarray], mask: np.ndarray | None = None) -> np.ndarray:
    """float32 [NODES, NODES, NODES] by R, G, B: max(0, d - `TOLERANCE`)², times 255².

    d is the distance of a colour in OKLab from the nearest one of the styles, which at 256 px have
    at least two pixels of it and a twenty-thousandth of all.

    Args:
      styles: [H, W, 3] sRGB in grey levels each.
      mask: uint8 [H, W], white where a single style is used; None: everywhere. One that is black
        everywhere counts as none.
    """
    small = [
        np.clip(
            resize(style, scale_to(style.shape[:2], min(_LONGEST, max(style.shape[:2])))), 0, 255
        )
        for style in styles
    ]
    pixels = np.concatenate([one.reshape(-1, 3) for one in small]).astype(np.float64)
    if mask is not None:
        inside = resize(mask, small[0].shape[:2]).reshape(-1) > 127
        pixels = pixels[inside] if inside.any() else pixels
    cells = (pixels * NODES / 256).astype(np.int64) @ (NODES**2, NODES, 1)
    _, index, counts = np.unique(cells, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(index, channel) for channel in pixels.T], -1) / counts[:, None]
    often = counts >= min(max(2, _FEWEST * len(pixels)), counts.max())
    colours = oklab(means[often]).astype(np.float32)
    axis = np.linspace(0, 255, NODES)
    nodes = oklab(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3))
    nodes = nodes.astype(np.float32)
    nearest = np.full(len(nodes), np.inf, np.float32)
    for part in np.array_split(colours, -(-len(colours) // 256)):
        squares = np.sum(part**2, -1) - 2 * nodes @ part.T
        nearest = np.minimum(nearest, squares.min(-1))
    distance = np.sqrt(np.maximum(nearest + np.sum(nodes**2, -1), 0))
    table = (255 * np.maximum(distance - TOLERANCE, 0)) ** 2
    return table.reshape(NODES, NODES, NODES).astype(np.float32)
