"""The objective by layer over the iterations, as SVG in the colours of the page. No Gradio."""

import html
import math
from collections.abc import Mapping, Sequence

__all__ = ["curves"]

WIDTH, HEIGHT, LEFT, BELOW = 640, 180, 8, 20
COLORS = ("#d9662b", "#c99a1e", "#4f9d55", "#2f8fb3", "#6d6fd1", "#b0559b", "#8a7a66", "#c94f4f")


def curves(moments: Sequence[tuple[int, Mapping[str, float]]]) -> str:
    """HTML: a line for every layer with its contribution to the objective, on a log scale.

    Args:
      moments: (iteration, parts of the objective by name, such as "style/block1_conv1").

    Returns:
      "" if there are too few points for a line.
    """
    names = [name for name in (moments[-1][1] if moments else {}) if "/" in name]
    lines = {
        name: [(at, parts[name]) for at, parts in moments if parts.get(name, 0) > 0]
        for name in names
    }
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return ""
    values = [math.log10(value) for points in lines.values() for _, value in points]
    low, high = min(values), max(values)
    first, last = moments[0][0], moments[-1][0]

    def place(at: int, value: float) -> str:
        x = LEFT + (at - first) / max(1, last - first) * (WIDTH - 2 * LEFT)
        y = 6 + (high - math.log10(value)) / max(1e-9, high - low) * (HEIGHT - BELOW - 12)
        return f"{x:.1f},{y:.1f}"

    drawn, legend = [], []
    for number, (name, points) in enumerate(lines.items()):
        color = COLORS[number % len(COLORS)]
        path = " ".join(place(*point) for point in points)
        drawn.append(f'<polyline points="{path}" stroke="{color}"/>')
        shown = html.escape(name.replace("/", " ").replace("_", " "))
        legend.append(f'<li><i style="background:{color}"></i>{shown}</li>')
    axis = HEIGHT - BELOW
    return (
        f'<figure class="curves"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="The objective by layer, falling over the iterations, on a log scale">'
        f'<path d="M{LEFT} {axis}H{WIDTH - LEFT}"/>{"".join(drawn)}'
        f'<text x="{LEFT}" y="{HEIGHT - 5}">{first}</text>'
        f'<text x="{WIDTH - LEFT}" y="{HEIGHT - 5}" text-anchor="end">iteration {last}</text>'
        f"</svg><figcaption><ul>{''.join(legend)}</ul></figcaption></figure>"
    )
