"""The interactive charts of a report. Plotly is imported on first use."""

from collections.abc import Sequence
from typing import Any

from artistyle_tf.report.facts import Facts

__all__ = ["library", "loss_chart", "objective_chart"]

COLORS = ("#3f8fd9", "#1fa187", "#e0a020", "#c766b3", "#8578e0", "#6b9e2e", "#b5654a", "#4fb3c9")
"""For the style layers, in turn; distinguishable on white and on black."""
CONTENT, OTHERS = "#e2603a", "#8c9099"
HEIGHT = {"objective": 340, "losses": 420}


def library() -> str:
    """The source of plotly.js, to be included in the page once."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def objective_chart(facts: Facts) -> str:
    """HTML: the objective after every iteration, over iterations, seconds or evaluations."""
    values = [_positive(row[2]) for row in facts.trace]
    line = {"y": values, "name": "objective", "line": {"color": COLORS[0], "width": 2}}
    axes: dict[str, list[Any]] = {
        "iteration": list(range(1, len(facts.trace) + 1)),
        "seconds": [round(row[1], 3) for row in facts.trace],
        "evaluations": [row[0] for row in facts.trace],
    }
    return _html("objective", [line], axes, facts)


def loss_chart(facts: Facts) -> str:
    """HTML: the contribution of each layer and of each other term to the objective, at the moments
    for which it was computed."""
    moments, lines = facts.losses, []
    for number, name in enumerate(facts.parts):
        kind = name.partition("/")[0]
        color = {"style": COLORS[number % len(COLORS)], "content": CONTENT}.get(kind, OTHERS)
        dash = {"style": "solid", "content": "dash"}.get(kind, "dot")
        lines.append(
            {
                "y": [_positive((moment.parts or {}).get(name)) for moment in moments],
                "name": name.replace("_conv", ".").replace("/block", " ").replace("_", " "),
                "line": {"color": color, "width": 2, "dash": dash},
                "mode": "lines+markers",
                "marker": {"size": 4},
            }
        )
    axes: dict[str, list[Any]] = {
        "iteration": [moment.iteration for moment in moments],
        "seconds": [round(moment.seconds, 3) for moment in moments],
        "evaluations": [moment.evaluations for moment in moments],
    }
    return _html("losses", lines, axes, facts)


def _html(
    name: str, lines: Sequence[dict[str, Any]], axes: dict[str, list[Any]], facts: Facts
) -> str:
    """A <div> and the script that fills it; buttons select the x axis."""
    import plotly.graph_objects as go

    first = next(iter(axes))
    figure = go.Figure(
        data=[go.Scatter({"mode": "lines", **line, "x": axes[first]}) for line in lines]
    )
    buttons = [
        {
            "label": axis,
            "method": "update",
            "args": [
                {"x": [values] * len(lines)},
                {"shapes": _borders(facts, axis)},
            ],
        }
        for axis, values in axes.items()
    ]
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False, "automargin": True}
    figure.update_layout(
        template="none",
        height=HEIGHT[name],
        margin={"l": 52, "r": 12, "t": 48, "b": 32},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#777"},
        hovermode="x unified",
        showlegend=len(lines) > 1,
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        xaxis=grid,
        yaxis={
            "type": "log",
            "dtick": _ticks(lines),
            "exponentformat": "power",
            "hoverformat": ".4g",
            **grid,
        },
        shapes=_borders(facts, first),
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "buttons": buttons,
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "pad": {"t": 0, "b": 6},
                "font": {"size": 12, "color": "#222"},
                "bgcolor": "#eee",
                "bordercolor": "rgba(128,128,128,0.4)",
            }
        ],
    )
    config = {"displaylogo": False, "responsive": True, "displayModeBar": False}
    return str(
        figure.to_html(
            full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=config
        )
    )


def _borders(facts: Facts, axis: str) -> list[dict[str, Any]]:
    """A dotted line at the end of each level except the last."""
    ends, done = [], 0
    for level in facts.levels[:-1]:
        done += level.iterations
        if 0 < done <= len(facts.trace):
            row = facts.trace[done - 1]
            ends.append({"iteration": done + 0.5, "seconds": row[1], "evaluations": row[0]}[axis])
    line = {"color": "rgba(128,128,128,0.7)", "width": 1, "dash": "dot"}
    return [
        {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}
        for x in ends
    ]


def _ticks(lines: Sequence[dict[str, Any]]) -> int | str:
    """Ticks at every power of ten; also at 2 and 5 times each if the values span few of them."""
    values = [value for line in lines for value in line["y"] if value is not None]
    return 1 if values and max(values) > 1e3 * min(values) else "D2"


def _positive(value: float | None) -> float | None:
    """The value, or None for a gap: a logarithmic axis can't show 0 or non-finite values."""
    return value if value is not None and 0 < value < float("inf") else None
