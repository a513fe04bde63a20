"""What a run hands back."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from artistyle_tf.pictures import write
from artistyle_tf.pictures.notebook import to_html
from artistyle_tf.pictures.picture import Picture
from artistyle_tf.report.facts import Facts, Moment
from artistyle_tf.report.page import write_report

__all__ = ["INTERRUPTED", "Result"]

INTERRUPTED = "interrupted"
"""The stop reason after Ctrl-C."""


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """A painting and how it came about."""

    image: np.ndarray
    """uint8 [H, W, 3] sRGB."""
    unclipped: np.ndarray
    """float32 [H, W, 3] sRGB in grey levels: the image before it was rounded and clipped."""
    alpha: np.ndarray | None
    """uint8 [h, w] of the content picture, at its own size, float32 in grey levels if that had more
    than 8 bits; None if it was opaque."""
    trace: list[tuple[int, float, float, int, int]]
    """(evaluations, seconds, objective, height, width) after every iteration."""
    stop_reason: str
    seconds: float
    """From the first evaluation to the last."""
    setup_seconds: float
    """Before that: reading, loading, the first targets, tracing."""
    objective: float
    """Of the best point found, as the minimiser had it."""
    saved_objective: float
    """The same, rounded and clipped to 0-255 as a file holds it: before anything of the photo is
    put back (color "luminance", masks) and rows beyond the asked size are cut off."""
    record: dict[str, Any]
    """What determines the pixels, and the final losses. `save` puts it into the file."""
    error: Exception | None = None
    """What ended the run before its time; None if nothing did, or Ctrl-C."""
    content: Picture | None = None
    """As it was read; None where the task has none."""
    styles: Sequence[Picture] = ()
    peak_memory: int | None = None
    """Bytes that the process had held at the most when the run was over; None if nobody knows."""
    planned_memory: Sequence[int] = ()
    """Bytes that each level was planned to take, all of the process, coarse to fine."""

    def save(self, path: str | os.PathLike[str], depth: int = 8) -> None:
        """Writes the picture by extension (.png .jpg .webp .tif), with its alpha, its record and an
        sRGB profile.

        Args:
          path: where to.
          depth: bits a channel. 8: `image`. 16, in PNG and TIFF: `unclipped`, rounded to 1/65535
            and clipped. 32, in TIFF: `unclipped` / 255 as float32, where 0 is black, 1 is white and
            values may go beyond, with sRGB's transfer curve like the others.

        Raises:
          ConfigError: an unknown extension or depth, or a depth that the format doesn't have.
          InputError: a file that can't be written; whatever was there is still there.
        """
        pixels = self.image if depth == 8 else self.unclipped
        write.write(path, pixels, alpha=self.alpha, record=self.record, depth=depth)

    def report(self, path: str | os.PathLike[str], log: Iterable[Moment] = ()) -> None:
        """Writes the report of the run: one HTML file with pictures, losses, times and settings,
        which needs no network to be looked at.

        Args:
          path: where to, ending in .html.
          log: the `ReportLog` that was a callback of the run, for thumbnails and losses by layer
            over time; without it the report has none.

        Raises:
          ConfigError: another ending, or the packages of the extra `report` are not installed.
          InputError: a file that can't be written; whatever was there is still there.
        """
        facts = Facts(
            image=self.image,
            alpha=self.alpha,
            content=self.content,
            styles=self.styles,
            record=self.record,
            trace=self.trace,
            seconds=self.seconds,
            setup_seconds=self.setup_seconds,
            peak=self.peak_memory,
            estimates=self.planned_memory,
            moments=tuple(log),
        )
        write_report(path, facts)

    def _repr_png_(self) -> bytes:
        """For notebooks: the picture with its alpha."""
        return write.png_bytes(self.image, self.alpha)

    def _repr_html_(self) -> str:
        """For notebooks, which prefer it: the picture, not too wide, and how it came about."""
        height, width = self.image.shape[:2]
        rows = {
            "size": f"{width}×{height} px",
            "stopped": self.stop_reason,
            "seconds": f"{self.seconds:.1f}",
            "objective": f"{self.objective:.4g}",
        }
        return to_html(self.image, rows, self.alpha)
