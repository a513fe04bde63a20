"""The part of the targets that keeps colours in the painting's palette.

A function of each pixel's colour alone, looked up in a table of the painting, so tiles have no part
in it. The gamut term is its like for the range of a file.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from artistyle_tf.network.extractor import Features
from artistyle_tf.objective import losses
from artistyle_tf.pictures.network_scale import BGR_MEAN
from artistyle_tf.pictures.palette import NODES

__all__ = ["loss", "palette", "specs"]


def specs(regions: int, dtype: str) -> dict[str, tf.TensorSpec]:
    """Of `Targets.palette`, with that number of masks (0: none)."""
    sides = [None, None] if regions else [1, 1]
    count = max(regions, 1)
    return {
        "tables": tf.TensorSpec([count, NODES, NODES, NODES], dtype),
        "where": tf.TensorSpec([1, *sides, count], dtype),
    }


def palette(tables: np.ndarray, masks: Sequence[np.ndarray], dtype: str) -> Features:
    """`Targets.palette`.

    Args:
      tables: [R, n, n, n], a `palette_table` each.
      masks: uint8 [H, W], one each or none at all.
      dtype: of the tensors.
    """
    where = np.stack(masks, -1)[None] / 255 if masks else np.ones([1, 1, 1, 1])
    return {"tables": tf.constant(tables, dtype), "where": tf.constant(where, dtype)}


def loss(image: tf.Tensor, palette: Features) -> tf.Tensor:
    """Mean over pixels of the tables at their colours: [1, H, W, 3] BGR, mean subtracted → [].

    The picture is blurred by a pixel first: what counts is how colours side by side look together.
    Otherwise the picture has a sixth more grain. Between the nodes of a table values are trilinear.
    Colours outside 0-255 count as the nearest ones inside.
    """
    image = losses.blurred(image)
    regions = tf.unstack(palette["tables"])
    each = [_looked_up(image, table) for table in regions]
    return tf.reduce_mean(tf.stack(each, -1) * palette["where"]) * len(regions)


def _looked_up(image: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """[1, H, W], with the gradient found along the way: a table has few values, a tape would keep
    eight pictures."""
    flat = tf.reshape(table, [-1])

    @tf.custom_gradient
    def values(image: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        rgb = tf.reverse(image + tf.constant(BGR_MEAN, image.dtype), [-1])
        place = rgb * ((NODES - 1) / 255)
        cell = tf.clip_by_value(tf.floor(place), 0, NODES - 2)
        part = tf.unstack(tf.clip_by_value(place - cell, 0, 1), axis=-1)
        red, green, blue = tf.unstack(tf.cast(cell, tf.int32), axis=-1)
        corner = (red * NODES + green) * NODES + blue

        def at(*step: int) -> tf.Tensor:
            return tf.gather(flat, corner + (step[0] * NODES + step[1]) * NODES + step[2])

        def between(low: tf.Tensor, high: tf.Tensor, axis: int) -> tf.Tensor:
            return low + part[axis] * (high - low)

        # By blue, then green, then red; slopes are differences of what lies between.
        lines = {(r, g): (at(r, g, 0), at(r, g, 1)) for r in (0, 1) for g in (0, 1)}
        points = {place: between(*line, 2) for place, line in lines.items()}
        low, high = (between(points[r, 0], points[r, 1], 1) for r in (0, 1))
        rises = {place: line[1] - line[0] for place, line in lines.items()}
        rising = [between(rises[r, 0], rises[r, 1], 1) for r in (0, 1)]
        by_red = high - low
        by_green = between(points[0, 1] - points[0, 0], points[1, 1] - points[1, 0], 0)
        by_blue = between(rising[0], rising[1], 0)
        inside = tf.cast((rgb >= 0) & (rgb <= 255), image.dtype)
        slopes = tf.stack([by_red, by_green, by_blue], -1) * inside * ((NODES - 1) / 255)
        slopes = tf.reverse(slopes, [-1])
        return between(low, high, 0), lambda upstream: upstream[..., None] * slopes

    return values(image)
