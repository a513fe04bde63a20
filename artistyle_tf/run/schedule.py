"""Sizes and iterations from coarse to fine, and the noise to start from. NumPy only."""

import itertools
import math

from artistyle_tf.network.vgg19 import CELL
from artistyle_tf.pictures.sizes import whole_cells

__all__ = [
    "level_sizes",
    "split_iterations",
]


SQUEEZE = 1.25
"""A coarse level may be that much narrower or wider than the picture; the finer ones mend it."""


def level_sizes(size: tuple[int, int], levels: int | str, coarsest: int) -> list[tuple[int, int]]:
    """(height, width) of every level, coarse to fine, in whole cells; the last one covers `size`.

    `auto` goes from `coarsest`, the longer side of the first level in px, to the size in equal
    factors as near to 2 as there are. With less than 200 or so zero padding tells the Gram
    matrices where things are, so that the painting's own layout is copied. A fixed count halves
    that often at the most, as long as whole cells keep the picture's aspect.

    >>> level_sizes((384, 512), "auto", 128)
    [(96, 128), (192, 256), (384, 512)]
    >>> level_sizes((384, 512), 2, 128)
    [(192, 256), (384, 512)]
    """
    longer = max(size)
    if levels == "auto":
        steps = max(0, round(math.log2(longer / coarsest)))
        factor = (longer / coarsest) ** (1 / steps) if steps else 1.0
    else:
        steps, factor = int(levels) - 1, 2.0
    coarse = []
    for step in range(steps, 0, -1):
        near = [_near(side / factor**step) for side in size]
        shapes = itertools.product(*near)
        height, width = min(shapes, key=lambda shape: _squeezed(shape, size))
        if min(height, width) >= 2 * CELL and _squeezed((height, width), size) < SQUEEZE:
            coarse.append((height, width))
    return [*coarse, whole_cells(size)]


def _near(side: float) -> list[int]:
    """The whole cells below and above."""
    cells = round(side / CELL, 6)  # powers of a root come back a little off
    return [max(CELL, rounded(cells) * CELL) for rounded in (math.floor, math.ceil)]


def _squeezed(shape: tuple[int, ...], size: tuple[int, int]) -> float:
    """How much narrower or wider than `size` the shape is: 1 for the same aspect."""
    ratio = shape[0] * size[1] / (shape[1] * size[0])
    return max(ratio, 1 / ratio)


def split_iterations(total: int, levels: int, finest: float = 0.7) -> list[int]:
    """Iterations of each level, coarse to fine, `total` together, at least one each.

    The finest level gets that share: each level leaves the next an empty octave to fill, and only
    the finest is seen. The coarser ones share the rest equally.

    >>> split_iterations(300, 3)
    [45, 45, 210]
    """
    levels = min(levels, total)
    coarse = max(1, int(round((1 - finest) * total, 6) // (levels - 1))) if levels > 1 else 0
    return [coarse] * (levels - 1) + [total - coarse * (levels - 1)]
