"""The progress of a run: a bar on a terminal or in a notebook, lines in a log. No TensorFlow."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TextIO

from artistyle_tf.callbacks import views
from artistyle_tf.engine.events import Step

__all__ = ["Progress"]


class Progress:
    """A callback that shows each `Step`: as a bar on a terminal or in a notebook, elsewhere as a
    line every ten seconds.

    No step is shown in the first two seconds. The parts of the objective are recomputed only so
    often that it costs at most a fiftieth of the run's time; in between, their last proportions
    are applied to the current objective.

    Args:
      stream: where to write; by default standard error, or a widget in a notebook.
    """

    SHARE = 50

    def __init__(self, stream: TextIO | None = None):
        self._view = views.make_view(stream)
        self._began: float | None = None
        self._shown = -self._view.pause
        self._parts: Mapping[str, float] = {}
        self._parts_due = 0.0
        self._level = 0

    def __call__(self, step: Step) -> None:
        now = self._elapsed()
        last = step.iteration == step.iterations
        if now < views.QUIET or (now - self._shown < self._view.pause and not last):
            return
        if last or step.level != self._level or now >= self._parts_due:
            self._level = step.level
            self._parts = step.parts()
            cost = self._elapsed() - now
            self._parts_due = now + self.SHARE * cost
        self._shown = now
        self._view.step(step, self._parts)

    def status(self, text: str) -> None:
        """Shows a status message: it replaces the last one, or is logged once, after two seconds.

        In a log, messages that differ only in their numbers, like those of a download, appear at
        most every ten seconds.
        """
        self._view.status(text, self._elapsed())

    def line(self, text: str) -> None:
        """Writes a permanent line, above the bar."""
        self._view.line(text)

    def close(self) -> None:
        """Leaves the bar as it is and moves on to the next line."""
        self._view.close()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _elapsed(self) -> float:
        """Seconds since there was first something to show."""
        if self._began is None:
            self._began = time.monotonic()
        return time.monotonic() - self._began
