"""How each level of a run is computed: whole or in tiles, and its history size. No TensorFlow."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from artistyle_tf.config.config import Config
from artistyle_tf.engine.memory import estimate
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.text import gigabytes

__all__ = ["SIDES", "TILES", "Level", "Plan", "Room", "make_plan", "plan_note", "shared", "smaller"]

TILES = (2048, 1024, 768, 512, 384, 256)
"""Tile sizes tried by `tile_size` "auto", fastest first; halos make small tiles slow."""

SIDES = (*TILES, 128, 64)
"""All tile sizes, including those used if there must be many tiles, or very small ones."""

SHARED_TILES = SIDES[1:]
"""Tile sizes allowed with several replicas, px; larger tiles are too few to share."""

FEWEST_PAIRS = 5
SHARE = 0.85
"""Fraction of the free memory a run may use: estimates are not exact, and others need some too."""


class Plan(NamedTuple):
    """How a level is computed."""

    tile: int
    """Side of the tiles' cores in px; 0: untiled."""
    history: int
    """L-BFGS history size, in correction pairs."""
    estimate: int
    """Estimated peak memory in bytes, including what the process already holds."""


class Level(NamedTuple):
    """One resolution level of a run."""

    size: tuple[int, int]
    """(height, width) in px."""
    budget: int
    """Most iterations at this level."""
    plan: Plan


class Room(NamedTuple):
    """The memory available to a run."""

    free: int | None
    """Bytes that may still be allocated; None if unknown, when everything is assumed to fit."""
    resident: int = 0
    """Bytes that the process already holds."""
    asked: bool = False
    """Whether the limit comes from `Config.memory` rather than the system."""


def make_plan(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    room: Room,
    regions: int = 0,
    states: int = 1,
) -> Plan:
    """The fastest plan for a level that fits in memory, or the one fixed by `config.tile_size`.

    Args:
      config: for its `tile_size`, `history`, `optimizer` and layers.
      size: (height, width) of the level in px.
      channels: layer → number of filters, up to the deepest layer used.
      itemsize: bytes per activation.
      room: the memory available.
      regions: number of masks.
      states: as in `estimate`.

    Raises:
      ArtistyleError: it doesn't fit; the message says which size would.
    """

    def planned(tile: int, history: int, size: tuple[int, int] = size) -> Plan:
        taken = estimate(config, size, channels, itemsize, tile, history, regions, states)
        return Plan(tile, history, room.resident + taken)

    asked = config.tile_size
    sides = (0, *TILES) if asked == "auto" else (asked,)
    tiles = [side if side < max(size) else 0 for side in sides]
    most = None if room.free is None else room.resident + SHARE * room.free
    histories = [config.history]
    while histories[-1] > FEWEST_PAIRS:
        histories.append(max(FEWEST_PAIRS, histories[-1] // 2))
    for history in histories:
        for tile in tiles:
            plan = planned(tile, history)
            if most is None or plan.estimate <= most:
                return plan
    if asked != "auto" or room.free is None:
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


def shared(plan: Plan, size: tuple[int, int], replicas: int) -> Plan:
    """The plan with tiles small enough that every replica of a strategy gets some."""
    for tile in SHARED_TILES:
        cores = math.prod(-(-side // tile) for side in size)
        if cores >= 2 * replicas and not 0 < plan.tile < tile:
            return plan._replace(tile=tile)
    return plan._replace(tile=plan.tile or SHARED_TILES[-1])


def smaller(plan: Plan, size: tuple[int, int]) -> Plan | None:
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
