"""Charts of a run as SVG on a logarithmic scale, for the report and the web page."""

import dataclasses
import html
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

AXES = ("iteration", "seconds", "evaluations")

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 300, 58, 8, 8, 22
MARKS = 40  # At most so many points of a line have a mark, which shows the value under the pointer.
COLORS = ("#3f8fd9", "#1fa187", "#e0a020", "#c766b3", "#8578e0", "#6b9e2e", "#b5654a", "#4fb3c9")
"""For the style layers; distinguishable on white and on black."""
CONTENT, OTHERS = ("#e2603a", "7 4"), ("#8c9099", "2 3")
"""Colours and dashes of the other lines."""


Trace = Sequence[tuple[int, float, float, int, int]]  # As `Result.trace`.


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
    """A run after one of its iterations, as kept by `callbacks.report_log.ReportLog`."""

    iteration: int  # Of the whole run, from 1.
    level: int  # From 1, the coarsest.
    levels: int
    evaluations: int
    seconds: float  # Since the start of the first evaluation.
    objective: float
    parts: Mapping[str, float] | None = None  # As `Step.parts`; None if not computed.
    picture: np.ndarray | None = None  # Thumbnail, uint8 [h, w, 3] sRGB; None if none was made.


def sort_parts(known: Iterable[Mapping[str, float]]) -> list[str]:
    """Names of the parts that are ever nonzero, without sums: style layers, content layers in the
    network's order, other terms."""
    names = sorted({name for parts in known for name, part in parts.items() if part})
    rest = ("total_variation", "gamut", "palette")
    layers = [name for kind in ("style/", "content/") for name in names if name.startswith(kind)]
    return layers + [name for name in rest if name in names]


def draw_objective(trace: Trace, axis: str = "iteration") -> str:
    """HTML: the objective after every iteration."""
    lines = {"objective": [row[2] for row in trace]}
    return _draw("The objective", axis, _positions(trace, axis), lines, trace)


def draw_losses(moments: Iterable[Moment], axis: str = "iteration", trace: Trace = ()) -> str:
    """HTML: how layers and other terms contribute to the objective; "" if never computed.

    `moments` are in order; `axis` is one of AXES; `trace`, of a finished run, marks the levels'
    ends.
    """
    known = [(getattr(moment, axis), moment.parts) for moment in moments if moment.parts]
    names = sort_parts(parts for _, parts in known)
    lines = {name: [parts.get(name, 0) for _, parts in known] for name in names}
    return _draw("The losses by layer", axis, [x for x, _ in known], lines, trace)


def _positions(trace: Trace, axis: str) -> list[float]:
    """Every iteration's position on the x axis."""
    if axis == "iteration":
        return list(range(1, len(trace) + 1))
    return [row[1] if axis == "seconds" else row[0] for row in trace]


def _draw(
    title: str,
    axis: str,
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    trace: Trace,
) -> str:
    """HTML: the lines, without values that a logarithmic axis can't show, and their legend. A level
    ends where the size in the trace changes."""
    shown = {
        name: [(at, y) for at, y in zip(x, values, strict=True) if 0 < y < math.inf]
        for name, values in lines.items()
    }
    shown = {name: points for name, points in shown.items() if points}
    if not shown:
        return ""
    heights = [math.log10(y) for points in shown.values() for _, y in points]
    low, high = min(heights), max(heights)

    def across(at: float) -> float:
        share = (at - x[0]) / (x[-1] - x[0]) if x[-1] > x[0] else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def down(y: float) -> float:
        share = (high - math.log10(y)) / (high - low) if high > low else 0.5
        return round(TOP + share * (HEIGHT - TOP - BOTTOM), 1)

    drawn, legend, colors = [], [], iter(COLORS * len(shown))
    for tick in _ticks(low, high):
        drawn.append(f'<path d="M{LEFT} {down(tick)}H{WIDTH - RIGHT}" opacity=".25"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{down(tick) + 4}" text-anchor="end">{tick:g}</text>')
    places = _positions(trace, axis)
    for number, (row, after) in enumerate(itertools.pairwise(trace)):
        if row[3:] != after[3:]:
            path = f"M{across((places[number] + places[number + 1]) / 2)} {TOP}V{HEIGHT - BOTTOM}"
            drawn.append(f'<path d="{path}" stroke-dasharray="1 3" opacity=".7"/>')
    for name, points in shown.items():
        kind = name.partition("/")[0]
        color, dash = CONTENT if kind == "content" else OTHERS
        if kind in ("style", "objective"):
            color, dash = next(colors), "none"
        label = html.escape(name.replace("/block", " ").replace("_conv", ".").replace("_", " "))
        path = " ".join(f"{across(at)},{down(y)}" for at, y in points)
        drawn.append(f'<polyline points="{path}" stroke="{color}" stroke-dasharray="{dash}"/>')
        for at, y in points[:: -(-len(points) // MARKS)]:
            told = f"<title>{label}, {axis} {at:g}: {y:.6g}</title>"
            drawn.append(
                f'<circle cx="{across(at)}" cy="{down(y)}" r="2.5" fill="{color}">{told}</circle>'
            )
        legend.append(f'<li><i style="background:{color}"></i>{label}</li>')
    foot, keys = f'y="{HEIGHT - 4}"', f"<ul>{''.join(legend)}</ul>" if len(legend) > 1 else ""
    return (
        f'<figure class="chart"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{title} over {axis}, on a logarithmic scale">{"".join(drawn)}'
        f'<text x="{LEFT}" {foot}>{round(x[0], 1):g}</text>'
        f'<text x="{WIDTH - RIGHT}" {foot} text-anchor="end">{axis} {round(x[-1], 1):g}</text>'
        f"</svg>{keys}</figure>"
    )


def _ticks(low: float, high: float) -> list[float]:
    """The labels from 10**low to 10**high: powers of ten; if few, also 2 and 5 times each; if none,
    the ends."""
    factors = (1,) if high - low > 3 else (1, 2, 5)
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    inside = [tick for tick in ticks if low <= math.log10(tick) <= high]
    return inside if len(inside) > 1 else [10**low, 10**high]
