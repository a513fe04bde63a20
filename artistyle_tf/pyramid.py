"""Sizes and iterations from coarse to fine, and the noise to start from. NumPy only."""

import itertools
import math

import numpy as np

__all__ = [
    "continued",
    "fill_cells",
    "level_sizes",
    "pad",
    "scale_to",
    "split_iterations",
    "white_noise",
    "whole_cells",
]

CELL = 16
"""Four poolings leave one position of 16 px. Rows beyond the last whole cell reach only the first
blocks, and a minimiser fills them with coloured garbage: so levels are whole cells."""

SQUEEZE = 1.25
"""A coarse level may be that much narrower or wider than the picture; the finer ones mend it."""


def scale_to(size: tuple[int, int], longer: float) -> tuple[int, int]:
    """(height, width) with that longer side, or as much longer as keeps both sides at 16 px."""
    factor = max(longer / max(size), CELL / min(size))
    height, width = (max(CELL, round(side * factor)) for side in size)
    return height, width


def whole_cells(size: tuple[int, int]) -> tuple[int, int]:
    """The smallest (height, width) of whole cells that covers `size`.

    >>> whole_cells((384, 517))
    (384, 528)
    """
    height, width = (-(-side // CELL) * CELL for side in size)
    return height, width


def pad(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[H, W, C] or [H, W] continued by its mirror image below and beside, to (height, width)."""
    below, beside = size[0] - picture.shape[0], size[1] - picture.shape[1]
    around = [(0, below), (0, beside), (0, 0)]
    return np.pad(picture, around[: picture.ndim], mode="symmetric")


def continued(picture: np.ndarray, longer: int) -> np.ndarray:
    """[H, W, C] or [H, W] continued by its mirror images to that longer side, in its own aspect.

    A style much smaller than the image is mostly border to the deeper layers, which know borders
    by the zeros around them; the image then gathers the style's colours along its own borders.
    """
    height, width = picture.shape[:2]
    factor = longer / max(height, width)
    return picture if factor <= 1 else pad(picture, (round(height * factor), round(width * factor)))


def fill_cells(picture: np.ndarray) -> np.ndarray:
    """[H, W, C] or [H, W] continued by its mirror image to whole cells."""
    return pad(picture, whole_cells((picture.shape[0], picture.shape[1])))


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


def white_noise(size: tuple[int, int], seed: int, amplitude: float) -> np.ndarray:
    """float32 [1, H, W, 3], BGR, mean subtracted: uniform, so many grey levels up and down."""
    noise = np.random.default_rng(seed).uniform(-amplitude, amplitude, (*size, 3))
    return noise[None].astype(np.float32)
