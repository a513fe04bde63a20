"""The part of the targets that keeps colours in the painting's palette, by a table of colours."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from artistyle_tf.images.color import NODES
from artistyle_tf.images.network_scale import BGR_MEAN
from artistyle_tf.objective import losses
from artistyle_tf.vgg.extractor import Features

CELLS = NODES - 1
BAND = 64  # rows looked up at once, at 100 bytes for each of their pixels


def specs(regions: int, dtype: str) -> dict[str, tf.TensorSpec]:
    """Of `Targets.palette`, with that number of masks (0: none)."""
    sides = [None, None] if regions else [1, 1]
    count = max(regions, 1)
    return {
        "tables": tf.TensorSpec([count, CELLS**3, 8], dtype),
        "where": tf.TensorSpec([1, *sides, count], dtype),
    }


def palette(tables: np.ndarray, masks: Sequence[np.ndarray], dtype: str) -> Features:
    """`Targets.palette`, from `palette_table`s [R, n, n, n] and as many masks [H, W] or none."""
    # Trilinear between the nodes: coefficients of 1, r, g, b, rg, rb, gb and rgb for every cell.
    cells = tables
    for axis in (1, 2, 3):
        low, high = (np.take(cells, range(k, k + CELLS), axis) for k in (0, 1))
        cells = np.stack([low, high - low], -1)
    order = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
    rows = np.stack([cells[..., r, g, b] for r, g, b in order], -1).reshape(len(tables), -1, 8)
    where = np.stack(masks, -1)[None] / 255 if masks else np.ones([1, 1, 1, 1])
    return {"tables": tf.constant(rows, dtype), "where": tf.constant(where, dtype)}


def loss(image: tf.Tensor, palette: Features) -> tf.Tensor:
    """Mean over pixels of the tables at their colours: [1, H, W, 3] BGR, mean subtracted → [].

    Blurred by a pixel first, else the picture gets a sixth more grain: colours side by side are
    seen together. Colours outside 0-255 count as the nearest inside.
    """
    image = losses.blur(image)
    regions = tf.unstack(palette["tables"])
    each = [_look_up(image, table) for table in regions]
    return tf.reduce_mean(tf.stack(each, -1) * palette["where"]) * len(regions)


def _look_up(image: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """[1, H, W], with the gradient found along the way, so that a tape keeps little."""

    @tf.custom_gradient
    def values(image: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        height, width = tf.shape(image)[1], tf.shape(image)[2]
        rows = tf.pad(image[0], [[0, -height % BAND], [0, 0], [0, 0]])
        bands = tf.reshape(rows, [-1, BAND, width, 3])
        found = tf.map_fn(
            lambda band: _of_band(band, table),
            bands,
            fn_output_signature=tf.TensorSpec([BAND, None, 4], image.dtype),
            parallel_iterations=1,
        )
        whole = tf.reshape(found, [1, -1, width, 4])[:, :height]
        return whole[..., 0], lambda upstream: upstream[..., None] * whole[..., 1:]

    return values(image)


def _of_band(band: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Pixels [H, W, 3] → [H, W, 4], the value and its derivatives by the three channels."""
    levels = (band + tf.constant(BGR_MEAN, band.dtype)) * (CELLS / 255)
    cell = tf.clip_by_value(tf.floor(levels), 0, CELLS - 1)
    blue, green, red = tf.unstack(tf.cast(cell, tf.int32), axis=-1)
    b, g, r = tf.unstack(tf.clip_by_value(levels - cell, 0, 1), axis=-1)
    row = tf.gather(table, (red * CELLS + green) * CELLS + blue)
    one, by_r, by_g, by_b, rg, rb, gb, rgb = tf.unstack(row, axis=-1)
    rg += b * rgb
    by_r += g * rg + b * rb
    by_g += b * gb
    value = one + r * by_r + g * by_g + b * by_b
    slopes = tf.stack([by_b + r * (rb + g * rgb) + g * gb, by_g + r * rg, by_r], -1)
    slopes *= tf.cast((levels >= 0) & (levels <= CELLS), band.dtype) * (CELLS / 255)
    return tf.concat([value[..., None], slopes], -1)
