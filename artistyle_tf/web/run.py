"""Paints what is ordered on the page, one run at a time. No Gradio; the first run loads TensorFlow.

A thread paints, since a run outlives the page that ordered it: a closed page's picture is still
saved, and a large painting goes on. Gradio's own queue serves events of open pages only.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.events import Step
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.picture import Picture
from artistyle_tf.text import one_line, reason
from artistyle_tf.web.uploads import stem

if TYPE_CHECKING:
    from artistyle_tf.engine.painter import Painter
    from artistyle_tf.engine.result import Result

__all__ = ["Order", "Progress", "Run", "Studio"]

logger = logging.getLogger("artistyle_tf")

PAUSE = 0.7
"""Minimum seconds between two pictures shown."""
SHARE = 20
"""The interval is also this many times what a picture took to compute: 5 % overhead at most."""
LONGEST_QUEUE = 20
"""Maximum number of waiting runs; further ones are refused."""
KEPT_PAINTERS = 2
"""Painters kept with their networks and traced graphs, for the most recent settings."""


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


class Progress(NamedTuple):
    """How far a run is."""

    image: np.ndarray
    """Current picture, uint8 [H, W, 3] sRGB, at the size of the level."""
    iteration: int
    iterations: int
    level: int
    levels: int
    remaining: float
    """Estimated seconds to the end."""


class Run:
    """An order and what became of it. Any thread may read or stop it; one thread paints it."""

    def __init__(self, order: Order):
        self.order = order
        self.future: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.log = ReportLog()
        self.progress: Progress | None = None
        self.result: Result | None = None
        """The painting, once it is saved."""
        self.path = ""
        """Where it was saved."""
        self.error: str | None = None
        """What went wrong, as one line."""
        self._stopping = threading.Event()
        self._due = 0.0

    @property
    def waiting(self) -> bool:
        """Whether it has not begun."""
        return not self.future.running() and not self.over

    @property
    def over(self) -> bool:
        """Whether it has ended, with or without a painting."""
        return self.future.done()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    @property
    def unfinished(self) -> bool:
        """Whether its painting was saved before the last iteration."""
        return self.result is not None and (self.stopping or self.result.error is not None)

    def stop(self) -> None:
        """Stops it after the current iteration; the picture is saved. If it still waits, it is
        taken out of the queue."""
        if not self.over:
            self._stopping.set()
            self.future.cancel()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is over; returns whether it is."""
        with contextlib.suppress(concurrent.futures.CancelledError, TimeoutError):
            self.future.exception(seconds)
        return self.over

    def updates(self, pause: float = PAUSE) -> Iterator[None]:
        """Yields whenever there may be something new to show, finally when it is over."""
        if not self.over:
            yield
        while not self.wait(pause):
            yield
        yield

    def __call__(self, step: Step) -> bool | None:
        """The callback of the run: records its progress, and stops it if asked to."""
        began = time.monotonic()
        if began >= self._due or step.iteration == step.iterations or self.stopping:
            self.progress = Progress(
                step.image(),
                step.iteration,
                step.iterations,
                step.level,
                step.levels,
                step.remaining,
            )
            self._due = began + max(PAUSE, SHARE * (time.monotonic() - began))
        return False if self.stopping else None


def _make_painter(config: Config) -> "Painter":
    from artistyle_tf.engine.painter import Painter  # loads TensorFlow

    return Painter(config)


class Studio:
    """Paints orders one at a time, first come, first served.

    Args:
      folder: folder in which every painting is saved; created with the first one.
      make_painter: makes a painter from a config; for tests.
    """

    def __init__(self, folder: str, make_painter: Callable[[Config], Any] = _make_painter):
        self.folder = folder
        self.saved: list[str] = []
        """Paths of all paintings."""
        self._painter = functools.lru_cache(KEPT_PAINTERS)(make_painter)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "studio")
        self._queue: list[Run] = []
        self._ordering = threading.Lock()

    def submit(self, order: Order) -> Run:
        """Adds an order to the queue.

        Raises:
          InputError: the queue is full, or the studio is closing.
        """
        run = Run(order)
        with self._ordering:
            self._queue = self._unfinished()
            if len(self._queue) > LONGEST_QUEUE:
                raise InputError(f"{LONGEST_QUEUE} paintings are already waiting; try again later")
            try:
                run.future = self._thread.submit(self._paint, run)
            except RuntimeError:
                raise InputError("the server is stopping") from None
            self._queue.append(run)
        return run

    def place(self, run: Run) -> int:
        """Number of runs ahead in the queue; 0 if it is being painted or over."""
        queue = self._unfinished()
        return queue.index(run) if run in queue else 0

    def close(self) -> None:
        """Accepts no more orders, stops all runs, and waits until the picture is saved."""
        self._thread.shutdown(wait=False)
        for run in reversed(self._unfinished()):
            run.stop()
        self._thread.shutdown()

    def _unfinished(self) -> list[Run]:
        return [run for run in self._queue if not run.over]

    def _paint(self, run: Run) -> None:
        order = run.order
        try:
            checkpoints = None
            if order.folder is not None:
                checkpoints = Checkpoints(order.folder, every=10**6, resume=order.resume)
            result = self._painter(order.config)(
                order.content,
                order.style,
                content_masks=[order.mask] if order.mask else [],
                callback=[run, run.log],
                checkpoints=checkpoints,
            )
            run.path = self._save(order, result)
            if result.error:
                run.error = f"{result.stop_reason}: {reason(result.error)}"
            run.result = result
        except ArtistyleError as error:
            run.error = str(error)
        except Exception as error:
            kind = type(error).__name__
            if kind in ("MemoryError", "ResourceExhaustedError"):
                run.error = "there is not enough memory; a smaller size needs less"
            else:
                logger.error("the run failed: %s: %s", kind, reason(error))
                run.error = f"the run failed: {reason(error)}"

    def _save(self, order: Order, result: "Result") -> str:
        """Saves the painting under a new name; returns its path."""
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make {one_line(self.folder)}: {reason(error)}") from error
        name = f"{stem(order.content or order.style)}-{time.strftime('%Y%m%d-%H%M%S')}"
        path, again = os.path.join(self.folder, f"{name}.png"), 1
        while os.path.lexists(path):
            again += 1
            path = os.path.join(self.folder, f"{name}-{again}.png")
        result.save(path)
        self.saved.append(path)
        return path
