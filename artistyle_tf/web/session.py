"""What one open page has painted, and how it goes on from there: the same run, changed settings, a
larger size. No Gradio."""

import dataclasses
import shutil
import tempfile
from typing import NamedTuple

from artistyle_tf.cli.parsing import number
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.config.validation import MAX_SIZE, integer
from artistyle_tf.engine.plan import Room, make_plan, schedule
from artistyle_tf.errors import InputError
from artistyle_tf.images.picture import MIN_SIDE
from artistyle_tf.images.sizes import fit, whole_cells
from artistyle_tf.vgg.weights import load
from artistyle_tf.web.run import Order, Run, Studio

__all__ = ["Estimate", "Session", "estimate", "large_config", "room_now"]


class Session:
    """One open page.

    Args:
      studio: paints its orders.
      workspace: folder for the checkpoints of its runs, which are deleted when no longer needed.
    """

    def __init__(self, studio: Studio, workspace: str):
        self.studio = studio
        self.run: Run | None = None
        """The latest run shown on the page."""
        self.large: Run | None = None
        """The latest large run, which continues in the background even when the page is closed."""
        self._painted: Run | None = None
        self._workspace = workspace
        self._folder: str | None = None

    @property
    def painted(self) -> Run | None:
        """The latest run of the page that has a painting."""
        if self.run and self.run.result:
            self._painted = self.run
        return self._painted

    def start(self, order: Order) -> Run:
        """Paints an order, after stopping the current run.

        Raises:
          InputError: the studio accepts no more orders.
        """
        self.leave()
        self._folder = tempfile.mkdtemp(dir=self._workspace)
        return self._submit(dataclasses.replace(order, folder=self._folder))

    def go_on(self) -> Run:
        """Continues the latest painting with its settings: from its checkpoint if it was stopped,
        or from the picture if it was finished.

        Raises:
          InputError: there is no painting yet.
        """
        self._settle()
        painted = self.require_painted()
        order = painted.order
        if painted.unfinished and order.folder is not None and order.folder == self._folder:
            return self._submit(dataclasses.replace(order, resume=True))
        # The coarse levels are done.
        config = dataclasses.replace(order.config, init=painted.path, levels=1)
        return self.start(dataclasses.replace(order, config=config, resume=False))

    def change(self, order: Order) -> Run:
        """Paints an order with new settings, starting from the current picture.

        Raises:
          InputError: there is no painting yet.
        """
        self._settle()
        config = dataclasses.replace(order.config, init=self.require_painted().path)
        return self.start(dataclasses.replace(order, config=config))

    def paint_large(self, config: Config) -> Run:
        """Repaints the latest painting with other settings, in the background.

        Raises:
          InputError: there is no painting yet, or the previous large painting is not finished.
        """
        order = self.require_painted().order
        if self.large and not self.large.over:
            raise InputError("a large painting is already in progress")
        self.large = self.studio.submit(
            dataclasses.replace(order, config=config, folder=None, resume=False)
        )
        return self.large

    def leave(self) -> None:
        """Stops and saves the run, and deletes its checkpoint. A large painting continues."""
        self._settle()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def require_painted(self) -> Run:
        """The latest run that has a painting.

        Raises:
          InputError: there is none yet.
        """
        if self.painted is None:
            raise InputError("there is no painting yet to continue from")
        return self.painted

    def _submit(self, order: Order) -> Run:
        self.run = self.studio.submit(order)
        return self.run

    def _settle(self) -> None:
        """Stops the run and waits until its painting is available."""
        if self.run:
            self.run.stop()
            self.run.wait()
        _ = self.painted


class Estimate(NamedTuple):
    """Estimated time and memory of a large painting."""

    size: tuple[int, int]
    """(height, width) in px."""
    seconds: float
    memory: int
    """Peak memory in bytes, including what the server already uses."""
    tile: int
    """Side of the tiles in px; 0: no tiles."""


def large_config(painted: Run, longer: str) -> Config:
    """The painting's settings at a larger size; iterations are distributed as in preset `large`.

    Args:
      painted: a run with a painting.
      longer: the longer side in px, as chosen or typed.

    Raises:
      ConfigError: the size is not an integer, or out of range.
    """
    config, large = painted.order.config, PRESETS["large"]
    side = integer("size", number(longer.strip(), int), MIN_SIDE, MAX_SIZE)
    size: int | tuple[int, int] = side
    if painted.order.content is None:  # a texture, which may not be square
        height, width = _large_size(painted, side)
        size = width, height
    history = min(config.history, large["history"])
    return dataclasses.replace(config, size=size, finest=large["finest"], history=history)


def room_now() -> Room:
    """The memory available to a run. Loads TensorFlow."""
    from artistyle_tf.engine.solvers import room
    from artistyle_tf.vgg.precision import device_kind

    return room(Config(), device_kind())


def estimate(painted: Run, config: Config, room: Room) -> Estimate:
    """Estimates time and memory of a large painting, from the pace of the painting.

    Args:
      painted: a run with a painting.
      config: as from `large_config`.
      room: the available memory.

    Raises:
      ArtistyleError: it does not fit into the memory; the message says what would.
    """
    assert painted.result is not None
    size = _large_size(painted, config.size if isinstance(config.size, int) else max(config.size))
    levels = schedule(config, whole_cells(size))
    pixels = sum(height * width * budget for (height, width), budget in levels)
    weights = load(config.weights, config.layers[-1], report=lambda *text: None)
    channels = {name: pair[0].shape[-1] for name, pair in weights.layers.items()}
    itemsize = 2 if painted.result.record["convolutions"].startswith("bfloat16") else 4
    regions = 1 if painted.order.mask else 0
    plan = make_plan(config, levels[-1][0], channels, itemsize, room, regions)
    return Estimate(size, pixels * _pace(painted.result.trace), plan.estimate, plan.tile)


def _large_size(painted: Run, longer: int) -> tuple[int, int]:
    assert painted.result is not None
    height, width = painted.result.image.shape[:2]
    return fit(height, width, longer)


def _pace(trace: list[tuple[int, float, float, int, int]]) -> float:
    """Seconds per iteration and pixel, at the finest level reached."""
    height, width = trace[-1][3:]
    rows = [row for row in trace if row[3:] == (height, width)]
    if len(rows) > 1:  # without the first, which may include tracing
        return (rows[-1][1] - rows[0][1]) / ((len(rows) - 1) * height * width)
    return rows[0][1] / sum(row[3] * row[4] for row in trace)
