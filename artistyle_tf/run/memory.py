"""What a level of a run takes of memory, and how to make it fit: tiles, fewer pairs. No TensorFlow.

The constants were measured on a CPU with the full VGG19 (docs/tiles.md has the figures); an
estimate is meant to be within a fifth of the peak.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.network.vgg19 import VGG19_LAYERS, contexts, stride
from artistyle_tf.settings.config import Config
from artistyle_tf.text import gigabytes

__all__ = [
    "SIDES",
    "TILES",
    "Plan",
    "estimate",
    "free_bytes",
    "make_plan",
    "plan_note",
    "resident_bytes",
]

TILES = (2048, 1024, 768, 512, 384, 256)
"""What `tile_size` "auto" tries, the fastest first; halos make small ones slow."""

SIDES = (*TILES, 128, 64)
"""What tiles are cut down to where halos matter less than that they are many, or fit."""

FEWEST_PAIRS = 5
SHARE = 0.85
"""Of the free memory that a run may take: estimates are not exact, and others need some too."""

# Bytes of each activation that an evaluation keeps, by the size of an activation: itself, its
# gradient, float32 copies for Gram matrices; for tiles also the parts that are cut out of it.
WHOLE = {2: 4.3, 4: 6.9, 8: 13.0}
TILED = {2: 6.5, 4: 10.0, 8: 19.0}
GUIDED = 0.6
"""float32 activations of each style layer that a mask adds."""
VECTORS = {"lbfgs": 16, "tfp": 20, "adam": 14}
"""Vectors as large as the image that are alive at once beside the pairs: position, gradient, the
best ones, trials, and what the preconditioner's Fourier transforms take."""
COPIES = {"lbfgs": 1, "tfp": 2, "adam": 0}
"""How often each pair is held: TensorFlow Probability's are copied to push one."""
BASE = 350 * 2**20
"""What TensorFlow allocates beside: graphs, packed filters, what its allocator does not reuse."""


class Plan(NamedTuple):
    """How a level is computed."""

    tile: int
    """Side of the tiles' cores in px; 0: the whole image at once."""
    history: int
    """Correction pairs of L-BFGS."""
    estimate: int
    """Bytes at the peak, what the process holds already included."""


def make_plan(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    *,
    free: int | None,
    resident: int,
    regions: int = 0,
) -> Plan:
    """The fastest way to compute a level that fits, or the one that `config.tile_size` asks for.

    Args:
      config: its `tile_size`, `history`, `optimizer` and layers.
      size: (height, width) of the level in px.
      channels: layer → number of filters, up to the deepest layer used.
      itemsize: bytes of an activation.
      free: bytes that may still be taken; None if nobody knows: then all is taken to fit.
      resident: bytes that the process holds now.
      regions: number of masks.

    Raises:
      ArtistyleError: it can't fit; the message says which size would.
    """

    def planned(tile: int, history: int, size: tuple[int, int] = size) -> Plan:
        taken = estimate(config, size, channels, itemsize, tile, history, regions)
        return Plan(tile, history, resident + taken)

    asked = config.tile_size
    sides = (0, *TILES) if asked == "auto" else (asked,)
    tiles = [side if side < max(size) else 0 for side in sides]
    room = None if free is None else resident + SHARE * free
    histories = [config.history]
    while histories[-1] > FEWEST_PAIRS:
        histories.append(max(FEWEST_PAIRS, histories[-1] // 2))
    for history in histories:
        for tile in tiles:
            plan = planned(tile, history)
            if room is None or plan.estimate <= room:
                return plan
    if asked != "auto" or free is None:
        return planned(tiles[0], config.history)  # the user's own word
    least = planned(tiles[-1], histories[-1])

    def fits(longer: int) -> bool:
        sides = size[0] * longer // max(size), size[1] * longer // max(size)
        return planned(TILES[-1], histories[-1], sides).estimate <= (room or 0)

    smaller = [side for side in range(max(size) // 16 * 16, 15, -16) if fits(side)]
    advice = f"--size={smaller[0]} may fit" if smaller else "not even a small one fits"
    raise ArtistyleError(
        f"{size[1]}×{size[0]} px would take about {gigabytes(least.estimate)} of memory even in "
        f"tiles, and {gigabytes(free)} are free; {advice}"
    )


def plan_note(config: Config, size: tuple[int, int], plan: Plan) -> str | None:
    """A line for the user where a level is not computed at once with all its pairs, or None."""
    how = []
    if plan.tile:
        how.append(f"in tiles of {plan.tile} px")
    if plan.history < config.history:
        how.append(f"with {plan.history} correction pairs instead of {config.history}")
    if not how:
        return None
    return (
        f"{size[1]}×{size[0]} px is computed {' and '.join(how)}: "
        f"about {gigabytes(plan.estimate)} of memory"
    )


def estimate(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    tile: int,
    history: int,
    regions: int = 0,
) -> int:
    """Bytes that a level takes beside what the process holds before it."""
    pixels = size[0] * size[1]
    layers = VGG19_LAYERS[: VGG19_LAYERS.index(config.layers[-1]) + 1]
    each = sum(channels[name] / stride(name) ** 2 for name in layers)
    evaluated, cost = pixels, WHOLE[itemsize]
    if tile:
        halo = contexts(layers[-1])[1]
        sides = (min(side, tile + 2 * halo) for side in size)
        evaluated, cost = next(sides) * next(sides), TILED[itemsize]
    content = sum(channels[name] / stride(name) ** 2 for name in config.layer_weights("content"))
    pairs = 2 * history * COPIES[config.optimizer]
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


def free_bytes(gpu: bool = False) -> int | None:
    """Memory that is free: of the first GPU as `nvidia-smi` tells, or of the system and its
    control group. None if nobody knows."""
    if gpu:
        query = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
        try:
            told = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
            return int(told.stdout.split()[0]) * 2**20
        except (OSError, subprocess.SubprocessError, ValueError, IndexError):
            return None
    found = [_available(), _group_free()]
    known = [one for one in found if one is not None]
    return min(known) if known else None


def resident_bytes() -> int:
    """What this process holds of memory now; 0 where the system doesn't tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        told = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(told.split()[1]) * 1024
    except (OSError, ValueError, StopIteration, IndexError):
        return None


def _group_free(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a control group (version 2, as containers have) leaves."""
    try:
        most, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        return max(most - used, 0)
    except (OSError, ValueError):  # "max": no limit
        return None
