"""Sizes and iterations from coarse to fine. NumPy only."""

import itertools
import math

from artistyle_tf.config.config import Config
from artistyle_tf.images.sizes import whole_cells
from artistyle_tf.vgg.vgg19 import CELL

__all__ = [
    "level_sizes",
    "schedule",
    "split_iterations",
    "total_iterations",
]


SQUEEZE = 1.25
"""How much narrower or wider than the picture a coarse level may be; finer levels correct it."""


def schedule(config: Config, size: tuple[int, int]) -> list[tuple[tuple[int, int], int]]:
    """((height, width), iterations) of every level of a run, coarse to fine; the last one covers
    `size`. With fewer iterations than levels, the coarsest are omitted.

    A style that is larger than the picture by `style_scale` has its usual size at the coarsest
    level, which is smaller by as much: only there does the network see its large strokes whole.

    >>> schedule(Config(iterations=10), (384, 512))
    [((192, 256), 3), ((384, 512), 7)]
    >>> schedule(Config(iterations=10, style_scale=2), (384, 512))
    [((96, 128), 1), ((192, 256), 1), ((384, 512), 8)]
    """
    coarsest = config.coarsest / max(1.0, config.style_scale)
    sizes = level_sizes(size, config.levels, coarsest, config.level_step)
    budgets = split_iterations(
        config.iterations, len(sizes), config.finest, config.finer_iterations
    )
    return list(zip(sizes[-len(budgets) :], budgets, strict=True))


def level_sizes(
    size: tuple[int, int], levels: int | str, coarsest: float, step: float = 2.0
) -> list[tuple[int, int]]:
    """(height, width) of every level, coarse to fine, in whole cells; the last one covers `size`.

    `auto` goes from `coarsest`, the longer side of the first level in px, to the full size by a
    constant factor as close to `step` as possible. Below about 200 px, zero padding lets the Gram
    matrices encode positions, so that the painting's own layout is copied. A fixed count goes down
    by `step` at most that many times, as long as whole cells preserve the picture's aspect ratio.

    >>> level_sizes((384, 512), "auto", 128)
    [(96, 128), (192, 256), (384, 512)]
    >>> level_sizes((384, 512), 2, 128)
    [(192, 256), (384, 512)]
    >>> level_sizes((256, 256), "auto", 128, 2**0.5)
    [(128, 128), (176, 176), (256, 256)]
    """
    longer = max(size)
    if levels == "auto":
        steps = max(0, round(math.log(longer / coarsest, step)))
        factor = (longer / coarsest) ** (1 / steps) if steps else 1.0
    else:
        steps, factor = int(levels) - 1, step
    coarse = []
    for below in range(steps, 0, -1):
        near = [_near(side / factor**below) for side in size]
        shapes = itertools.product(*near)
        height, width = min(shapes, key=lambda shape: _squeezed(shape, size))
        if min(height, width) >= 2 * CELL and _squeezed((height, width), size) < SQUEEZE:
            coarse.append((height, width))
    return [*coarse, whole_cells(size)]


def _near(side: float) -> list[int]:
    """The whole numbers of cells below and above."""
    cells = round(side / CELL, 6)  # removes the rounding error of powers of a root
    return [max(CELL, rounded(cells) * CELL) for rounded in (math.floor, math.ceil)]


def _squeezed(shape: tuple[int, ...], size: tuple[int, int]) -> float:
    """How much narrower or wider than `size` the shape is: 1 for the same aspect ratio."""
    ratio = shape[0] * size[1] / (shape[1] * size[0])
    return max(ratio, 1 / ratio)


def total_iterations(iterations: int, levels: int, finer: int = 0) -> int:
    """Total for a run with that many levels: `iterations`, plus `finer` for all but the first."""
    return iterations + finer * (levels - 1)


def split_iterations(
    iterations: int, levels: int, finest: float = 0.7, finer: int = 0
) -> list[int]:
    """Iterations of each level, coarse to fine, summing to `iterations`, at least one each.

    The finest level gets that share: each level leaves the next one an empty octave to fill, and
    only the finest is visible. The coarser ones share the rest equally. With `finer`, the first
    level gets all `iterations`, and each later one `finer`.

    >>> split_iterations(300, 3)
    [45, 45, 210]
    """
    if finer:
        return [iterations] + [finer] * (levels - 1)
    levels = min(levels, iterations)
    coarse = max(1, int(round((1 - finest) * iterations, 6) // (levels - 1))) if levels > 1 else 0
    return [coarse] * (levels - 1) + [iterations - coarse * (levels - 1)]
