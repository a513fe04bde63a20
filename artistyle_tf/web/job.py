"""A run as the page sees it: the order, its progress and its result. No Gradio."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.config.config import Config
from artistyle_tf.engine.events import Step
from artistyle_tf.images.picture import Picture

if TYPE_CHECKING:
    from artistyle_tf.engine.result import Result

__all__ = ["Order", "Painting", "Run", "Snapshot"]

PAUSE = 0.7
"""Minimum seconds between two pictures shown."""
SHARE = 20
"""The interval is also this many times what a picture took to compute: 5 % overhead at most."""
MOST_MOMENTS = 200
"""Maximum number of points per curve; beyond that, every second one is dropped."""


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
    """What to paint."""

    config: Config
    content: Picture | None
    style: Picture | None
    mask: Picture | None = None
    """White where the style applies; None: everywhere."""
    folder: str | None = None
    """Folder for its checkpoint; None: no checkpoint, so that the run can't be resumed exactly."""
    resume: bool = False
    """Whether to resume from the checkpoint in the folder."""


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshot:
    """The progress of a run."""

    image: np.ndarray
    """Current picture, uint8 [H, W, 3] sRGB, at the size of the level."""
    iteration: int
    iterations: int
    level: int
    levels: int
    seconds: float
    remaining: float


@dataclasses.dataclass(frozen=True, eq=False)
class Painting:
    """The result of an order, and where it was saved."""

    order: Order
    result: "Result"
    path: str
    stopped: bool
    """Whether it was stopped before its last iteration."""
    log: ReportLog = dataclasses.field(default_factory=ReportLog)
    """The progress, for its report."""


class Run:
    """An order in progress. Any thread may query or stop it; the studio's thread updates it."""

    def __init__(self, order: Order):
        self.order = order
        self.stage: Literal["waiting", "painting", "over"] = "waiting"
        self.snapshot: Snapshot | None = None
        self.painting: Painting | None = None
        """Set when the run is over, if it produced a painting."""
        self.error: str | None = None
        """An error, as one line."""
        self.moments: list[tuple[int, Mapping[str, float]]] = []
        """(iteration, parts of the objective by name), for the curves."""
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._due = self._parts_due = 0.0

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Stops it after the current iteration; the picture is saved."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def begin(self) -> None:
        """Marks it as being painted."""
        with self._changed:
            self.stage = "painting"
            self._changed.notify_all()

    def end(self, painting: Painting | None = None, error: str | None = None) -> None:
        """Marks it as over, with or without a painting."""
        with self._changed:
            self.painting, self.error, self.stage = painting, error, "over"
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is over; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.stage == "over", seconds)

    def updates(self, pause: float = PAUSE) -> Iterator[None]:
        """Yields whenever there may be something new to show, finally when it is over."""
        stage: str = ""
        while stage != "over":
            with self._changed:
                self._changed.wait(0 if not stage or self.stage == "over" else pause)
                stage = self.stage
            yield

    def __call__(self, step: Step) -> bool | None:
        """The callback of the run: records its progress, and stops it if asked to."""
        last = step.iteration == step.iterations
        now = time.monotonic()
        if now >= self._parts_due or last:
            self._remember(step.iteration, step.parts())
            self._parts_due = time.monotonic() + 2 * SHARE * (time.monotonic() - now)
        if now >= self._due or last or self.stopping:
            began = time.monotonic()
            snapshot = Snapshot(
                step.image(),
                step.iteration,
                step.iterations,
                step.level,
                step.levels,
                step.seconds,
                step.remaining,
            )
            self._due = began + max(PAUSE, SHARE * (time.monotonic() - began))
            with self._changed:
                self.snapshot = snapshot
                self._changed.notify_all()
        return False if self.stopping else None

    def _remember(self, iteration: int, parts: Mapping[str, float]) -> None:
        self.moments.append((iteration, dict(parts)))
        if len(self.moments) > MOST_MOMENTS:
            self.moments[:] = self.moments[::2]
