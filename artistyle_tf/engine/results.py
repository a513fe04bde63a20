"""What a run tells: a `Step` after each iteration, and a `Result` at its end. No TensorFlow."""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from artistyle_tf.images import write
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.write import png_bytes, to_html
from artistyle_tf.report.charts import Moment
from artistyle_tf.report.page import write_report
from artistyle_tf.text import clock

INTERRUPTED = "interrupted"  # why a run ended by Ctrl-C
STOPPED = "stopped by the callback"  # why a run ended if a callback returned False


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """The state of a run after an iteration. A callback that returns False stops the run."""

    level: int
    """Counted from 1, the coarsest."""
    levels: int
    size: tuple[int, int]
    """(height, width) of this level in px."""
    iteration: int
    """Of the whole run, counted from 1."""
    iterations: int
    evaluations: int
    """Evaluations of value and gradient, in the whole run."""
    objective: float
    seconds: float
    """Since the first evaluation began."""
    remaining: float
    """Estimated seconds to the end; NaN after the first call of the device."""
    parts: Callable[[], Mapping[str, float]] = dataclasses.field(repr=False)
    """Computes the parts of the objective, which costs a forward pass: "value", its summands
    "content", "style", "total_variation", "gamut" and "palette", and for every layer
    "content/LAYER" or
    "style/LAYER"."""
    image: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes the picture: uint8 [H, W, 3] sRGB."""
    unclipped: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes the picture as the optimizer has it: float32 [H, W, 3] sRGB in grey levels, neither
    rounded nor clipped to 0-255."""
    step_length: Callable[[], float] = dataclasses.field(default=lambda: math.nan, repr=False)
    """Computes the root mean square of the picture's change in this iteration, in grey levels."""

    def _repr_png_(self) -> bytes:
        """For notebooks: the picture as PNG."""
        return png_bytes(self.image())

    def _repr_html_(self) -> str:
        """For notebooks, which prefer HTML: the picture at limited width, and the progress."""
        height, width = self.size
        rows = {
            "level": f"{self.level}/{self.levels}, {width}×{height} px",
            "iteration": f"{self.iteration}/{self.iterations}",
            "objective": f"{self.objective:.4g}",
            "time left": clock(self.remaining),
        }
        return to_html(self.image(), rows)


Callback = Callable[[Step], bool | None]
"""Called after each call of the device; if that runs several iterations
(`Config.steps_per_execution`), after the last of them."""

Callbacks = Callback | list[Callback] | tuple[Callback, ...]
"""One callback, or several called in order; the run stops if any of them asks for it."""


class TimeLeft:
    """Estimates the time left from how long the work so far took. The time before it is first
    asked is left out: TensorFlow traces and rewrites its graphs then. `pace`: seconds per unit of
    work until something is measured; NaN if unknown."""

    def __init__(self, pace: float = math.nan):
        self.pace = pace
        self._first: tuple[float, float] | None = None

    def seconds(self, done: float, left: float) -> float:
        """For what is `left`, after `done`, in any unit of work; NaN the first time."""
        now = time.perf_counter()
        since, start = self._first = self._first or (now, done)
        if done > start:
            self.pace = (now - since) / (done - start)
        return self.pace * left


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """A finished picture, with the data of the run that made it."""

    image: np.ndarray
    """uint8 [H, W, 3] sRGB."""
    unclipped: np.ndarray
    """float32 [H, W, 3] sRGB in grey levels: the image before rounding and clipping."""
    alpha: np.ndarray | None
    """uint8 [h, w]: the content's alpha at its own size, float32 in grey levels if the content had
    more than 8 bits; None if it was opaque."""
    trace: list[tuple[int, float, float, int, int]]
    """(evaluations, seconds, objective, height, width) for every iteration."""
    stop_reason: str
    seconds: float
    """Time from the first evaluation to the last."""
    setup_seconds: float
    """Time before that: reading, loading, the first targets, tracing."""
    objective: float
    """The objective at the best point found, as computed by the optimizer."""
    saved_objective: float
    """Objective of that image rounded and clipped to 0-255, as in a file, but before the photo's
    own pixels are restored (color "luminance", masks) and rows beyond the final size cut off."""
    record: dict[str, Any]
    """Everything that determines the pixels, and the final losses. `save` embeds it in the file."""
    error: Exception | None = None
    """The exception that ended the run early; None if there was none, or after Ctrl-C."""
    content: Picture | None = None
    """The content as it was read; None if the task has none."""
    styles: Sequence[Picture] = ()
    peak_memory: int | None = None
    """Peak memory of the process in bytes, by the end of the run; None if unknown."""
    planned_memory: Sequence[int] = ()
    """Planned memory of the process in bytes for each level, coarse to fine."""

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        told = f"{self.stop_reason!r}, {self.seconds:.1f} s, objective {self.objective:.4g}"
        return f"<Result {width}×{height} px: {told}>"

    def save(self, path: str | os.PathLike[str], depth: int = 8) -> None:
        """Writes the picture in the format of the extension (.png .jpg .webp .tif), with its
        alpha, its record and an sRGB profile.

        Args:
          path: where to.
          depth: bits per channel. 8: `image`. 16, in PNG and TIFF: `unclipped`, clipped and rounded
            to 1/65535. 32, in TIFF: `unclipped` / 255 as float32, where 0 is black, 1 is white and
            values may lie outside that range, with sRGB's transfer curve like the others.

        Raises:
          ConfigError: an unknown extension or depth, or a depth that the format doesn't support.
          InputError: the file can't be written; an existing one is then unchanged.
        """
        pixels = self.image if depth == 8 else self.unclipped
        write.write(path, pixels, alpha=self.alpha, record=self.record, depth=depth)

    def report(self, path: str | os.PathLike[str], log: Iterable[Moment] = ()) -> None:
        """Writes a report of the run: one self-contained HTML file with pictures, losses, times and
        settings.

        Args:
          path: the file to write, ending in .html.
          log: the `ReportLog` used as a callback in the run, for thumbnails and losses by layer
            over time; without it the report omits them.

        Raises:
          ConfigError: another extension, or the packages of the extra `report` are not installed.
          InputError: the file can't be written; an existing one is then unchanged.
        """
        write_report(path, self, tuple(log))

    def _repr_png_(self) -> bytes:
        """For notebooks: the picture with its alpha."""
        return write.png_bytes(self.image, self.alpha)

    def _repr_html_(self) -> str:
        """For notebooks, which prefer HTML: the picture, limited in width, and data of the run."""
        height, width = self.image.shape[:2]
        rows = {
            "size": f"{width}×{height} px",
            "stopped": self.stop_reason,
            "seconds": f"{self.seconds:.1f}",
            "objective": f"{self.objective:.4g}",
        }
        return to_html(self.image, rows, self.alpha)
