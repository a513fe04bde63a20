"""The progress of a run: a bar on a terminal or in a notebook, lines in a log. No TensorFlow."""

import contextlib
import functools
import math
import os
import re
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any, TextIO

from artistyle_tf.engine.results import Step
from artistyle_tf.text import clock

QUIET = 2.0  # seconds at the start in which no step is shown, and nothing at all in a log

WIDE, GRAPH = 72, 10  # columns of a terminal that has room for a bar, and of that bar


class Progress:
    """A callback that shows each `Step`: as a bar on a terminal or in a notebook, elsewhere as a
    line every ten seconds.

    No step is shown in the first two seconds. The parts of the objective are recomputed for at most
    a fiftieth of the run's time; in between, their last proportions are shown.

    Args:
      stream: where to write; by default standard error, or a widget in a notebook.
    """

    SHARE = 50

    def __init__(self, stream: TextIO | None = None):
        in_notebook = stream is None and "ipykernel.zmqshell" in sys.modules
        stream = stream or sys.stderr
        self._view: _Bar | _Log = (_Bar if in_notebook or stream.isatty() else _Log)(stream)
        self._began: float | None = None
        self._shown = -self._view.pause
        self._parts: Mapping[str, float] = {}
        self._parts_due = 0.0
        self._level = 0

    def __call__(self, step: Step) -> None:
        now = self._elapsed()
        last = step.iteration == step.iterations
        if now < QUIET or (now - self._shown < self._view.pause and not last):
            return
        if last or step.level != self._level or now >= self._parts_due:
            self._level = step.level
            self._parts = step.parts()
            self._parts_due = now + self.SHARE * (self._elapsed() - now)
        self._shown = now
        self._view.step(step, self._parts)

    def status(self, text: str) -> None:
        """Shows a status: it replaces the last one, or is logged once, after two seconds.

        In a log, texts that differ only in their numbers appear at most every ten seconds.
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

    def __exit__(self, *error: object) -> None:
        self.close()

    def _elapsed(self) -> float:
        if self._began is None:
            self._began = time.monotonic()
        return time.monotonic() - self._began


class _Bar:
    """A line that tqdm rewrites in place: on a terminal, or in a notebook's widget."""

    pause = 0.1  # seconds between steps shown

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._bar: Any = None

    def step(self, step: Step, parts: Mapping[str, float]) -> None:
        if self._bar is not None and self._bar.total is None:
            self.close()  # tqdm can't set a widget's total later
        room = self._room()
        graph = "|{bar}| " if room is None else f"|{{bar:{GRAPH}}}| " if room >= WIDE else " "
        taken = len("100%") + (len("|| ") + GRAPH if graph != " " else 1)
        text = _describe(step, parts, None if room is None else room - taken)
        self._draw(text, "{percentage:3.0f}%" + graph, room, step)

    def status(self, text: str, now: float) -> None:
        room = self._room()
        percent = "{percentage:3.0f}% " if self._bar is not None and self._bar.total else ""
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
        return None if _has_widgets() else max(_columns(self._stream) - 1, 1)


class _Log:
    """Lines in a log. A thread writes the last status of the first `QUIET` seconds."""

    pause = 10.0

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._waiting: str | None = None
        self._said: dict[str, float] = {}  # when a text, or its like with other numbers, was

    def step(self, step: Step, parts: Mapping[str, float]) -> None:
        with self._lock:
            self._waiting = None
            self.line(_describe(step, parts))

    def status(self, text: str, now: float) -> None:
        with self._lock:
            self._waiting = text
            if now >= QUIET:
                self._write_waiting(now)
            elif self._timer is None:
                self._timer = threading.Timer(QUIET - now, self._write_waiting)
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

    def _write_waiting(self, now: float = QUIET) -> None:
        with self._lock:
            text, self._waiting = self._waiting, None
            if text is None or text in self._said:
                return
            kind = re.sub(r"\d[\d.,]*", "#", text)
            if now - self._said.get(kind, -self.pause) >= self.pause:
                self._said[text] = self._said[kind] = now
                with contextlib.suppress(OSError, ValueError):  # the stream is closed
                    self.line(text)


def _describe(step: Step, parts: Mapping[str, float], room: int | None = None) -> str:
    """A step as one line of text, dropping the last fields if needed to fit `room` columns."""
    height, width = step.size
    fields = [
        f"level {step.level}/{step.levels} {width}×{height}",
        f"iteration {step.iteration}/{step.iterations}",
        *([] if math.isnan(step.remaining) else [f"{clock(step.remaining)} left"]),
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


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


@functools.cache
def _tqdm() -> Any:
    """The tqdm class for this environment, without monitor thread or lock between processes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns if there are no widgets, and falls back to text
        from tqdm.auto import tqdm

    class Quiet(tqdm):
        monitor_interval = 0

    Quiet.set_lock(threading.RLock())
    return Quiet


def _has_widgets() -> bool:
    return any(base.__module__ == "tqdm.notebook" for base in _tqdm().__mro__)
