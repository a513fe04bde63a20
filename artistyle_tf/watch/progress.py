"""The progress line of a run, on a terminal or in a log. No TensorFlow."""

import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from artistyle_tf.run.events import Step
from artistyle_tf.text import clock

__all__ = ["Progress", "describe"]


class Progress:
    """Shows a `Step` as one line: rewritten on a terminal, every ten seconds elsewhere.

    Nothing is shown in the first two seconds. The parts are computed anew only as often as costs
    no more than a fiftieth of the run; between that, their shares are applied to the objective.
    """

    QUIET = 2.0
    PAUSE = 10.0
    SHARE = 50

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._began: float | None = None
        self._shown = -self.PAUSE
        self._parts: Mapping[str, float] = {}
        self._parts_due = 0.0
        self._level = 0
        self._width = 0

    def __call__(self, step: Step) -> None:
        now = self._elapsed()
        last = step.iteration == step.iterations
        pause = 0.1 if self._terminal else self.PAUSE
        if now < self.QUIET or (now - self._shown < pause and not last):
            return
        if last or step.level != self._level or now >= self._parts_due:
            self._level = step.level
            self._parts = step.parts()
            cost = self._elapsed() - now
            self._parts_due = now + self.SHARE * cost
        self._shown = now
        room = _columns(self._stream) - 1 if self._terminal else None
        self._write(describe(step, self._parts, room))

    def status(self, text: str) -> None:
        """Shows another line of text in the same place, like the progress of a download."""
        now = self._elapsed()
        if self._terminal or now - self._shown >= self.PAUSE:
            self._shown = now
            self._write(text)

    def close(self) -> None:
        """Ends the line that is being rewritten."""
        if self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def _elapsed(self) -> float:
        """Seconds since there was first something to show."""
        if self._began is None:
            self._began = time.monotonic()
        return time.monotonic() - self._began

    def _write(self, line: str) -> None:
        if self._terminal:
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def describe(step: Step, parts: Mapping[str, float], room: int | None = None) -> str:
    """A step as one line of text, without its last fields if it has to fit into `room` columns."""
    height, width = step.size
    fields = [
        f"level {step.level}/{step.levels} {width}×{height}",
        f"iteration {step.iteration}/{step.iterations}",
        f"{clock(step.remaining)} left",
        f"objective {step.objective:.4g}",
        *(
            f"{name} {parts[name] / parts['value'] * step.objective:.3g}"
            for name in ("style", "content", "total_variation", "gamut")
            if parts.get(name)
        ),
        f"{step.evaluations} evaluations",
    ]
    while room is not None and len("  ".join(fields)) > room and len(fields) > 1:
        fields.pop()  # a number cut in the middle would be a wrong one; a line that wraps stays
    return "  ".join(fields)


def _columns(stream: TextIO) -> int:
    """Width of the terminal; 80 where it can't be asked or doesn't know."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
