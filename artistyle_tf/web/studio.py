"""The studio: paints one run at a time, and keeps the queue of the others.

No Gradio; TensorFlow is loaded by the first run.
"""

import collections
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.web.job import Order, Painting, Run
from artistyle_tf.web.uploads import stem

if TYPE_CHECKING:
    from artistyle_tf.engine.painter import Painter
    from artistyle_tf.engine.result import Result

__all__ = ["Studio"]

logger = logging.getLogger("artistyle_tf")

LONGEST_LINE = 20
"""Maximum number of waiting runs; further ones are refused."""
KEPT_PAINTERS = 2
"""Painters kept with their networks and traced graphs, for the most recent settings."""


def _painter(config: Config) -> "Painter":
    from artistyle_tf.engine.painter import Painter  # loads TensorFlow

    return Painter(config)


class Studio:
    """Paints orders one at a time, first come, first served.

    Args:
      folder: folder in which every painting is saved; created with the first one.
      make_painter: makes a painter from a config; for tests.
    """

    def __init__(self, folder: str, make_painter: Callable[[Config], Any] = _painter):
        self.folder = folder
        self.saved: list[str] = []
        """Paths of all paintings."""
        self._make_painter = make_painter
        self._painters: collections.OrderedDict[Config, Any] = collections.OrderedDict()
        self._line: list[Run] = []
        """The queue: the first run is being painted, the others are waiting."""
        self._turn = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="studio", daemon=True)
        self._worker.start()

    def submit(self, order: Order) -> Run:
        """Adds an order to the queue.

        Raises:
          InputError: the queue is full, or the studio is closing.
        """
        run = Run(order)
        with self._turn:
            if self._closed:
                raise InputError("the server is stopping")
            if len(self._line) > LONGEST_LINE:
                raise InputError(f"{LONGEST_LINE} paintings are already waiting; try again later")
            self._line.append(run)
            self._turn.notify_all()
        return run

    def place(self, run: Run) -> int:
        """Number of runs ahead in the queue; 0 if it is being painted or over."""
        with self._turn:
            return self._line.index(run) if run in self._line else 0

    def stop(self, run: Run) -> None:
        """Stops a run: its picture is saved. A waiting run just leaves the queue."""
        run.stop()
        with self._turn:
            if run in self._line[1:]:
                self._line.remove(run)
                run.end()

    def close(self, seconds: float | None = None) -> None:
        """Accepts no more orders, stops all runs, and waits until the picture is saved."""
        with self._turn:
            self._closed = True
            runs = self._line[::-1]
            self._turn.notify_all()
        for run in runs:
            self.stop(run)
        self._worker.join(seconds)

    def _work(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._line or self._closed)
                if not self._line:
                    return
                run = self._line[0]
            try:
                self._paint(run)
            finally:
                with self._turn:
                    self._line.remove(run)
                    self._turn.notify_all()

    def _paint(self, run: Run) -> None:
        order = run.order
        run.begin()
        if run.stopping:
            return run.end()
        log = ReportLog()
        try:
            result = self._painter_of(order.config)(
                order.content,
                order.style,
                content_masks=[order.mask] if order.mask else [],
                callback=[run, log],
                checkpoints=_checkpoints(order),
            )
            path = self._save(order, result)
        except ArtistyleError as error:
            return run.end(error=str(error))
        except MemoryError:
            return run.end(error="there is not enough memory; a smaller size needs less")
        except Exception as error:
            logger.error("the run failed: %s: %s", type(error).__name__, reason(error))
            memory = type(error).__name__ == "ResourceExhaustedError"
            short = "there is not enough memory; a smaller size needs less"
            return run.end(error=short if memory else f"the run failed: {reason(error)}")
        self.saved.append(path)
        fault = f"{result.stop_reason}: {reason(result.error)}" if result.error else None
        stopped = run.stopping or result.error is not None
        return run.end(Painting(order, result, path, stopped, log), fault)

    def _painter_of(self, config: Config) -> Any:
        painter = self._painters.pop(config, None) or self._make_painter(config)
        self._painters[config] = painter
        while len(self._painters) > KEPT_PAINTERS:
            self._painters.popitem(last=False)
        return painter

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
        return path


def _checkpoints(order: Order) -> Checkpoints | None:
    if order.folder is None:
        return None
    return Checkpoints(order.folder, every=10**6, resume=order.resume)
