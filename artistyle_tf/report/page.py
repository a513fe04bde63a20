"""The report of a run: a Jinja template, filled in and written as one file."""

import base64
import dataclasses
import importlib.util
import io
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from artistyle_tf import files
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.picture import as_uint8
from artistyle_tf.images.sizes import fit, resize
from artistyle_tf.images.write import png_bytes
from artistyle_tf.report import charts, reproduce
from artistyle_tf.report.facts import Facts
from artistyle_tf.text import clock, gigabytes, one_line

__all__ = ["THUMBNAIL", "check_name", "check_report", "render", "shrink", "write_report"]

LONGEST, SOURCE, THUMBNAIL = 1600, 480, 240
"""Longer sides of embedded pictures in px: content and result, sources, thumbnails."""


def check_name(path: str | os.PathLike[str]) -> None:
    """ConfigError if the name does not end in .html or .htm."""
    shown = files.as_path(path)
    if not shown.lower().endswith((".html", ".htm")):
        raise ConfigError(f"report is {one_line(shown)!r}; it must end in .html")


def check_report(path: str | os.PathLike[str]) -> None:
    """Checks before a long run that `write_report` will succeed.

    Raises:
      ConfigError: the name does not end in .html or .htm, or Jinja is not installed.
      InputError: as for `files.check_folder`.
    """
    check_name(path)
    if importlib.util.find_spec("jinja2") is None:
        raise ConfigError(
            'a report needs jinja2, not installed here: pip install "artistyle-tf[report]"'
        )
    files.check_folder(path)


def write_report(path: str | os.PathLike[str], facts: Facts) -> None:
    """Writes the page atomically.

    Raises:
      ConfigError, InputError: as for `check_report`.
    """
    check_report(path)
    files.write_bytes(path, render(facts).encode())


def shrink(rgb: np.ndarray, longest: int) -> np.ndarray:
    """A picture [H, W, 3] as uint8 [h, w, 3] whose longer side is at most `longest` px."""
    size = rgb.shape[0], rgb.shape[1]
    return as_uint8(resize(rgb, fit(*size, longest)) if max(size) > longest else rgb)


class _Embedded(NamedTuple):
    """A picture for an <img> element."""

    uri: str
    """data:image/…"""
    width: int
    """In px, as embedded."""
    height: int
    full: tuple[int, int]
    """(height, width) of the original in px."""

    @property
    def reduced(self) -> bool:
        """Whether it is smaller than the original."""
        return self.full != (self.height, self.width)


def _embed(
    rgb: np.ndarray, longest: int, quality: int, alpha: np.ndarray | None = None
) -> _Embedded:
    """A picture [H, W, 3] as JPEG, or as PNG if it has an alpha channel, of any size."""
    small = shrink(rgb, longest)
    if alpha is not None:
        kind, data = "png", png_bytes(small, alpha)
    else:
        kind, file = "jpeg", io.BytesIO()
        Image.fromarray(small).save(file, "JPEG", quality=quality, subsampling=0, optimize=True)
        data = file.getvalue()
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return _Embedded(uri, small.shape[1], small.shape[0], (rgb.shape[0], rgb.shape[1]))


def render(facts: Facts) -> str:
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
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        record=facts.record,
        outcome=facts.record["outcome"],
        title=_title(facts.record),
        thumbnail=THUMBNAIL,
        result=_embed(facts.image, LONGEST, 95, facts.alpha),
        before=_before(facts),
        sources=_sources(facts),
        moments=[
            (moment, _embed(moment.picture, THUMBNAIL, 85))
            for moment in facts.moments
            if moment.picture is not None
        ],
        charts={axis: _charts(facts, axis) for axis in charts.AXES},
        settings=_settings(facts.record),
        rows=_final_rows(facts),
        paired=facts.record["config"]["optimizer"] in ("lbfgs", "tfp"),
        command=reproduce.write_command(facts.record),
        python=reproduce.write_python(facts.record),
    )


def _title(record: Mapping[str, Any]) -> str:
    names = [record["content"]["name"]] if record["content"] else []
    return " × ".join(names + [style["name"] for style in record["styles"]])


def _before(facts: Facts) -> _Embedded | None:
    """The content, resized to the result as shown, to be laid over it."""
    if facts.content is None:
        return None
    size = facts.image.shape[0], facts.image.shape[1]
    return _embed(resize(facts.content.rgb, size), LONGEST, 92, facts.content.alpha)


def _sources(facts: Facts) -> list[dict[str, Any]]:
    kinds = [("content", facts.content)] if facts.content else []
    kinds += [("style", style) for style in facts.styles]
    return [
        {"kind": kind, "name": one.name, "picture": _embed(one.rgb, SOURCE, 88, one.alpha)}
        for kind, one in kinds
        if one is not None
    ]


def _charts(facts: Facts, axis: str) -> dict[str, Any]:
    """Heading → chart; none for a run without iterations."""
    from markupsafe import Markup

    drawn = {
        "The objective": charts.draw_objective(facts, axis),
        "Contribution of each layer": charts.draw_losses(facts.moments, axis, facts),
    }
    return {heading: Markup(chart) for heading, chart in drawn.items() if chart}


def _final_rows(facts: Facts) -> list[str]:
    """The rows of the table of final losses: each sum precedes its parts."""
    rows = ["value"]
    for kind in ("style", "content"):
        layers = [name for name in facts.parts if name.startswith(f"{kind}/")]
        rows += [kind, *layers] if layers else []
    return rows + [name for name in facts.parts if "/" not in name]


def _settings(record: Mapping[str, Any]) -> list[dict[str, str]]:
    fields = {field.name: field for field in dataclasses.fields(Config)}
    return [
        {
            "name": name,
            "value": reproduce.flag_text(value),
            "default": reproduce.flag_text(fields[name].default),
            "help": fields[name].metadata["help"],
        }
        for name, value in reproduce.changed_settings(record).items()
    ]


def _figure(value: float | None, digits: int = 4) -> str:
    """A number for people to read; a dash if there is none."""
    return f"{value:.{digits}g}" if value is not None and math.isfinite(value) else "–"
