"""The clock of a run: time elapsed and estimated time remaining."""

import time

from artistyle_tf.engine.state import State

__all__ = ["Clock"]


class Clock:
    """Runs from the first evaluation on; time before a resume counts too."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._zero: float | None = None
        self._entered, self._done = self._began, 0
        self.setup = 0.0
        """Seconds before the first evaluation: reading, loading, the first targets, tracing."""

    @property
    def running(self) -> bool:
        """Whether the first evaluation has begun."""
        return self._zero is not None

    def enter(self, state: State) -> None:
        """Called when a level begins or resumes; the first call starts the clock."""
        self._entered = time.perf_counter()
        self._done = state.done[-1]
        if self._zero is None:
            self.setup = self._entered - self._began
            self._zero = self._entered - (state.trace[-1][1] if state.trace else 0.0)

    def seconds(self) -> float:
        """Since the first evaluation began."""
        return 0.0 if self._zero is None else time.perf_counter() - self._zero

    def remaining(self, state: State) -> float:
        """Estimated seconds to the end: the remaining iterations of this level at this process's
        pace, and those of later levels at that pace scaled by their number of pixels."""
        spent = time.perf_counter() - self._entered
        pace = spent / max(1, state.done[-1] - self._done)
        here = state.here.size[0] * state.here.size[1]
        ahead = sum(
            level.budget * level.size[0] * level.size[1] / here
            for level in state.levels[state.level + 1 :]
        )
        return pace * (state.budget_left + ahead)
