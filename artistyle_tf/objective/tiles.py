"""Tile positions, and how much of the picture each block needs around them.

A tile has a core, the positions that only it accounts for, and a halo: the part of their receptive
fields beyond the core. The halo shrinks from block to block (`vgg19.contexts`) until nothing of it
is left at the last layer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.vgg.vgg19 import CELL

__all__ = ["Span", "cut", "over", "put", "span", "tile_cores"]


class Span(NamedTuple):
    """Part of a layer, in its own positions: rows and columns from `start` to before `stop`."""

    start: tf.Tensor
    """int32 [2]"""
    stop: tf.Tensor


def tile_cores(size: tf.Tensor, tile: int) -> tf.Tensor:
    """int32 [T, 4]: top, left, bottom and right of every core in px; they partition the picture.

    They begin at multiples of `CELL`, so that no window of four poolings spans two of them. They
    are as equal as multiples of 16 px allow, with sides of at most `tile` px, except that those at
    the bottom and right include the up to 15 px left over after the last whole cell.

    Args:
      size: int32 [2], height and width of the picture in px.
      tile: multiple of 16.

    >>> tile_cores((48, 70), 32).numpy().tolist()
    [[0, 0, 16, 32], [0, 32, 16, 70], [16, 0, 48, 32], [16, 32, 48, 70]]
    """
    (tops, bottoms), (lefts, rights) = (_bounds(side, tile) for side in tf.unstack(size))
    rows, columns = tf.size(tops), tf.size(lefts)
    tops, bottoms = (tf.repeat(ends, columns) for ends in (tops, bottoms))
    lefts, rights = (tf.tile(ends, [rows]) for ends in (lefts, rights))
    return tf.stack([tops, lefts, bottoms, rights], axis=1)


def _bounds(side: tf.Tensor, tile: int) -> tuple[tf.Tensor, tf.Tensor]:
    cells = side // CELL
    count = tf.maximum(-(-cells * CELL // tile), 1)
    starts = CELL * (cells * tf.range(count) // count)
    return starts, tf.concat([starts[1:], [side]], axis=0)


def span(core: tf.Tensor, size: tf.Tensor, scale: int, context: int = 0) -> Span:
    """The core and the context around it, clipped to the picture, at one scale.

    Args:
      core: int32 [4] in px, see `tile_cores`.
      size: int32 [2], height and width of the picture in px.
      scale: pixels between adjacent positions.
      context: pixels around the core.
    """
    start = tf.maximum(core[:2] - context, 0) // scale
    return Span(start, tf.minimum(core[2:] + context, size) // scale)


def cut(tensor: tf.Tensor, part: Span, within: Span | None = None) -> tf.Tensor:
    """[1, H, W, C] → that part of it; `within` is the part of the layer that the tensor covers."""
    start, stop = part if within is None else (part.start - within.start, part.stop - within.start)
    return tensor[:, start[0] : stop[0], start[1] : stop[1]]


def over(cores: tf.Tensor, add: Callable[[tf.Tensor, Any], Any], found: Any) -> Any:
    """Folds `add(core, found)` over the cores, from an initial `found`."""

    def body(index: tf.Tensor, found: Any) -> tuple[tf.Tensor, Any]:
        return index + 1, add(cores[index], found)

    def more(index: tf.Tensor, found: Any) -> tf.Tensor:
        return index < tf.shape(cores)[0]

    return tf.while_loop(more, body, (0, found), parallel_iterations=1)[1]


def put(whole: tf.Tensor, part: tf.Tensor, where: Span, add: bool = False) -> tf.Tensor:
    """[1, H, W, C] with `part` written or added there; in place if there is no other reference."""
    if add:
        part += cut(whole, where)
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=whole,
        begin=tf.concat([[0], where.start, [0]], axis=0),
        end=tf.concat([[1], where.stop, tf.shape(whole)[3:]], axis=0),
        strides=tf.ones([4], tf.int32),
        value=part,
    )
