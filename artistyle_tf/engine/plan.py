"""The levels of a run, coarse to fine: their sizes, their iterations, and how each is computed in
the memory that is free: whole or in tiles, with how long a history. No TensorFlow."""

import itertools
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from artistyle_tf.config.config import Config
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.sizes import whole_cells
from artistyle_tf.text import gigabytes
from artistyle_tf.vgg.vgg19 import CELL, VGG19_LAYERS, contexts, stride

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
    cells = round(side / CELL, 6)  # removes the rounding error of powers of a root
    return [max(CELL, rounded(cells) * CELL) for rounded in (math.floor, math.ceil)]


def _squeezed(shape: tuple[int, ...], size: tuple[int, int]) -> float:
    """How much narrower or wider than `size` the shape is; 1: the same aspect ratio."""
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


TILES = (2048, 1024, 768, 512, 384, 256)
"""Tile sizes tried by `tile_size` "auto", fastest first; halos make small tiles slow."""

SIDES = (*TILES, 128, 64)  # the smallest serve many replicas, or memory that runs out

SHARED_TILES = SIDES[1:]
"""Tile sizes allowed with several replicas, px; larger tiles are too few to share."""

FEWEST_PAIRS = 5
SHARE = 0.85  # of the free memory: estimates are not exact, and others need some too


class Plan(NamedTuple):
    tile: int  # side of the tiles' cores in px; 0: untiled
    history: int  # correction pairs of L-BFGS
    estimate: int  # peak memory in bytes, with what the process already holds


class Level(NamedTuple):
    size: tuple[int, int]  # (height, width) in px
    budget: int  # most iterations
    plan: Plan


class Room(NamedTuple):
    free: int | None  # bytes; None: unknown, and everything is assumed to fit
    resident: int = 0  # bytes that the process already holds
    asked: bool = False  # whether `Config.memory` sets the limit, not the system


def make_plan(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    room: Room,
    regions: int = 0,
    states: int = 1,
) -> Plan:
    """The fastest plan for a level of (height, width) px that fits, or that of `config.tile_size`.

    `channels`: layer → number of filters, up to the deepest layer used; `itemsize`: bytes per
    activation; `states`: as in `estimate`. If no plan fits, the ArtistyleError names a size.
    """

    def planned(tile: int, history: int, size: tuple[int, int] = size) -> Plan:
        taken = estimate(config, size, channels, itemsize, tile, history, regions, states)
        return Plan(tile, history, room.resident + taken)

    tiles = tile_sides(config, size)
    most = None if room.free is None else room.resident + SHARE * room.free
    histories = [config.history]
    while histories[-1] > FEWEST_PAIRS:
        histories.append(max(FEWEST_PAIRS, histories[-1] // 2))
    for history in histories:
        for tile in tiles:
            plan = planned(tile, history)
            if most is None or plan.estimate <= most:
                return plan
    if config.tile_size != "auto" or room.free is None:
        return planned(tiles[0], config.history)  # set explicitly by the user
    least = planned(tiles[-1], histories[-1])

    def fits(longer: int) -> bool:
        sides = size[0] * longer // max(size), size[1] * longer // max(size)
        return planned(TILES[-1], histories[-1], sides).estimate <= (most or 0)

    smaller = [side for side in range(max(size) // 16 * 16, 15, -16) if fits(side)]
    advice = f"--size={smaller[0]} may fit" if smaller else "not even a small one fits"
    allowed = f"memory allows {gigabytes(room.free)}" if room.asked else ""
    raise ArtistyleError(
        f"{size[1]}×{size[0]} px would take about {gigabytes(least.estimate)} of memory even in "
        f"tiles, and {allowed or f'{gigabytes(room.free)} are free'}; {advice}"
    )


def tile_sides(config: Config, size: tuple[int, int]) -> list[int]:
    """The sides of tiles to consider at a level, fastest first; 0: whole, as is what fits in one.

    >>> tile_sides(Config(tile_size=256), (192, 256))
    [0]
    """
    sides = (0, *TILES) if config.tile_size == "auto" else (config.tile_size,)
    return [side if side < max(size) else 0 for side in sides]


def with_shared_tiles(plan: Plan, size: tuple[int, int], replicas: int) -> Plan:
    """The plan with tiles small enough that every replica of a strategy gets some."""
    for tile in SHARED_TILES:
        cores = math.prod(-(-side // tile) for side in size)
        if cores >= 2 * replicas and not 0 < plan.tile < tile:
            return plan._replace(tile=tile)
    return plan._replace(tile=plan.tile or SHARED_TILES[-1])


def with_smaller_tiles(plan: Plan, size: tuple[int, int]) -> Plan | None:
    """The plan with the next smaller tile size; None if there is none."""
    sides = [side for side in SIDES if side < (plan.tile or max(size))]
    return plan._replace(tile=sides[0]) if sides else None


def plan_note(config: Config, level: Level) -> str | None:
    """A line for the user if a level is tiled or its history reduced, else None."""
    plan, (height, width) = level.plan, level.size
    how = []
    if plan.tile:
        how.append(f"in tiles of {plan.tile} px")
    if plan.history < config.history:
        how.append(f"with a history of {plan.history} instead of {config.history}")
    if not how:
        return None
    asked = (plan.tile and config.tile_size == "auto") or plan.history < config.history
    limit = f", as memory={config.memory} asks" if config.memory is not None and asked else ""
    return (
        f"{width}×{height} px is computed {' and '.join(how)}: "
        f"about {gigabytes(plan.estimate)} of memory{limit}"
    )


# Bytes per activation kept by an evaluation, by the size of an activation: the activation itself,
# its gradient, float32 copies for Gram matrices; for tiles also the slices cut from it.
WHOLE = {2: 4.3, 4: 6.9, 8: 13.0}
TILED = {2: 6.5, 4: 10.0, 8: 19.0}
GUIDED = 0.6  # further float32 activations per style layer for each mask
VECTORS = {"lbfgs": 16, "tfp": 20, "adam": 14, "averaged": 16}
"""Image-sized vectors alive at once apart from the correction pairs: position, gradient, the best
ones, trial points, and the buffers of the preconditioner's Fourier transforms."""
COPIES = {"lbfgs": 0.5, "tfp": 2, "adam": 0, "averaged": 0}
"""Copies held of each correction pair, in float32 units: ours are bfloat16, and TensorFlow
Probability copies its pairs to push one."""
BASE = 350 * 2**20  # graphs, packed filters, memory that TensorFlow's allocator can't reuse


def estimate(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    tile: int,
    history: int,
    regions: int = 0,
    states: int = 1,
) -> int:
    """Bytes that a level of (height, width) px needs besides what the process already holds.

    `states` are the optimizer states alive at once, each with its own pairs: two if the device runs
    several iterations per call, which takes one state and returns another.
    """
    pixels = size[0] * size[1]
    layers = VGG19_LAYERS[: VGG19_LAYERS.index(config.layers[-1]) + 1]
    each = sum(channels[name] / stride(name) ** 2 for name in layers)
    evaluated, cost = pixels, WHOLE[itemsize]
    if tile:
        halo = contexts(layers[-1])[1]
        sides = (min(side, tile + 2 * halo) for side in size)
        evaluated, cost = next(sides) * next(sides), TILED[itemsize]
    content = sum(channels[name] / stride(name) ** 2 for name in config.layer_weights("content"))
    pairs = 2 * history * COPIES[config.optimizer] * states
    vectors = 3 * 4 * pixels * (VECTORS[config.optimizer] + pairs)
    style = config.layer_weights("style")
    guided = sum(
        (evaluated * channels[name] * GUIDED + pixels) / stride(name) ** 2 for name in style
    )
    return int(
        BASE
        + evaluated * each * cost
        + pixels * content * itemsize
        + vectors
        + 4 * regions * guided
    )


def free_bytes() -> int:
    """Memory that is free on the system and within its control group."""
    group = _group_free()
    system = int(psutil.virtual_memory().available)
    return system if group is None else min(system, group)


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int | None:
    """Peak resident memory in bytes; None if unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return getattr(psutil.Process().memory_info(), "peak_wset", None)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _group_free() -> int | None:
    """Memory left in the control group (version 2, as in containers), which psutil ignores."""
    folder = Path("/sys/fs/cgroup")
    try:
        most, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        return max(most - used, 0)
    except (OSError, ValueError):  # "max": no limit
        return None
