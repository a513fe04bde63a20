"""Data passed between the objective's steps: targets, masks, sums over positions, value by part.

Masks: Gatys et al. 2017, arXiv:1611.07865, section 4.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from artistyle_tf.images.masks import coverage
from artistyle_tf.objective.moments import Moments, Target
from artistyle_tf.vgg.extractor import Features
from artistyle_tf.vgg.vgg19 import stride


class Targets(NamedTuple):
    """What the losses compare with. Tensors only, so that one traced function serves them all."""

    content: Features
    """Layer → activations of the content, [1, H_l, W_l, N_l], in the convolutions' dtype."""
    style: dict[str, Target]
    """Layer → normalised Gram matrix of each region's style, [R, N_l, N_l]; without masks R is 1.
    With statistics "w2" a `wasserstein.Gaussian` of each."""
    weights: Features
    """Style layer → [R], weight of each region's loss beside the layer's own: β λ_r, or as in
    `StyleWeights`; without masks λ is 1."""
    guides: Features
    """Style layer → squared guidance channels, [1, H_l, W_l, R], each of mean 1; {} if unmasked."""
    scale: tf.Tensor
    """[], mean squared activation of content and styles, averaged over layers."""
    palette: Features
    """The colours of the styles, see `palette.palette`; {} without."""
    earlier: Features
    """The picture that the image is to resemble and its weights, see `following`; {} without."""

    def following(self, picture: Any, weights: Any, strength: float) -> "Targets":
        """These targets, of an objective made with `temporal`, with an earlier picture.

        `picture` [1, H, W, 3], on the image's scale, has its things where they are in the image;
        `weights` [1, H, W, 1], 0 to 1, say how much each pixel counts. The objective has `strength`
        λ times `scale` times `losses.weighted_distance`, so that one λ serves every network.
        """
        dtype = self.scale.dtype
        earlier = {
            "picture": tf.convert_to_tensor(picture, dtype),
            "weights": tf.convert_to_tensor(weights, dtype),
            "strength": tf.convert_to_tensor(strength, dtype) * self.scale,
        }
        return self._replace(earlier=earlier)

    def with_weights(self, found: "StyleWeights | None") -> "Targets":
        """These targets with those weights, if there are any."""
        if found is None:
            return self
        weights = {
            name: tf.constant(found.by_layer[name], one.dtype) for name, one in self.weights.items()
        }
        return self._replace(weights=weights)


def earlier_spec(image: tf.TensorSpec) -> dict[str, tf.TensorSpec]:
    """Of `Targets.earlier`, for images of that spec [1, H, W, 3]."""
    return {
        "picture": image,
        "weights": tf.TensorSpec([*image.shape[:3], 1], image.dtype),
        "strength": tf.TensorSpec([], image.dtype),
    }


class StyleWeights(NamedTuple):
    """How strongly the style counts, as `Objective.find_style_weights` has it for a pair."""

    beta: float  # the style weight as a whole
    by_layer: Mapping[str, Sequence[float]]  # style layer → `Targets.weights`


class Sums(NamedTuple):
    """Sums over positions, additive over tiles: all that the losses need from an image."""

    content: Features  # layer → Σ (F − P)², []
    style: dict[str, Moments]  # layer → FᵀF of each region, and Σ f for "w2"


class Parts(NamedTuple):
    """The objective by part, all weights applied; the parts add up to `value`."""

    value: tf.Tensor
    content: dict[str, tf.Tensor]
    style: dict[str, tf.Tensor]
    total_variation: tf.Tensor
    gamut: tf.Tensor  # the penalty on values outside 0-255
    palette: tf.Tensor  # the penalty on colours that the styles don't have
    temporal: tf.Tensor  # the weighted distance from a video's earlier picture


class Guides(NamedTuple):
    """Masks for `Objective.targets`: style layer → squared guidance channels with mean 1 or 0."""

    content: dict[str, Any]  # [1, H_l, W_l, R]
    styles: Sequence[dict[str, Any]]  # R times [1, H_l, W_l, 1], each of its style's size
    strengths: Any  # [R], λ_r


def layer_guides(mask: np.ndarray, layers: Iterable[str]) -> dict[str, np.ndarray]:
    """Layer → float32 [H_l, W_l]: T² of the guidance channel, scaled to a mean of 1.

    T at a position is the mean of the mask, uint8 [H, W] of the network's picture, over the pixels
    pooled into it. All 0 if nothing of the mask is left at that layer.
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
    """float32 [R]: λ_r, the weight of each region's style loss, which the paper leaves open.

    Gram matrices are means over their region, so equal weights would paint small regions more
    strongly. In proportion to area times style share, and with the covered fraction of the picture
    as their sum, they keep the pull on each pixel as it is without masks. Masks: uint8 [H, W] each.
    """
    areas = np.array([share * np.mean(mask) for mask, share in zip(masks, shares, strict=True)])
    covered = np.mean(coverage(masks, masks[0].shape[:2]), dtype=np.float64)
    return (areas / max(areas.sum(), 1e-30) * covered).astype(np.float32)
