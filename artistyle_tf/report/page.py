"""The page itself: renders a Jinja template and writes the file."""

import dataclasses
import importlib.util
import math
import os
from collections.abc import Mapping
from typing import Any

from artistyle_tf import files
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.sizes import resize
from artistyle_tf.report import again, charts
from artistyle_tf.report.embed import Embedded, embedded
from artistyle_tf.report.facts import Facts
from artistyle_tf.text import clock, gigabytes, one_line

__all__ = ["check_name", "check_report", "render", "write_report"]

LONGEST, SOURCE, THUMBNAIL = 1600, 480, 240
"""Longer sides of embedded pictures in px: content and result, sources, thumbnails."""

_PACKAGES = ("jinja2", "plotly")


def check_name(path: str | os.PathLike[str]) -> None:
    """ConfigError if the name does not end in .html or .htm."""
    shown = files.as_path(path)
    if not shown.lower().endswith((".html", ".htm")):
        raise ConfigError(f"report is {one_line(shown)!r}; it must end in .html")


def check_report(path: str | os.PathLike[str]) -> None:
    """Checks before a long run that `write_report` will succeed.

    Raises:
      ConfigError: the name does not end in .html or .htm, or a package is not installed.
      InputError: as for `files.check_folder`.
    """
    check_name(path)
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"a report needs {' and '.join(missing)}, not installed here: "
            'pip install "artistyle-tf[report]"'
        )
    files.check_folder(path)


def write_report(path: str | os.PathLike[str], facts: Facts) -> None:
    """Writes the page atomically.

    Raises:
      ConfigError, InputError: as for `check_report`.
    """
    check_report(path)
    files.write_bytes(path, render(facts).encode())


def render(facts: Facts) -> str:
    """The page as self-contained HTML. All text from outside is escaped.

    Equal runs give equal pages, except for times and memory.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("artistyle_tf.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=_figure, gigabytes=gigabytes, clock=clock)
    drawn = {"library": "", "objective": "", "losses": ""}
    if facts.trace:
        drawn = {"library": charts.library(), "objective": charts.objective_chart(facts)}
        drawn["losses"] = charts.loss_chart(facts) if facts.losses else ""
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        record=facts.record,
        outcome=facts.record["outcome"],
        title=_title(facts.record),
        thumbnail=THUMBNAIL,
        result=embedded(facts.image, LONGEST, 95, facts.alpha),
        before=_before(facts),
        sources=_sources(facts),
        moments=[
            (moment, embedded(moment.picture, THUMBNAIL, 85))
            for moment in facts.thumbnails
            if moment.picture is not None
        ],
        charts={name: Markup(text) for name, text in drawn.items()},  # by Plotly, numbers only
        settings=_settings(facts.record),
        rows=_final_rows(facts),
        paired=facts.record["config"]["optimizer"] in ("lbfgs", "tfp"),
        command=again.command(facts.record),
        python=again.python_lines(facts.record),
    )


def _title(record: Mapping[str, Any]) -> str:
    names = [record["content"]["name"]] if record["content"] else []
    return " × ".join(names + [style["name"] for style in record["styles"]])


def _before(facts: Facts) -> Embedded | None:
    """The content, resized to the result as shown, to be laid over it."""
    if facts.content is None:
        return None
    size = facts.image.shape[0], facts.image.shape[1]
    return embedded(resize(facts.content.rgb, size), LONGEST, 92, facts.content.alpha)


def _sources(facts: Facts) -> list[dict[str, Any]]:
    kinds = [("content", facts.content)] if facts.content else []
    kinds += [("style", style) for style in facts.styles]
    return [
        {"kind": kind, "name": one.name, "picture": embedded(one.rgb, SOURCE, 88, one.alpha)}
        for kind, one in kinds
        if one is not None
    ]


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
            "value": again.flag_text(value),
            "default": again.flag_text(fields[name].default),
            "help": fields[name].metadata["help"],
        }
        for name, value in again.changed(record).items()
    ]


def _figure(value: float | None, digits: int = 4) -> str:
    """A number for people to read; a dash if there is none."""
    return f"{value:.{digits}g}" if value is not None and math.isfinite(value) else "–"
