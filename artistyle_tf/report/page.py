"""The report of a run: a Jinja template, filled in and written as one file."""

import base64
import dataclasses
import importlib.util
import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from artistyle_tf import files
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.sizes import resize, shrink
from artistyle_tf.images.write import png_bytes
from artistyle_tf.report import charts, reproduce
from artistyle_tf.text import clock, flag_text, gigabytes, one_line

LONGEST, SOURCE, THUMBNAIL = 1600, 480, 240
"""Longer sides in px: photo and result, sources, thumbnails."""


def check_name(path: str | os.PathLike[str]) -> None:
    """ConfigError if the name does not end in .html or .htm."""
    shown = files.as_path(path)
    if not shown.lower().endswith((".html", ".htm")):
        raise ConfigError(f"report is {one_line(shown)!r}; it must end in .html")


def check_report(path: str | os.PathLike[str]) -> None:
    """Checks before a long run that `write_report` will succeed.

    ConfigError: the name does not end in .html or .htm, or Jinja is not installed. InputError: as
    for `files.check_folder`.
    """
    check_name(path)
    if importlib.util.find_spec("jinja2") is None:
        raise ConfigError(
            'a report needs jinja2, not installed here: pip install "artistyle-tf[report]"'
        )
    files.check_folder(path)


def write_report(
    path: str | os.PathLike[str], result: Any, moments: Sequence[charts.Moment]
) -> None:
    """Writes the page atomically from a run's `engine.results.Result` and moments, in order, maybe
    none. ConfigError and InputError as for `check_report`."""
    check_report(path)
    files.write_bytes(path, _render(result, moments).encode())


def _render(result: Any, moments: Sequence[charts.Moment]) -> str:
    """The page as self-contained HTML. All text from outside is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("artistyle_tf.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=_figure, gigabytes=gigabytes, clock=clock)
    record, content = result.record, result.content
    outcome = record["outcome"]
    losses = [moment for moment in moments if moment.parts is not None]
    parts = charts.sort_parts([outcome["objective"], *(moment.parts or {} for moment in losses)])
    named = [record["content"]] if record["content"] else []
    sources = [("photo", content)] if content else []
    return environment.get_template("page.html.jinja").render(
        run=result,
        record=record,
        outcome=outcome,
        title=" × ".join(one["name"] for one in [*named, *record["styles"]]),
        thumbnail=THUMBNAIL,
        result=_embed(result.image, LONGEST, 95, result.alpha),
        # Laid over the result, so it has its size.
        before=content
        and _embed(resize(content.rgb, result.image.shape[:2]), LONGEST, 92, content.alpha),
        sources=[
            (kind, one.name, _embed(one.rgb, SOURCE, 88, one.alpha))
            for kind, one in [*sources, *(("style image", style) for style in result.styles)]
        ],
        moments=[
            (moment, _embed(moment.picture, THUMBNAIL, 85))
            for moment in moments
            if moment.picture is not None
        ],
        losses=losses,
        parts=parts,
        rows=_final_rows(parts),
        charts={axis: _charts(result.trace, moments, axis) for axis in charts.AXES},
        levels=list(_levels(result)),
        settings=_settings(record),
        paired=record["config"]["optimizer"] in ("lbfgs", "tfp"),
        command=reproduce.write_command(record),
        python=reproduce.write_python(record),
    )


class _Embedded(NamedTuple):
    """A picture for an <img> element, and the size of the original."""

    uri: str
    width: int
    height: int
    full: tuple[int, int]
    reduced: bool


def _embed(
    rgb: np.ndarray, longest: int, quality: int, alpha: np.ndarray | None = None
) -> _Embedded:
    """Encodes a picture [H, W, 3] as JPEG, or as PNG if it has an alpha channel, of any size."""
    small = shrink(rgb, longest)
    if alpha is not None:
        kind, data = "png", png_bytes(small, alpha)
    else:
        kind, file = "jpeg", io.BytesIO()
        Image.fromarray(small).save(file, "JPEG", quality=quality, subsampling=0, optimize=True)
        data = file.getvalue()
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    (height, width), full = small.shape[:2], (rgb.shape[0], rgb.shape[1])
    return _Embedded(uri, width, height, full, full != (height, width))


def _charts(trace: charts.Trace, moments: Sequence[charts.Moment], axis: str) -> dict[str, Any]:
    """Heading → chart; none for a run without iterations."""
    from markupsafe import Markup

    drawn = {
        "The objective": charts.draw_objective(trace, axis),
        "Contribution of each layer": charts.draw_losses(moments, axis, trace),
    }
    return {heading: Markup(chart) for heading, chart in drawn.items() if chart}


def _levels(result: Any) -> Iterator[dict[str, Any]]:
    """Rows of the levels that were started, coarse to fine."""
    begin, evaluations, seconds = 0, 0, 0.0
    for number, (height, width, done) in enumerate(result.record["levels"]):
        rows = result.trace[begin : begin + done]
        last = rows[-1] if rows else (evaluations, seconds)
        yield {
            "size": f"{width} × {height}",
            "iterations": done,
            "evaluations": last[0] - evaluations,
            "seconds": last[1] - seconds,
            "plan": result.record["plans"][number],
            "memory": dict(enumerate(result.planned_memory)).get(number),
        }
        begin, evaluations, seconds = begin + done, last[0], last[1]


def _final_rows(parts: Sequence[str]) -> list[str]:
    """Rows of the final losses: each sum precedes its parts."""
    rows = ["value"]
    for kind in ("style", "content"):
        layers = [name for name in parts if name.startswith(f"{kind}/")]
        rows += [kind, *layers] if layers else []
    return rows + [name for name in parts if "/" not in name]


def _settings(record: Mapping[str, Any]) -> list[dict[str, str]]:
    fields = {field.name: field for field in dataclasses.fields(Config)}
    return [
        {
            "name": name,
            "value": flag_text(value),
            "default": flag_text(fields[name].default),
            "help": fields[name].metadata["help"],
        }
        for name, value in reproduce.changed_settings(record).items()
    ]


def _figure(value: float | None, digits: int = 4) -> str:
    return f"{value:.{digits}g}" if value is not None and math.isfinite(value) else "–"
