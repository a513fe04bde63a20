"""The one event of a run, and the progress line that watches it. No TensorFlow here."""

import dataclasses
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

import numpy as np

from artistyle_tf.messages import reason

__all__ = ["Callback", "Callbacks", "Progress", "Step", "consult", "rms"]

logger = logging.getLogger("artistyle_tf")


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """The state of a run after an iteration. A callback that returns False ends the run."""

    level: int
    """From 1, the coarsest."""
    levels: int
    size: tuple[int, int]
    """(height, width) of this level in px."""
    iteration: int
    """Of the whole run, from 1."""
    iterations: int
    evaluations: int
    """Of the whole run: calls of value and gradient."""
    objective: float
    seconds: float
    """Since the first evaluation began."""
    remaining: float
    """Estimated seconds to the end."""
    parts: Callable[[], Mapping[str, float]] = dataclasses.field(repr=False)
    """Computes the objective's parts, which costs a forward pass: "value" and its summands
    "content", "style", "total_variation" and "gamut", and for every layer "content/LAYER",
    "style/LAYER"."""
    image: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes the picture: uint8 [H, W, 3] sRGB."""
    unclipped: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes it as the minimiser has it: float32 [H, W, 3] sRGB in grey levels, neither rounded
    nor clipped to 0-255."""
    step_length: Callable[[], float] = dataclasses.field(default=lambda: math.nan, repr=False)
    """Computes the root mean square of the picture's change in this iteration, in grey levels."""


Callback = Callable[[Step], bool | None]


Callbacks = Callback | Sequence[Callback]
"""One, or several to be called in turn; the run ends if one of them asks for it."""


def consult(callbacks: Callbacks, step: Step) -> tuple[str, Exception | None]:
    """Calls back: why the run is to end ("": it is not), and what a callback raised.

    Whatever a user's function does, the picture that was reached is worth more: so an exception
    is logged with its traceback, and the run that asks ends as if it had been interrupted.
    """
    try:
        each = callbacks if isinstance(callbacks, Sequence) else [callbacks]
        answers = [callback(step) for callback in each]
        return ("stopped by the callback" if any(a is False for a in answers) else ""), None
    except Exception as error:
        # No more than the kind, since the record of the run has no paths and messages do.
        stop_reason = f"a callback raised {type(error).__name__}"
        logger.error("%s: %s", stop_reason, reason(error), exc_info=error)
        return stop_reason, error


def rms(change: np.ndarray) -> float:
    """Root mean square, summed in float64."""
    return float(np.sqrt(np.mean(np.square(change, dtype=np.float64))))


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


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss.

    >>> clock(75.2), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
