"""The data of a report: plain values of a finished run, and what is derived from them."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.images.picture import Picture

__all__ = ["Facts", "LevelFacts", "Moment", "sort_parts"]


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
    """A run after one of its iterations, as kept by `callbacks.report_log.ReportLog`."""

    iteration: int
    """Of the whole run, from 1."""
    level: int
    """From 1, the coarsest."""
    levels: int
    evaluations: int
    seconds: float
    """Since the start of the first evaluation."""
    objective: float
    parts: Mapping[str, float] | None = None
    """As `Step.parts`; None if not computed."""
    picture: np.ndarray | None = None
    """Thumbnail, uint8 [h, w, 3] sRGB; None if none was made."""


class LevelFacts(NamedTuple):
    """One level of a run, after the fact."""

    height: int
    width: int
    iterations: int
    evaluations: int
    seconds: float
    """Includes computing the targets, except those of the first level."""
    tile: int
    """Side of the tiles in px; 0: no tiles."""
    history: int
    """Correction pairs kept by L-BFGS."""
    estimate: int | None
    """Estimated memory of the whole process in bytes."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """A finished run."""

    image: np.ndarray
    """uint8 [H, W, 3] sRGB: the result."""
    alpha: np.ndarray | None = None
    """Of the content, at its own size; None if the content is opaque."""
    content: Picture | None = None
    """None if the task has none, or it was not kept."""
    styles: Sequence[Picture] = ()
    record: Mapping[str, Any]
    """As in `Result.record`."""
    trace: Sequence[tuple[int, float, float, int, int]]
    """(evaluations, seconds, objective, height, width) after every iteration."""
    seconds: float
    setup_seconds: float
    peak: int | None = None
    """Peak memory of the process in bytes; None if unknown."""
    estimates: Sequence[int] = ()
    """Estimated memory in bytes, level by level, coarse to fine."""
    moments: Sequence[Moment] = ()
    """In order of iterations."""

    @property
    def levels(self) -> list[LevelFacts]:
        """The levels that were started, coarse to fine."""
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
    def losses(self) -> list[Moment]:
        """The moments that have the parts of the objective."""
        return [moment for moment in self.moments if moment.parts is not None]

    @property
    def parts(self) -> list[str]:
        """The parts of the objective that are nonzero at any time."""
        known = (moment.parts or {} for moment in self.losses)
        return sort_parts([self.record["outcome"]["objective"], *known])


def sort_parts(known: Iterable[Mapping[str, float]]) -> list[str]:
    """The names of the parts that are nonzero at any time: style layers, content layers in the
    order of the network, then the other terms; not the sums."""
    names = sorted({name for parts in known for name, part in parts.items() if part})
    rest = ("total_variation", "gamut", "palette")
    layers = [name for kind in ("style/", "content/") for name in names if name.startswith(kind)]
    return layers + [name for name in rest if name in names]
