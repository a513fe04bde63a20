"""How progress is shown: a bar rewritten in place by tqdm, or lines in a log. No TensorFlow."""

import contextlib
import functools
import os
import re
import sys
import textwrap
import threading
import warnings
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

from artistyle_tf.engine.events import Step
from artistyle_tf.text import clock

__all__ = ["QUIET", "Bar", "Lines", "View", "describe", "make_view"]

QUIET = 2.0
"""Seconds at the start of a run without any line in a log."""

PERCENT = "{percentage:3.0f}%"
WIDE = 72
"""Columns needed for a bar between the percentage and the figures."""
GRAPH = 10
"""Columns of that bar."""


class View(Protocol):
    """The output that `Progress` writes to."""

    pause: float
    """Seconds between steps shown."""

    def step(self, step: Step, parts: Mapping[str, float]) -> None:
        """Shows a step."""

    def status(self, text: str, now: float) -> None:
        """Shows a temporary text; `now`: seconds since there was first something to show."""

    def line(self, text: str) -> None:
        """Writes a line that stays."""

    def close(self) -> None:
        """Finishes the line being rewritten."""


class Bar:
    """A line that tqdm rewrites in place: on a terminal, or in a notebook's widget."""

    pause = 0.1

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._bar: Any = None

    def step(self, step: Step, parts: Mapping[str, float]) -> None:
        if self._bar is not None and self._bar.total is None:
            self.close()  # tqdm can't set a widget's total later
        room = self._room()
        graph = "|{bar}| " if room is None else f"|{{bar:{GRAPH}}}| " if room >= WIDE else " "
        taken = len("100%") + (len("|| ") + GRAPH if graph != " " else 1)
        text = describe(step, parts, None if room is None else room - taken)
        self._draw(text, PERCENT + graph, room, step)

    def status(self, text: str, now: float) -> None:
        room = self._room()
        percent = f"{PERCENT} " if self._bar is not None and self._bar.total is not None else ""
        if room is not None:
            width = max(room - len("100% " if percent else ""), 1)
            text = textwrap.shorten(text, width, placeholder=" …", break_on_hyphens=False)
        self._draw(text, percent, room)

    def line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        self._stream.write(text + "\n")
        self._stream.flush()
        if self._bar is not None:
            self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, text: str, form: str, room: int | None, step: Step | None = None) -> None:
        form += "{desc}"
        if self._bar is None:
            counts = {"total": step.iterations, "initial": step.iteration} if step else {}
            self._bar = _tqdm()(
                desc=text,
                file=self._stream,
                disable=False,
                leave=step is not None,
                bar_format=form,
                ncols=room,
                **counts,
            )
            return
        bar = self._bar
        if room is not None and room < bar.ncols:
            bar.sp = bar.status_printer(bar.fp)  # else it pads to the width of the old line
        bar.bar_format, bar.ncols = form, room
        bar.n = step.iteration if step else bar.n
        bar.set_description_str(text)

    def _room(self) -> int | None:
        """Width of a line that does not wrap; None in a widget."""
        return None if _has_widgets() else max(columns(self._stream) - 1, 1)


class Lines:
    """Lines in a log: a step every ten seconds, a named status once.

    A status is held back for the first `QUIET` seconds, as shorter runs need no log; the last one
    is then written by a thread, even if the program is busy.
    """

    pause = 10.0

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._waiting: str | None = None
        self._said: set[str] = set()
        self._times: dict[str, float] = {}
        """When a text of each kind was last written; those of a kind differ only in numbers."""

    def step(self, step: Step, parts: Mapping[str, float]) -> None:
        with self._lock:
            self._waiting = None
            self.line(describe(step, parts))

    def status(self, text: str, now: float) -> None:
        with self._lock:
            if now >= QUIET:
                self._waiting = None
                self._say(text, now)
                return
            self._waiting = text
            if self._timer is None:
                self._timer = threading.Timer(QUIET - now, self._late)
                self._timer.daemon = True
                self._timer.start()

    def line(self, text: str) -> None:
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()

    def close(self) -> None:
        with self._lock:
            self._waiting = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _late(self) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):  # the stream is closed
            if self._waiting is not None:
                text, self._waiting = self._waiting, None
                self._say(text, QUIET)

    def _say(self, text: str, now: float) -> None:
        kind = re.sub(r"\d[\d.,]*", "#", text)
        if text in self._said or now - self._times.get(kind, -self.pause) < self.pause:
            return
        self._said.add(text)
        self._times[kind] = now
        self.line(text)


def make_view(stream: TextIO | None) -> View:
    """A bar if the line can be rewritten, else lines; None: standard error."""
    in_notebook = stream is None and "ipykernel.zmqshell" in sys.modules
    stream = stream or sys.stderr
    return Bar(stream) if in_notebook or stream.isatty() else Lines(stream)


def describe(step: Step, parts: Mapping[str, float], room: int | None = None) -> str:
    """A step as one line of text, dropping the last fields if needed to fit `room` columns."""
    height, width = step.size
    fields = [
        f"level {step.level}/{step.levels} {width}×{height}",
        f"iteration {step.iteration}/{step.iterations}",
        f"{clock(step.remaining)} left",
        f"objective {step.objective:.4g}",
        *(
            f"{name} {parts[name] / parts['value'] * step.objective:.3g}"
            for name in ("style", "content", "total_variation", "gamut", "palette")
            if parts.get(name)
        ),
        f"{step.evaluations} evaluations",
    ]
    while room is not None and len("  ".join(fields)) > room and fields:
        fields.pop()  # a truncated number would be wrong
    return "  ".join(fields)


def columns(stream: TextIO) -> int:
    """Width of the terminal; 80 if unknown."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


@functools.cache
def _tqdm() -> Any:
    """The tqdm class for this environment, imported on first use.

    This subclass has no monitor thread, and a lock of its own instead of one shared between
    processes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns if there are no widgets, and falls back to text
        from tqdm.auto import tqdm

    class Quiet(tqdm):
        monitor_interval = 0

    Quiet.set_lock(threading.RLock())
    return Quiet


def _has_widgets() -> bool:
    return any(base.__module__ == "tqdm.notebook" for base in _tqdm().__mro__)
