"""What a report is made of: plain values of a run that is over, and what follows from them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.pictures.picture import Picture

__all__ = ["Facts", "LevelFacts", "Moment"]


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
    """A run after one of its iterations, as `watch.report_log.ReportLog` keeps it."""

    iteration: int
    """Of the whole run, from 1."""
    level: int
    """From 1, the coarsest."""
    levels: int
    evaluations: int
    seconds: float
    """Since the first evaluation began."""
    objective: float
    parts: Mapping[str, float] | None = None
    """As `Step.parts`; None where they were not computed."""
    picture: np.ndarray | None = None
    """uint8 [h, w, 3] sRGB, a thumbnail; None where none was taken."""


class LevelFacts(NamedTuple):
    """One level of a run, as it came out."""

    height: int
    width: int
    iterations: int
    evaluations: int
    seconds: float
    """With its targets, but for those of the first level."""
    tile: int
    """Side of the tiles in px; 0: the whole picture at once."""
    history: int
    """Correction pairs that L-BFGS kept."""
    estimate: int | None
    """Bytes of memory that it was planned to take, all of the process."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """A run that is over."""

    image: np.ndarray
    """uint8 [H, W, 3] sRGB: the result."""
    alpha: np.ndarray | None = None
    """Of the content, at its own size; None if it was opaque."""
    content: Picture | None = None
    """None where the task has none, or nobody kept it."""
    styles: Sequence[Picture] = ()
    record: Mapping[str, Any]
    """As `run.record.make_record` makes it."""
    trace: Sequence[tuple[int, float, float, int, int]]
    """(evaluations, seconds, objective, height, width) after every iteration."""
    seconds: float
    setup_seconds: float
    peak: int | None = None
    """Bytes that the process held at its peak; None if nobody knows."""
    estimates: Sequence[int] = ()
    """Bytes, level by level, coarse to fine."""
    moments: Sequence[Moment] = ()
    """In the order of their iterations."""

    @property
    def levels(self) -> list[LevelFacts]:
        """Those that were begun, coarse to fine."""
        levels, begin, (evaluations, seconds) = [], 0, (0, 0.0)
        for number, (height, width, done) in enumerate(self.record["levels"]):
            plan = self.record["plans"][number]
            rows = self.trace[begin : begin + done]
            last = rows[-1] if rows else (evaluations, seconds)
            levels.append(
                LevelFacts(
                    height=height,
                    width=width,
                    iterations=done,
                    evaluations=last[0] - evaluations,
                    seconds=last[1] - seconds,
                    tile=plan["tile"],
                    history=plan["history"],
                    estimate=self.estimates[number] if number < len(self.estimates) else None,
                )
            )
            begin, evaluations, seconds = begin + done, last[0], last[1]
        return levels

    @property
    def thumbnails(self) -> list[Moment]:
        """The moments with a picture."""
        return [moment for moment in self.moments if moment.picture is not None]

    @property
    def losses(self) -> list[Moment]:
        """The moments with the objective's parts."""
        return [moment for moment in self.moments if moment.parts is not None]

    @property
    def parts(self) -> list[str]:
        """The parts that are ever other than 0: layers by name, in the network's order, then the
        others."""
        outcome = self.record["outcome"]
        known = [outcome["objective"], *(moment.parts or {} for moment in self.losses)]
        names = {name for parts in known for name, part in parts.items() if part}
        layers = sorted(name for name in names if "/" in name)
        styles = [name for name in layers if name.startswith("style/")]
        contents = [name for name in layers if name.startswith("content/")]
        return styles + contents + [n for n in ("total_variation", "gamut") if n in names]
