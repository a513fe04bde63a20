"""Data passed between the objective's steps: targets, sums over positions, value by part."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from artistyle_tf.objective.moments import Moments, Target
from artistyle_tf.vgg.extractor import Features

__all__ = ["Parts", "Sums", "Targets", "Weighing"]


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
    """The earlier picture of a video and its weights, see `earlier.following`; {} without."""

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
