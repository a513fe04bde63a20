"""Repaints a painting at a larger size: the settings, and an estimate. No Gradio."""

import dataclasses
from typing import NamedTuple

from artistyle_tf.cli.parsing import number
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.config.validation import MAX_SIZE, integer
from artistyle_tf.engine.memory import free_bytes, resident_bytes
from artistyle_tf.engine.plan import Room, make_plan
from artistyle_tf.engine.schedule import schedule
from artistyle_tf.images.picture import MIN_SIDE
from artistyle_tf.images.sizes import fit, whole_cells
from artistyle_tf.text import clock, gigabytes
from artistyle_tf.vgg.weights import load
from artistyle_tf.web.job import Painting

__all__ = ["Estimate", "estimate", "large_config", "longer_side", "room_now"]


class Estimate(NamedTuple):
    """Estimated time and memory of a large painting."""

    size: tuple[int, int]
    """(height, width) in px."""
    seconds: float
    memory: int
    """Peak memory in bytes, including what the server already uses."""
    tile: int
    """Side of the tiles in px; 0: no tiles."""

    def __str__(self) -> str:
        height, width = self.size
        how = f", in tiles of {self.tile} px" if self.tile else ""
        return (
            f"{width}×{height} px: about {clock(self.seconds)} and "
            f"{gigabytes(self.memory)} of memory{how}"
        )


def longer_side(text: str) -> int:
    """The longer side in px, as chosen or typed.

    Raises:
      ConfigError: not an integer, or out of range.
    """
    return integer("size", number(text.strip(), int), MIN_SIDE, MAX_SIZE)


def large_config(painting: Painting, longer: int) -> Config:
    """The painting's settings at a larger size; iterations are distributed as in preset `large`."""
    config, large = painting.order.config, PRESETS["large"]
    size: int | tuple[int, int] = longer
    if painting.order.content is None:  # a texture, which may not be square
        height, width = _size(painting, longer)
        size = width, height
    history = min(config.history, large["history"])
    return dataclasses.replace(config, size=size, finest=large["finest"], history=history)


def room_now() -> Room:
    """The memory available to a run, on the GPUs if there are any. Loads TensorFlow."""
    from artistyle_tf.engine.gpus import free_on, gpus_used

    gpus = gpus_used(None)
    return Room(free_on(gpus) if gpus else free_bytes(), 0 if gpus else resident_bytes())


def estimate(painting: Painting, longer: int, room: Room) -> Estimate:
    """Estimates time and memory at a larger size, from the pace at which the painting was made.

    Args:
      painting: a finished or stopped painting.
      longer: longer side in px.
      room: the available memory.

    Raises:
      ArtistyleError: it does not fit into the memory; the message says what would.
    """
    config = large_config(painting, longer)
    size = _size(painting, longer)
    levels = schedule(config, whole_cells(size))
    pixels = sum(height * width * budget for (height, width), budget in levels)
    weights = load(config.weights, config.layers[-1], report=lambda *text: None)
    channels = {name: pair[0].shape[-1] for name, pair in weights.layers.items()}
    itemsize = 2 if painting.result.record["convolutions"].startswith("bfloat16") else 4
    regions = 1 if painting.order.mask else 0
    plan = make_plan(config, levels[-1][0], channels, itemsize, room, regions)
    return Estimate(size, pixels * _pace(painting), plan.estimate, plan.tile)


def _size(painting: Painting, longer: int) -> tuple[int, int]:
    height, width = painting.result.image.shape[:2]
    return fit(height, width, longer)


def _pace(painting: Painting) -> float:
    """Seconds per iteration and pixel, at the finest level reached."""
    trace = painting.result.trace
    height, width = trace[-1][3:]
    rows = [row for row in trace if row[3:] == (height, width)]
    if len(rows) > 1:  # without the first, which may include tracing
        return (rows[-1][1] - rows[0][1]) / ((len(rows) - 1) * height * width)
    return rows[0][1] / sum(row[3] * row[4] for row in trace)
