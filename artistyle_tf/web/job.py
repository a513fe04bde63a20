"""One run as the page sees it: what was ordered, how far it is, what came of it. No Gradio."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from artistyle_tf.pictures.picture import Picture
from artistyle_tf.run.events import Step
from artistyle_tf.settings.config import Config
from artistyle_tf.watch.report_log import ReportLog

if TYPE_CHECKING:
    from artistyle_tf.run.result import Result

__all__ = ["Order", "Painting", "Run", "Snapshot"]

PAUSE = 0.7
"""Seconds from one picture shown to the next, at least."""
SHARE = 20
"""And so many times what it took to compute it, so that looking costs a twentieth."""
MOST_MOMENTS = 200
"""Points of the curves; where there are more, every second one is dropped."""


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
    """What to paint."""

    config: Config
    content: Picture | None
    style: Picture | None
    mask: Picture | None = None
    """White where the style goes; None: everywhere."""
    folder: str | None = None
    """Where its checkpoint is kept; None: nowhere, so that it can't be gone on with exactly."""
    resume: bool = False
    """Whether to go on from the checkpoint there."""


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshot:
    """How far a run is."""

    image: np.ndarray
    """uint8 [H, W, 3] sRGB, at the size of the level."""
    iteration: int
    iterations: int
    level: int
    levels: int
    seconds: float
    remaining: float


@dataclasses.dataclass(frozen=True, eq=False)
class Painting:
    """What came of an order, and where it was saved."""

    order: Order
    result: "Result"
    path: str
    stopped: bool
    """Whether it was ended before its last iteration."""
    log: ReportLog = dataclasses.field(default_factory=ReportLog)
    """What its report shows of the way."""


class Run:
    """An order on its way. Any thread may ask and stop; the studio's own tells of the progress."""

    def __init__(self, order: Order):
        self.order = order
        self.stage: Literal["waiting", "painting", "over"] = "waiting"
        self.snapshot: Snapshot | None = None
        self.painting: Painting | None = None
        """Once it is over, if there is one."""
        self.error: str | None = None
        """What went wrong, in one line."""
        self.moments: list[tuple[int, Mapping[str, float]]] = []
        """(iteration, the objective's parts by name) for the curves."""
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._due = self._parts_due = 0.0

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ends it after the iteration it is in; what is painted is kept."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def begin(self) -> None:
        """It is painted from now on."""
        with self._changed:
            self.stage = "painting"
            self._changed.notify_all()

    def end(self, painting: Painting | None = None, error: str | None = None) -> None:
        """It is over, with a painting or without."""
        with self._changed:
            self.painting, self.error, self.stage = painting, error, "over"
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> bool:
        """Until it is over; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.stage == "over", seconds)

    def updates(self, pause: float = PAUSE) -> Iterator[None]:
        """Yields whenever there may be something new to show, the last time when it is over."""
        stage: str = ""
        while stage != "over":
            with self._changed:
                self._changed.wait(0 if not stage or self.stage == "over" else pause)
                stage = self.stage
            yield

    def __call__(self, step: Step) -> bool | None:
        """As a callback of the run."""
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
