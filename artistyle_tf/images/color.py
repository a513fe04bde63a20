"""Colour control, and what the palette's loss is made of. NumPy only.

Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016, arXiv:1606.05897: all work
on sRGB values directly, like the paper, and also on pictures of a single colour.
"""

from collections.abc import Sequence

import numpy as np

from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import as_uint8
from artistyle_tf.images.sizes import resize, scale_to

LUMA = (0.299, 0.587, 0.114)  # Weights of R, G, B in the Y of YIQ.
NODES = 32  # Nodes of the palette's table along R, G and B, from 0 to 255.
TOLERANCE = 0.02  # Distance in OKLab that counts as none: just noticeable side by side.
_LONGEST = 256  # Longer side in px at which a style's colours are counted.
_FEWEST = 5e-5  # Share of its pixels that makes a colour one of the style's.
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


def recolor(
    mode: str, content: np.ndarray, styles: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """(content, styles), uint8 or float32 [H, W, 3] sRGB each, as used by the losses.

    uint8 pictures are rounded to uint8 again. `mode` is `Config.color`. style: unchanged.
    luminance: all in grey, the styles' brightness matched to the content's mean and standard
    deviation (sec. 3.2), before `keep_chroma`. match, cholesky: the styles in the content's
    colours, by symmetric square roots or Cholesky factors (sec. 3.1). histogram: likewise, channel
    by channel.
    """
    if mode == "style":
        return content, styles
    if mode == "luminance":
        own = luminance(content)
        grey = [own, *(_match_brightness(luminance(style), own) for style in styles)]
        content, *styles = (
            _like(before, np.repeat(one[..., None], 3, axis=-1))
            for before, one in zip([content, *styles], grey, strict=True)
        )
        return content, styles
    if mode == "histogram":
        return content, [_match_histogram(style, content) for style in styles]
    return content, [_match_covariance(style, content, mode == "cholesky") for style in styles]


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Y of YIQ in grey levels: uint8 or float [..., 3] sRGB → float64 [...]."""
    return np.asarray(rgb, np.float64) @ np.array(LUMA)


def keep_chroma(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The content's colours with the brightness of a painted image.

    The difference in Y is added to R, G and B, so I and Q of YIQ stay. `image`: float [1, H, W, 3],
    BGR, mean subtracted, like the float32 result; `content`: uint8 or float32 [H, W, 3] sRGB.
    """
    own = to_network(content)
    return own + ((image - own) @ np.array(LUMA[::-1], np.float32))[..., None]


def _match_covariance(style: np.ndarray, content: np.ndarray, cholesky: bool) -> np.ndarray:
    """The style, x → A (x − μ_S) + μ_C with A Σ_S Aᵀ = Σ_C: [H, W, 3], clipped, of its dtype.

    A is L_C L_S⁻¹ of the Cholesky factors, or Σ_C^½ Σ_S^-½ of symmetric roots. The style's standard
    deviation along any direction counts as at least one grey level, so rounding noise is not
    amplified to colours.
    """
    pixels, wanted = (np.reshape(rgb, (-1, 3)).astype(np.float64) for rgb in (style, content))
    before, after = np.cov(pixels.T, bias=True), np.cov(wanted.T, bias=True)
    values, vectors = np.linalg.eigh(before)
    before = (vectors * np.maximum(values, 1)) @ vectors.T
    if cholesky:
        # A grey content has no Cholesky factor; a thousandth of a grey level is invisible.
        factor = np.linalg.cholesky(after + 1e-6 * np.eye(3))
        matrix = factor @ np.linalg.inv(np.linalg.cholesky(before))
    else:
        matrix = _power(after, 0.5) @ _power(before, -0.5)
    moved = (pixels - pixels.mean(0)) @ matrix.T + wanted.mean(0)
    return _like(style, moved.reshape(style.shape))


def _match_histogram(style: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The style with the content's distribution in each of R, G, B: [H, W, 3], of its dtype."""
    channels = []
    for own, wanted in zip(np.moveaxis(style, -1, 0), np.moveaxis(content, -1, 0), strict=True):
        _, inverse, counts = np.unique(own, return_inverse=True, return_counts=True)
        quantiles = (np.cumsum(counts) - counts / 2) / own.size  # midpoint of each value's share
        mapped = np.quantile(wanted, quantiles)
        channels.append(mapped[inverse.reshape(own.shape)])
    return _like(style, np.stack(channels, axis=-1)).reshape(len(style), -1, 3)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """sRGB in grey levels [..., 3] → OKLab [..., 3], lightness 0 to 1 (Ottosson 2020)."""
    values = np.asarray(rgb, np.float64) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _LMS.T) @ _LAB.T


def palette_table(styles: Sequence[np.ndarray], mask: np.ndarray | None = None) -> np.ndarray:
    """float32 [NODES, NODES, NODES] by R, G, B: max(0, d - `TOLERANCE`)², times 255².

    d is the distance in OKLab to the nearest colour of the styles, [H, W, 3] sRGB in grey levels.
    Only colours count that two pixels and `_FEWEST` of all have, at `_LONGEST` px. `mask`: uint8
    [H, W], white where a single style is used; None or all black: everywhere.
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


def _match_brightness(own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    spread = own.std()
    scale = wanted.std() / spread if spread >= 1 else 1.0  # a uniform grey stays uniform
    return (own - own.mean()) * scale + wanted.mean()


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-12) ** power) @ vectors.T


def _like(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Clips `after` and casts it to the dtype of `before`."""
    if before.dtype == np.uint8:
        return as_uint8(after)
    return np.clip(after, 0, 255).astype(np.float32)
