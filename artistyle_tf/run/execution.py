"""How many iterations the device takes between two looks at the host, and what XLA compiles."""

from collections.abc import Iterable, Sequence
from typing import Any

from artistyle_tf.run.events import Callbacks
from artistyle_tf.run.state import State
from artistyle_tf.settings.config import Config

__all__ = ["MOST", "Execution", "is_compiled", "takes_many", "watching"]

MOST = 64
"""Iterations in one call, at most; `minimize.base.MOST_STEPS`."""

SECONDS = 1.0
"""What a call may take where `steps_per_execution` is "auto": progress is seen as often."""


def is_compiled(config: Config, kind: str) -> bool:
    """Whether XLA compiles the levels of a run on that kind of device: "CPU", "GPU" or "TPU"."""
    return kind == "TPU" if config.jit_compile == "auto" else config.jit_compile == "on"


def takes_many(config: Config, kind: str) -> bool:
    """Whether the device itself goes from one iteration to the next."""
    if config.steps_per_execution == "auto":
        return kind != "CPU"
    return config.steps_per_execution > 1


class Execution:
    """Says how many iterations the next call takes.

    Args:
      config: its `steps_per_execution`.
      kind: of the device.
      watchers: who looks on; one that has a method `next_due(iteration)` wants to be called right
        after the iteration which that names, or none: None.
    """

    def __init__(self, config: Config, kind: str, watchers: Iterable[Any] = ()):
        asked = config.steps_per_execution
        self._asked = 1 if asked == "auto" and kind == "CPU" else asked
        self._watchers = [each for each in watchers if hasattr(each, "next_due")]
        self._pace: float | None = None

    def steps(self, iteration: int) -> int:
        """How many after that iteration of the run; its level may have fewer left."""
        count = self._asked
        if count == "auto":
            count = max(1, min(MOST, int(SECONDS / self._pace))) if self._pace else 1
        due = (each.next_due(iteration) for each in self._watchers)
        return min([count, *(each - iteration for each in due if each is not None)])

    def took(self, before: State, after: State) -> None:
        """The next call may take as many iterations as that pace allows."""
        done = len(after.trace) - len(before.trace)
        if done and before.trace:
            self._pace = (after.trace[-1][1] - before.trace[-1][1]) / done


def watching(callback: Callbacks | None, *others: Any) -> list[Any]:
    """All who look on at a run, one by one."""
    each = callback if isinstance(callback, Sequence) else [callback]
    return [one for one in (*each, *others) if one is not None]
