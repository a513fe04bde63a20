"""When a checkpoint is due. No TensorFlow."""

import contextlib
import time
from collections.abc import Iterator

from artistyle_tf.config.interval import Cadence

__all__ = ["Pace"]

SECONDS = 60.0
SHARE = 50
"""Without a setting, a checkpoint is due every SECONDS seconds, but no sooner than SHARE times what
the last one took to write."""


class Pace:
    """When a checkpoint is due: at the interval set, or else by time and by the cost of writing."""

    def __init__(self, every: int | str | None):
        self._cadence = None if every is None else Cadence(every)
        self._last, self._cost = time.monotonic(), 0.0

    def due(self, iteration: int) -> bool:
        """Whether a checkpoint is due after that iteration."""
        if self._cadence is not None:
            return self._cadence.due(iteration)
        return time.monotonic() - self._last >= max(SECONDS, SHARE * self._cost)

    def next_due(self, iteration: int) -> int | None:
        """The next iteration after this one with a checkpoint due; None if that depends on time."""
        return self._cadence.next_due(iteration) if self._cadence else None

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Measures how long writing a checkpoint takes."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._last = time.monotonic()
            self._cost = self._last - began
