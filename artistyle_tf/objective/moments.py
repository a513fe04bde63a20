"""Statistics that describe a style: sums over positions of features and of their products."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.objective import losses
from artistyle_tf.objective.wasserstein import Gaussian, gaussian, wasserstein


class Moments(NamedTuple):
    """Sums over positions, additive over tiles; or their means, see `normalize`."""

    second: tf.Tensor  # [R, N, N], FᵀF of each region; without masks R is 1
    first: Any = ()  # [R, N], Σ f; () for statistics "gram"


Target = Any
"""For R regions: normalised Gram matrices [R, N, N], or for statistics "w2" a `Gaussian`."""


def moments(features: tf.Tensor, guides: tf.Tensor | None, mean: bool) -> Moments:
    """Moments of features [1, H, W, N] within guides [1, H, W, R]; with first moments if `mean`."""
    each = [None] if guides is None else tf.unstack(guides, axis=-1)
    second = [losses.gram_sum(features, guide) for guide in each]
    first = [losses.feature_sum(features, guide) for guide in each] if mean else []
    return Moments(tf.concat(second, axis=0), tf.concat(first, axis=0) if mean else ())


def empty_moments(regions: int, channels: int, mean: bool, dtype: tf.DType) -> Moments:
    second = tf.zeros([regions, channels, channels], dtype)
    return Moments(second, tf.zeros([regions, channels], dtype) if mean else ())


def normalize(sums: Moments, positions: tf.Tensor) -> Moments:
    """Means over positions of f fᵀ / N, the Gram matrix / NM, and of f / √N, on the same scale."""
    count = positions * sums.second.shape[-1]
    first = sums.first
    if not isinstance(first, tuple):
        first = first / (positions * tf.sqrt(tf.cast(sums.second.shape[-1], first.dtype)))
    return Moments(sums.second / count, first)


def blend(each: Sequence[Moments], shares: Sequence[float]) -> Moments:
    """Normalised moments of several pictures, averaged with weights that sum to 1.

    They are the moments of a picture composed in those proportions, as covariances would not be.
    """
    return tf.nest.map_structure(
        lambda *parts: tf.add_n([share * part for share, part in zip(shares, parts, strict=True)]),
        *each,
    )


def stack(each: Sequence[Moments], counting: tf.Tensor) -> Moments:
    """Moments of one region each, [1, ...], stacked to R regions; 0 where `counting` [R] is 0."""

    def joined(*parts: tf.Tensor) -> tf.Tensor:
        whole = tf.concat(parts, axis=0)
        return whole * tf.reshape(counting, [-1] + [1] * (whole.shape.rank - 1))

    return tf.nest.map_structure(joined, *each)


def target_spec(regions: int, channels: int, mean: bool, dtype: str) -> Any:
    matrix = tf.TensorSpec([regions, channels, channels], dtype)
    if not mean:
        return matrix
    return Gaussian(
        tf.TensorSpec([regions, channels], dtype), matrix, tf.TensorSpec([regions], dtype)
    )


def target_of(means: Moments) -> Target:
    """The target that normalised moments are compared with, from the style's own moments."""
    return means.second if isinstance(means.first, tuple) else gaussian(means.first, means.second)


def mean_square(target: Target) -> tf.Tensor:
    """[R]: mean squared activation of the style, the trace of its second moments."""
    if not isinstance(target, Gaussian):
        return tf.linalg.trace(target)
    spread = tf.reduce_sum(tf.square(target.root), [-2, -1])
    return spread - target.floor * target.root.shape[-1] + tf.reduce_sum(target.mean**2, -1)


def compare(means: Moments, target: Target) -> tf.Tensor:
    """[R]: loss of normalised moments: `losses.style_loss`, or W² / N in squared grey levels."""
    if isinstance(target, Gaussian):
        return wasserstein(means.first, means.second, target)
    return losses.style_loss(means.second, target)
