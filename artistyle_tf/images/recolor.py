"""Colour control of the result: Gatys et al., "Preserving Color in Neural Artistic Style Transfer",
2016, arXiv:1606.05897. NumPy only.

All work on sRGB values directly, like the paper, and also on pictures of a single colour.
"""

import numpy as np

from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import as_uint8

__all__ = ["keep_chroma", "luminance", "match_covariance", "match_histogram", "recolor"]

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G, B in the Y of YIQ."""


def recolor(
    mode: str, content: np.ndarray, styles: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """(content, styles), uint8 or float32 [H, W, 3] sRGB each, as used by the losses.

    uint8 pictures are rounded to uint8 again; deeper ones keep their precision.

    Args:
      mode: `Config.color`. style: unchanged. luminance: all in grey, the styles' brightness matched
        to the content's mean and standard deviation (sec. 3.2), to be followed by `keep_chroma`.
        match, cholesky: the styles in the content's colours, by symmetric square roots or Cholesky
        factors (sec. 3.1). histogram: likewise, channel by channel.
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
        return content, [match_histogram(style, content) for style in styles]
    return content, [match_covariance(style, content, mode == "cholesky") for style in styles]


def luminance(rgb: np.ndarray) -> np.ndarray:
    """uint8 or float [..., 3] sRGB → float64 [...], Y of YIQ, in grey levels."""
    return np.asarray(rgb, np.float64) @ np.array(LUMA)


def keep_chroma(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The content's colours with the brightness of a painted image.

    Adding the difference in Y to each of R, G and B leaves I and Q of YIQ unchanged.

    Args:
      image: float [1, H, W, 3], BGR, mean subtracted.
      content: uint8 or float32 [H, W, 3] sRGB, of the same size.

    Returns:
      float32 [1, H, W, 3], BGR, mean subtracted.
    """
    own = to_network(content)
    return own + ((image - own) @ np.array(LUMA[::-1], np.float32))[..., None]


def match_covariance(style: np.ndarray, content: np.ndarray, cholesky: bool) -> np.ndarray:
    """The style, x → A (x − μ_S) + μ_C with A Σ_S Aᵀ = Σ_C: [H, W, 3], clipped, of its dtype.

    A is L_C L_S⁻¹ of the Cholesky factors, or Σ_C^½ Σ_S^-½ of symmetric roots. The style's standard
    deviation along any colour direction is taken as at least one grey level, which keeps A finite
    and avoids amplifying rounding noise to colours.
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


def match_histogram(style: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The style with the content's distribution in each of R, G, B: [H, W, 3], of its dtype."""
    channels = []
    for own, wanted in zip(np.moveaxis(style, -1, 0), np.moveaxis(content, -1, 0), strict=True):
        _, inverse, counts = np.unique(own, return_inverse=True, return_counts=True)
        quantiles = (np.cumsum(counts) - counts / 2) / own.size  # midpoint of each value's share
        mapped = np.quantile(wanted, quantiles)
        channels.append(mapped[inverse.reshape(own.shape)])
    return _like(style, np.stack(channels, axis=-1)).reshape(len(style), -1, 3)


def _match_brightness(own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    spread = own.std()
    scale = wanted.std() / spread if spread >= 1 else 1.0  # a uniform grey stays uniform
    return (own - own.mean()) * scale + wanted.mean()


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-12) ** power) @ vectors.T


def _like(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`after`, clipped, in the dtype of `before`."""
    if before.dtype == np.uint8:
        return as_uint8(after)
    return np.clip(after, 0, 255).astype(np.float32)
