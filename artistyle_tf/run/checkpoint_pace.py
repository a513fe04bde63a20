"""When a checkpoint is due. No TensorFlow."""

import contextlib
import time
from collections.abc import Iterator

from artistyle_tf.settings.interval import Cadence

__all__ = ["Pace"]

SECONDS = 60.0
SHARE = 50
"""Where the user says nothing, a checkpoint is due every so many seconds, and never sooner than so
many times what the last one cost."""


class Pace:
    """When a checkpoint is due: as often as the user says, or by time and what they cost."""

    def __init__(self, every: int | str | None):
        self._cadence = None if every is None else Cadence(every)
        self._last, self._cost = time.monotonic(), 0.0

    def due(self, iteration: int) -> bool:
        """Whether it is time after that iteration."""
        if self._cadence is not None:
            return self._cadence.due(iteration)
        return time.monotonic() - self._last >= max(SECONDS, SHARE * self._cost)

    def next_due(self, iteration: int) -> int | None:
        """The next iteration after that one that it is time after; None if nobody knows."""
        return self._cadence.next_due(iteration) if self._cadence else None

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """For the time in which one is written."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._last = time.monotonic()
            self._cost = self._last - began
