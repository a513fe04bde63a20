"""What passes between the objective's steps: targets, sums over positions, the value in parts."""

from typing import NamedTuple

import tensorflow as tf

from artistyle_tf.network.extractor import Features
from artistyle_tf.objective.moments import Moments, Target

__all__ = ["Parts", "Sums", "Targets"]


class Targets(NamedTuple):
    """What the losses compare with. Tensors only, so that one traced function serves them all."""

    content: Features
    """Layer → activations of the content picture, [1, H_l, W_l, N_l], as convolutions make them."""
    style: dict[str, Target]
    """Layer → normalised Gram matrix of each region's style, [R, N_l, N_l]; without masks R is 1.
    With statistics "w2" a `wasserstein.Gaussian` of each."""
    balance: Features
    """Style layer → factor [] of its loss beside the weights: 1, or what `balanced` found."""
    guides: Features
    """Style layer → squared guidance channels, [1, H_l, W_l, R], each with mean 1; {} without."""
    strengths: tf.Tensor
    """[R], weight λ_r of each region's style loss."""
    scale: tf.Tensor
    """[], mean square activation of content and styles, averaged over the layers; 0 where neither
    a gamut weight nor an earlier picture needs it."""
    earlier: Features
    """What the image shall resemble pixel by pixel, see
    `earlier.following`; {} without."""


class Sums(NamedTuple):
    """All that the losses need to know of an image: sums over positions, so they add over tiles."""

    content: Features
    """Layer → Σ (F − P)², []."""
    style: dict[str, Moments]
    """Layer → FᵀF of each region, and Σ f where the statistics need it."""


class Parts(NamedTuple):
    """The objective taken apart; every figure has its weights in it, and they add up to `value`."""

    value: tf.Tensor
    content: dict[str, tf.Tensor]
    style: dict[str, tf.Tensor]
    total_variation: tf.Tensor
    gamut: tf.Tensor
    """The penalty on what leaves 0-255."""
    temporal: tf.Tensor
    """The distance from an earlier picture."""
