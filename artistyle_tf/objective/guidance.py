"""Guidance channels of regions, from masks: how much each position of a layer counts.

Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer", 2017, arXiv:1611.07865, section 4. NumPy only.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.images.masks import coverage
from artistyle_tf.vgg.vgg19 import stride

__all__ = ["Guides", "layer_guides", "region_strengths"]


class Guides(NamedTuple):
    """Masks for `Objective.targets`: style layer → squared guidance channels with mean 1 or 0."""

    content: dict[str, Any]
    """[1, H_l, W_l, R]"""
    styles: Sequence[dict[str, Any]]
    """R times [1, H_l, W_l, 1], each of its style's size."""
    strengths: Any
    """[R], λ_r"""


def layer_guides(mask: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Layer → float32 [H_l, W_l]: T² of the guidance channel, scaled to a mean of 1.

    T at a position is the mean of the mask over the pixels pooled into it. The paper normalises to
    Σ T² = 1; with a mean of 1, the sum over positions divided by their number, as without masks,
    is the same. All 0 if nothing of the mask is left at that layer.

    Args:
      mask: uint8 [H, W], at the size of the picture that the network sees.
      layers: names of VGG19 layers.
    """
    guides = {}
    for layer in layers:
        step = stride(layer)
        height, width = mask.shape[0] // step, mask.shape[1] // step
        cells = mask[: height * step, : width * step].reshape(height, step, width, step)
        squared = np.square(cells.mean(axis=(1, 3), dtype=np.float64) / 255)
        mean = squared.mean()
        guides[layer] = (squared / mean if mean else squared).astype(np.float32)
    return guides


def region_strengths(masks: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    """float32 [R]: λ_r, the weight of each region's style loss.

    The paper leaves them open. Gram matrices are means over their region, so equal weights would
    paint a small region more strongly, in inverse proportion to its area. These weights keep the
    pull on each pixel as it is without masks: they are proportional to area times style share, and
    sum to the covered fraction of the picture. A single all-white mask has weight 1.

    Args:
      masks: uint8 [H, W] each, of one size.
      shares: of the styles, summing to 1.
    """
    areas = np.array([share * np.mean(mask) for mask, share in zip(masks, shares, strict=True)])
    covered = np.mean(coverage(masks, masks[0].shape[:2]), dtype=np.float64)
    return (areas / max(areas.sum(), 1e-30) * covered).astype(np.float32)
