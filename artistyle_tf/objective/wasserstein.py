"""The Wasserstein-2 distance of Gaussians, with its gradient in closed form. Pure functions.

For normal distributions with means m, μ and covariances C, A (Dowson and Landau 1982; Olkin and
Pukelsheim 1982):

    W² = |m − μ|² + tr A + tr C − 2 tr (A^½ C A^½)^½

crowsonkb/style-transfer-pytorch uses it as its style loss. With W = A^½ C A^½ the derivative of the
last trace by C is ½ A^½ W^-½ A^½, so one inverse root gives value and gradient, and nothing has to
be differentiated through an eigendecomposition, which is unbounded where eigenvalues coincide.

`FLOOR` and `RELATIVE_FLOOR` are added to the variances on both sides. W has the square of A's
dynamic range: with a floor of 1/1000 its eigenvalues span six orders of magnitude, which float32
can resolve; without one, covariances of fewer positions than channels would be singular.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from artistyle_tf.vgg.precision import device_kind

FLOOR = 0.33
"""Variance added to every channel: 1e-4 in that program, for pixels in units of ImageNet's
standard deviation, 57.4 grey levels; features scale with pixels, variances with their square."""

RELATIVE_FLOOR = 1e-3
"""Variance added on top, relative to the target's largest along any direction. That program stops
its root iteration early, which smooths as much: on real pictures the cosine between features'
gradients with and without a floor is 0.97 to 0.999 here, and 0.97 to 0.99 there."""

CHANGE = 1e-6
ITERATIONS = 40


class Gaussian(NamedTuple):
    """A distribution to compare with. Leading batch dimensions, N channels."""

    mean: tf.Tensor  # [..., N]
    root: tf.Tensor  # [..., N, N], of the covariance with the floor added to its diagonal
    floor: tf.Tensor  # [...], the variance added on both sides


def gaussian(mean: tf.Tensor, second: tf.Tensor) -> Gaussian:
    """The distribution with that mean [..., N] and second moment E x xᵀ [..., N, N].

    Both are moments of x = f / √N, features over the root of the number of channels, as in
    `moments.normalize`. Second moments of several pictures may be averaged, covariances not.
    The root is computed in float64.
    """
    dtype, channels = second.dtype, second.shape[-1]
    wide, centre = tf.cast(second, tf.float64), tf.cast(mean, tf.float64)
    values, vectors = tf.linalg.eigh(wide - _outer(centre))
    floor = FLOOR / channels + RELATIVE_FLOOR * tf.nn.relu(values[..., -1])
    scale = tf.sqrt(tf.nn.relu(values) + floor[..., None])
    root = tf.matmul(vectors * scale[..., None, :], vectors, transpose_b=True)
    return Gaussian(mean, tf.cast(root, dtype), tf.cast(floor, dtype))


def wasserstein(mean: tf.Tensor, second: tf.Tensor, target: Gaussian) -> tf.Tensor:
    """W² between the distribution with those moments and the target: [..., N], [..., N, N] → [...].

    The target's tensors are constants: there are gradients for the moments only.
    """
    floor = target.floor[..., None, None] * tf.eye(second.shape[-1], dtype=second.dtype)
    covariance = second - _outer(mean) + floor
    means = tf.reduce_sum(tf.math.squared_difference(mean, target.mean), axis=-1)
    traces = tf.reduce_sum(tf.square(target.root), [-2, -1]) + tf.linalg.trace(covariance)
    return means + traces - 2 * _fidelity(covariance, target)


def _fidelity(covariance: tf.Tensor, target: Gaussian) -> tf.Tensor:
    """tr (A^½ C A^½)^½ of a covariance C [..., N, N]: [...]."""
    root = target.root

    @tf.custom_gradient
    def trace(covariance: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        between = tf.matmul(root, tf.matmul(covariance, root))
        inverse = inverse_root(between, tf.square(target.floor))
        slope = tf.matmul(root, tf.matmul(inverse, root)) / 2

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream[..., None, None] * slope

        return tf.reduce_sum(between * inverse, axis=[-2, -1]), gradient

    return trace(covariance)


def inverse_root(matrix: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    """W^-½ of symmetric positive matrices [..., N, N]; NaN where one is not finite.

    `least` [...] is a lower bound on their eigenvalues. For 512×512 an eigendecomposition takes
    68 ms on one CPU core, the 35 products 120 ms; on GPUs and TPUs the products are cheap.
    """
    eye = tf.eye(matrix.shape[-1], batch_shape=tf.shape(matrix)[:-2], dtype=matrix.dtype)
    largest = tf.reduce_max(tf.abs(matrix), axis=[-2, -1], keepdims=True)
    sound = tf.math.is_finite(largest) & (largest > 0)
    unit = tf.where(sound, matrix / tf.where(sound, largest, 1), eye)
    bound = least[..., None, None] / tf.where(sound, largest, 1)
    inverse = (_by_eigenvalues if device_kind() == "CPU" else _by_products)(unit, bound, eye)
    missing = tf.constant(float("nan"), matrix.dtype)
    return tf.where(sound, inverse / tf.sqrt(tf.where(sound, largest, 1)), missing)


def _by_eigenvalues(matrix: tf.Tensor, least: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
    values, vectors = tf.linalg.eigh(matrix)
    scale = tf.math.rsqrt(tf.maximum(values[..., None, :], least))
    return tf.matmul(vectors * scale, vectors, transpose_b=True)


def _by_products(matrix: tf.Tensor, least: tf.Tensor, eye: tf.Tensor) -> tf.Tensor:
    """The coupled Newton-Schulz iteration, Y → W^½ and Z → W^-½ (Higham 2008, eq. 6.35).

    Each step is scaled as Chen and Chow 2014 do for the sign function: with roots of eigenvalues in
    [low, 1], it raises the lowest by a factor of 2.6 instead of 1.5. Convergence is judged from the
    bounds alone, so the number of steps adapts to the matrix.
    """
    norm = tf.sqrt(tf.reduce_sum(tf.square(matrix), axis=[-2, -1], keepdims=True))
    low = tf.sqrt(tf.clip_by_value(least / norm, 1e-8, 1.0))

    def more(step: tf.Tensor, low: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        return (step < ITERATIONS) & (tf.reduce_min(low) < 1 - CHANGE)

    def body(step: tf.Tensor, low: tf.Tensor, y: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, ...]:
        square = 3 / (1 + low + tf.square(low))
        scale = tf.sqrt(square)
        change = (3 * eye - square * tf.matmul(z, y)) * scale / 2
        low = scale * low * (3 - square * tf.square(low)) / 2
        return step + 1, tf.minimum(low, 1), tf.matmul(y, change), tf.matmul(change, z)

    found = tf.while_loop(more, body, (0, low, matrix / norm, eye), parallel_iterations=1)
    return found[-1] / tf.sqrt(norm)


def _outer(mean: tf.Tensor) -> tf.Tensor:
    return mean[..., :, None] * mean[..., None, :]
