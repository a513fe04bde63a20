"""How each level of a run is computed: at once or in tiles, with how many pairs. No TensorFlow."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.run.memory import estimate
from artistyle_tf.settings.config import Config
from artistyle_tf.text import gigabytes

__all__ = ["SIDES", "TILES", "Level", "Plan", "Room", "make_plan", "plan_note", "shared", "smaller"]

TILES = (2048, 1024, 768, 512, 384, 256)
"""What `tile_size` "auto" tries, the fastest first; halos make small ones slow."""

SIDES = (*TILES, 128, 64)
"""What tiles are cut down to where halos matter less than that they are many, or fit."""

SHARED_TILES = SIDES[1:]
"""Sides that tiles over several replicas may have, px; larger ones are too few to share."""

FEWEST_PAIRS = 5
SHARE = 0.85
"""Of the free memory that a run may take: estimates are not exact, and others need some too."""


class Plan(NamedTuple):
    """How a level is computed."""

    tile: int
    """Side of the tiles' cores in px; 0: the whole image at once."""
    history: int
    """Correction pairs of L-BFGS."""
    estimate: int
    """Bytes at the peak, what the process holds already included."""


class Level(NamedTuple):
    """One size that a run paints."""

    size: tuple[int, int]
    """(height, width) in px."""
    budget: int
    """Iterations that it may take."""
    plan: Plan


class Room(NamedTuple):
    """The memory that a run finds."""

    free: int | None
    """Bytes that may still be taken; None if nobody knows: then all is taken to fit."""
    resident: int = 0
    """Bytes that the process holds already."""
    asked: bool = False
    """Whether it is `Config.memory` that says so, and not the system."""


def make_plan(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    room: Room,
    regions: int = 0,
    states: int = 1,
) -> Plan:
    """The fastest way to compute a level that fits, or the one that `config.tile_size` asks for.

    Args:
      config: its `tile_size`, `history`, `optimizer` and layers.
      size: (height, width) of the level in px.
      channels: layer → number of filters, up to the deepest layer used.
      itemsize: bytes of an activation.
      room: what it has to fit into.
      regions: number of masks.
      states: as in `estimate`.

    Raises:
      ArtistyleError: it can't fit; the message says which size would.
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
        return planned(tiles[0], config.history)  # the user's own word
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
    """The plan with tiles small enough for every replica of a strategy to have some."""
    for tile in SHARED_TILES:
        cores = math.prod(-(-side // tile) for side in size)
        if cores >= 2 * replicas and not 0 < plan.tile < tile:
            return plan._replace(tile=tile)
    return plan._replace(tile=plan.tile or SHARED_TILES[-1])


def smaller(plan: Plan, size: tuple[int, int]) -> Plan | None:
    """The plan with the next smaller tiles; None if there are none."""
    sides = [side for side in SIDES if side < (plan.tile or max(size))]
    return plan._replace(tile=sides[0]) if sides else None


def plan_note(config: Config, level: Level) -> str | None:
    """A line for the user where a level is not computed at once with all its pairs, or None."""
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
