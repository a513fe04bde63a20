"""Data passed between the objective's steps: targets, sums over positions, value by part."""

from typing import NamedTuple

import tensorflow as tf

from artistyle_tf.network.extractor import Features
from artistyle_tf.objective.moments import Moments, Target

__all__ = ["Parts", "Sums", "Targets"]


class Targets(NamedTuple):
    """What the losses compare with. Tensors only, so that one traced function serves them all."""

    content: Features
    """Layer → activations of the content, [1, H_l, W_l, N_l], in the convolutions' dtype."""
    style: dict[str, Target]
    """Layer → normalised Gram matrix of each region's style, [R, N_l, N_l]; without masks R is 1.
    With statistics "w2" a `wasserstein.Gaussian` of each."""
    balance: Features
    """Style layer → factor [] of its loss, beside the weights: 1, or as computed by `balanced`."""
    guides: Features
    """Style layer → squared guidance channels, [1, H_l, W_l, R], each of mean 1; {} if unmasked."""
    strengths: tf.Tensor
    """[R], weight λ_r of each region's style loss."""
    scale: tf.Tensor
    """[], mean squared activation of content and styles, averaged over layers; 0 where neither a
    gamut weight nor an earlier picture needs it."""
    earlier: Features
    """The earlier picture of a video and its weights, see `earlier.following`; {} without."""


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
    temporal: tf.Tensor
    """The weighted distance from the earlier picture of a video."""
