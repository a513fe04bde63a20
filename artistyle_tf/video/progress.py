"""The progress of a clip: which frame is painted, and the time left. No TensorFlow."""

import logging
import time
from types import TracebackType

from artistyle_tf.engine.events import Step
from artistyle_tf.text import clock

__all__ = ["ClipProgress"]

logger = logging.getLogger("artistyle_tf")


class ClipProgress:
    """A callback of every frame's run, which shows how far the clip is.

    A context manager: in its block the package's messages are shown once each, since the run of
    every frame would repeat them.
    """

    def __init__(self) -> None:
        self._total, self._started, self._what = 0, 0, "frame"
        self._began = time.monotonic()
        self._told: set[str] = set()

    def begin(self, missing: int, passes: int) -> None:
        """Painting begins; so many paintings are missing, in all passes."""
        self._total, self._began = missing, time.monotonic()
        self._what = "frame" if passes == 1 else f"painting of {passes} passes,"

    def __call__(self, step: Step) -> None:
        self._started += step.iteration == 1
        logger.debug(
            "%s %d of %d, iteration %d of %d%s",
            self._what,
            self._started,
            self._total,
            step.iteration,
            step.iterations,
            self._left(self._started - 1),
        )

    def finished(self, missing: int) -> None:
        """Shows how far workers are; so many paintings are still missing."""
        done = self._total - missing
        logger.debug("%s %d of %d%s", self._what, done, self._total, self._left(done))

    def _left(self, done: int) -> str:
        if done < 1:
            return ""
        each = (time.monotonic() - self._began) / done
        return f", about {clock(each * (self._total - done))} left"

    def __enter__(self) -> "ClipProgress":
        logger.addFilter(self._is_new)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        logger.removeFilter(self._is_new)

    def _is_new(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if text.startswith(self._what):
            return True
        first = text not in self._told
        self._told.add(text)
        return first
