"""Data passed between the objective's steps: targets, masks, sums over positions, value by part.

Masks: Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer", 2017, arXiv:1611.07865, section 4.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from artistyle_tf.images.masks import coverage
from artistyle_tf.objective.moments import Moments, Target
from artistyle_tf.vgg.extractor import Features
from artistyle_tf.vgg.vgg19 import stride

__all__ = [
    "Guides",
    "Parts",
    "Sums",
    "Targets",
    "Weighing",
    "layer_guides",
    "region_strengths",
]


class Targets(NamedTuple):
    """What the losses compare with. Tensors only, so that one traced function serves them all."""

    content: Features
    """Layer → activations of the content, [1, H_l, W_l, N_l], in the convolutions' dtype."""
    style: dict[str, Target]
    """Layer → normalised Gram matrix of each region's style, [R, N_l, N_l]; without masks R is 1.
    With statistics "w2" a `wasserstein.Gaussian` of each."""
    weights: Features
    """Style layer → [R], weight of each region's loss beside the layer's own: β λ_r, or as in a
    `Weighing`; without masks λ is 1."""
    guides: Features
    """Style layer → squared guidance channels, [1, H_l, W_l, R], each of mean 1; {} if unmasked."""
    scale: tf.Tensor
    """[], mean squared activation of content and styles, averaged over layers."""
    palette: Features
    """The colours of the styles, see `palette.palette`; {} without."""
    earlier: Features
    """The earlier picture of a video and its weights, see `temporal.following`; {} without."""

    def weighed(self, weighing: "Weighing | None") -> "Targets":
        """These targets with its weights, if there are any."""
        if weighing is None:
            return self
        weights = {
            name: tf.constant(weighing.weights[name], one.dtype)
            for name, one in self.weights.items()
        }
        return self._replace(weights=weights)


class Weighing(NamedTuple):
    """How strongly the style counts, as found for a pair by `Objective.weigh`."""

    style_weight: float
    """β"""
    weights: Mapping[str, Sequence[float]]
    """Style layer → `Targets.weights`."""


class Sums(NamedTuple):
    """All that the losses need from an image: sums over positions, so additive over tiles."""

    content: Features
    """Layer → Σ (F − P)², []."""
    style: dict[str, Moments]
    """Layer → FᵀF of each region, and Σ f if the statistics need it."""


class Parts(NamedTuple):
    """The objective by part, all weights applied; the parts add up to `value`."""

    value: tf.Tensor
    content: dict[str, tf.Tensor]
    style: dict[str, tf.Tensor]
    total_variation: tf.Tensor
    gamut: tf.Tensor
    """The penalty on values outside 0-255."""
    palette: tf.Tensor
    """The penalty on colours that the styles don't have."""
    temporal: tf.Tensor
    """The weighted distance from the earlier picture of a video."""


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
