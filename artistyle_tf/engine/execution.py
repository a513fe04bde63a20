"""How many iterations the device runs per call from the host, and what XLA compiles."""

from collections.abc import Iterable, Sequence
from typing import Any

from artistyle_tf.config.config import Config
from artistyle_tf.engine.events import Callbacks
from artistyle_tf.engine.state import State
from artistyle_tf.optimizers.base import MOST_STEPS

__all__ = ["MOST", "Execution", "is_compiled", "takes_many", "watching"]

MOST = MOST_STEPS
"""Most iterations per call."""

SECONDS = 1.0
"""Target duration of a call with `steps_per_execution` "auto"; progress is reported as often."""


def is_compiled(config: Config, kind: str) -> bool:
    """Whether XLA compiles the levels on that kind of device: "CPU", "GPU" or "TPU"."""
    return kind == "TPU" if config.jit_compile == "auto" else config.jit_compile == "on"


def takes_many(config: Config, kind: str) -> bool:
    """Whether the device runs several iterations per call, without the host."""
    if config.steps_per_execution == "auto":
        return kind != "CPU"
    return config.steps_per_execution > 1


class Execution:
    """Decides how many iterations the next call runs.

    Args:
      config: for `steps_per_execution`.
      kind: the kind of device.
      watchers: callbacks; one with a method `next_due(iteration)` is to be called right after the
        iteration which that returns, if it is not None.
    """

    def __init__(self, config: Config, kind: str, watchers: Iterable[Any] = ()):
        asked = config.steps_per_execution
        self._asked = 1 if asked == "auto" and kind == "CPU" else asked
        self._watchers = [each for each in watchers if hasattr(each, "next_due")]
        self._pace: float | None = None

    def steps(self, iteration: int) -> int:
        """Number of iterations to run after that one; its level may have fewer left."""
        count = self._asked
        if count == "auto":
            count = max(1, min(MOST, int(SECONDS / self._pace))) if self._pace else 1
        due = (each.next_due(iteration) for each in self._watchers)
        return min([count, *(each - iteration for each in due if each is not None)])

    def took(self, before: State, after: State) -> None:
        """Records a call's duration, from which the size of the next call follows."""
        done = len(after.trace) - len(before.trace)
        if done and before.trace:
            self._pace = (after.trace[-1][1] - before.trace[-1][1]) / done


def watching(callback: Callbacks | None, *others: Any) -> list[Any]:
    """All callbacks and other watchers of a run as a flat list."""
    each = callback if isinstance(callback, Sequence) else [callback]
    return [one for one in (*each, *others) if one is not None]
