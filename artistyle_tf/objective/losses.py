"""The losses as pure tensor functions, and the factors and weights that put them together.

They keep leading batch dimensions and compute in the dtype of their input, but features in lower
precision than float32 in float32. Equations: Gatys, Ecker, Bethge 2015, arXiv:1508.06576.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from artistyle_tf.config.config import Config

DEVIATION = 57.4
"""Standard deviation of ImageNet in grey levels, by which programs for PyTorch's networks divide
pixels: their losses are ours over its square, or over its fourth power for Gram matrices."""

W2_SCALE = 0.1
"""Makes a `style_weight` paint about as strongly with statistics "w2" as with "gram". Measured: on
Tübingen × The Starry Night, 256 px, 150 iterations of `fast`, "gram" with β = 60 ends at a content
error of 0.69, and "w2" without this factor with β = 3, 10 at 0.48, 0.86: so at 0.69 with 6."""


def gram_sum(features: tf.Tensor, guide: tf.Tensor | None = None) -> tf.Tensor:
    """G = FᵀF, a sum over positions (eq. 3), additive over tiles: [..., H, W, N] → [..., N, N].

    Its gradient F (Ġ + Ġᵀ) takes one product where autodiff of FᵀF takes two. A `guide` [..., H, W]
    weights the positions: with the squares of a guidance channel this is the guided Gram matrix of
    Gatys et al. 2017, arXiv:1611.07865, section 4.
    """
    shape = tf.shape(features)
    positions = shape[-3] * shape[-2]
    flat = tf.reshape(features, tf.concat([shape[:-3], [positions, shape[-1]]], axis=0))
    if guide is not None:
        guide = tf.reshape(guide, tf.concat([shape[:-3], [positions, 1]], axis=0))

    def weighted(flat: tf.Tensor) -> tf.Tensor:
        return flat if guide is None else flat * tf.cast(guide, flat.dtype)

    @tf.custom_gradient
    def product(flat: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        wide = at_least_float32(flat)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            both = upstream + tf.linalg.matrix_transpose(upstream)
            return tf.matmul(weighted(flat), tf.cast(both, flat.dtype))

        return tf.matmul(wide, weighted(wide), transpose_a=True), gradient

    return product(flat)


def feature_sum(features: tf.Tensor, guide: tf.Tensor | None = None) -> tf.Tensor:
    """Σ f over positions: [..., H, W, N] → [..., N], or weighted by a `guide` [..., H, W]."""
    wide = at_least_float32(features)
    if guide is not None:
        wide *= tf.cast(guide, wide.dtype)[..., None]
    return tf.reduce_sum(wide, axis=[-3, -2])


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """G / (N M): [..., H, W, N] → [..., N, N], with N channels and M = H W positions.

    >>> gram_matrix(tf.ones([1, 2, 3, 4]))[0, 0].numpy().tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    return gram_sum(features) / count(features, 3)


def style_loss(gram: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of two normalised Gram matrices: 2 × [..., N, N] → [...]."""
    return tf.reduce_mean(tf.math.squared_difference(gram, target), axis=[-2, -1])


def squared_distance(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Σ (F − P)²: 2 × [..., H, W, N] → [...]. Additive over parts of a picture."""
    difference = tf.math.squared_difference(at_least_float32(features), at_least_float32(target))
    return tf.reduce_sum(difference, axis=[-3, -2, -1])


def total_variation(image: tf.Tensor) -> tf.Tensor:
    """Mean over pixels and channels of (∂x)² + (∂y)²: [..., H, W, C] → [...].

    Mahendran and Vedaldi 2015 (eq. 4, exponent 2), with differences of zero beyond the border.
    """
    down = image[..., 1:, :, :] - image[..., :-1, :, :]
    right = image[..., :, 1:, :] - image[..., :, :-1, :]
    axes = [-3, -2, -1]
    total = tf.reduce_sum(tf.square(down), axis=axes) + tf.reduce_sum(tf.square(right), axis=axes)
    return total / count(image, 3)


def nine_point_variation(image: tf.Tensor) -> tf.Tensor:
    """⅔ (mean (∂x)² + mean (∂y)²) + ⅙ (mean (∂↘)² + mean (∂↙)²): [..., H, W, C] → [...].

    The nearly isotropic total variation of crowsonkb/style-transfer-pytorch, which replicates the
    borders first: diagonals that leave the picture count as the step along its border.
    """
    columns = tf.concat([image[..., :1, :], image, image[..., -1:, :]], axis=-2)
    padded = tf.concat([columns[..., :1, :, :], columns, columns[..., -1:, :, :]], axis=-3)
    down, right = (
        image[..., 1:, :, :] - image[..., :-1, :, :],
        image[..., 1:, :] - image[..., :-1, :],
    )
    falling = padded[..., 1:, 1:, :] - padded[..., :-1, :-1, :]
    rising = padded[..., 1:, :-1, :] - padded[..., :-1, 1:, :]

    def total(steps: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.square(steps), axis=[-3, -2, -1])

    straight = (total(down) + total(right)) / count(image, 3)
    return 2 / 3 * straight + (total(falling) + total(rising)) / count(falling, 3) / 6


def outside_range(image: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    """Mean over pixels and channels of max(0, low − v, v − high)²: [..., H, W, C] → [...]."""
    outside = tf.nn.relu(low - image) + tf.nn.relu(image - high)
    return tf.reduce_sum(tf.square(outside), axis=[-3, -2, -1]) / count(image, 3)


def blur(image: tf.Tensor) -> tf.Tensor:
    """Each channel filtered by (1, 4, 6, 4, 1) / 16 along both axes: [1, H, W, C] → the same.

    Beyond the border the picture is mirrored, which makes it symmetric: its own gradient.
    """
    channels = image.shape[-1]
    taps = tf.constant([[[[share / 16]] * channels] for share in (1, 4, 6, 4, 1)], image.dtype)

    @tf.custom_gradient
    def both(image: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        wide = tf.pad(image, [[0, 0], [2, 2], [2, 2], [0, 0]], "SYMMETRIC")
        for filters in (taps, tf.transpose(taps, [1, 0, 2, 3])):
            wide = tf.nn.depthwise_conv2d(wide, filters, [1, 1, 1, 1], "VALID")
        return wide, blur

    return both(image)


def weighted_distance(image: tf.Tensor, other: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean over pixels and channels of c (x − w)²: 2 × [..., H, W, C] and [..., H, W, 1] → [...].

    The temporal loss of Ruder, Dosovitskiy and Brox 2016, arXiv:1604.08610, section 3: w is an
    earlier result moved along the optical flow, and c is 0 where that is not to be trusted.
    """
    squares = weights * tf.math.squared_difference(image, other)
    return tf.reduce_sum(squares, axis=[-3, -2, -1]) / count(image, 3)


def at_least_float32(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor itself, or cast to float32 if its dtype is of lower precision."""
    return tf.cast(tensor, tf.float32) if tf.as_dtype(tensor.dtype).size < 4 else tensor


def count(tensor: tf.Tensor, axes: int) -> tf.Tensor:
    """Number of elements along the last axes, as a float: int32 would overflow."""
    dtype = tf.float32 if tf.as_dtype(tensor.dtype).size < 4 else tensor.dtype
    return tf.reduce_prod(tf.cast(tf.shape(tensor)[-axes:], dtype))


def content_factor(config: Config, elements: tf.Tensor) -> tf.Tensor | float:
    """Factor of a content loss, the mean squared difference of that many elements N M."""
    match config.formula:
        case "paper":
            return elements / 2  # makes of the mean ½ Σ (F − P)², eq. 1
        case "crowson":
            return DEVIATION**-2
        case _:
            return 1.0


def style_factor(config: Config, channels: int) -> float:
    """Factor of the style loss of a layer with N channels."""
    gaussian = config.statistics == "w2"
    match config.formula:
        case "paper":
            return channels**2 / 4  # makes of the mean Σ (G − A)² / (4 N² M²), eq. 4
        case "crowson":
            return DEVIATION ** (-2 if gaussian else -4)
        case _:
            return W2_SCALE if gaussian else 1.0


def variation(config: Config, image: tf.Tensor) -> tf.Tensor:
    """The total variation of an image, [..., H, W, 3] → [...], without its weight."""
    match config.formula:
        case "neural-style":
            # Its gradient is what their TVLoss adds: ½ Σ, without the last row and column.
            inner = image[..., :-1, :-1, :]
            down, right = image[..., 1:, :-1, :] - inner, image[..., :-1, 1:, :] - inner
            return tf.reduce_sum(tf.square(down) + tf.square(right), axis=[-3, -2, -1]) / 2
        case "crowson":  # pixels in 0-1
            return nine_point_variation(image / 255)
        case _:
            return total_variation(image)


def weighted_terms(
    config: Config,
    squares: Mapping[str, tuple[tf.Tensor, tf.Tensor]],
    style: Mapping[str, tuple[tf.Tensor, int]],
) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """The terms by layer, [...] each: content times α a_l, and style, which has β, times b_l.

    `squares`: content layer → (Σ (F − P)² [...], number N M of elements); `style`: style layer →
    (loss [...] times β, summed over the regions; number N of channels).
    """
    content_terms, style_terms = {}, {}
    for name, weight in config.layer_weights("content").items():
        total, elements = squares[name]
        factor = config.content_weight * weight * content_factor(config, elements)
        content_terms[name] = factor * (total / elements)
    for name, weight in config.layer_weights("style").items():
        loss, channels = style[name]
        style_terms[name] = weight * style_factor(config, channels) * loss
    return content_terms, style_terms
