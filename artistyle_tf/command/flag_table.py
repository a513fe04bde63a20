"""The table of the command's flags, from `Config` and its own, and the help made of it."""

import dataclasses
import textwrap
from typing import Any, NamedTuple

from artistyle_tf.command.devices import STRATEGIES
from artistyle_tf.settings.config import Config
from artistyle_tf.settings.presets import PRESETS

__all__ = ["FILES", "SWITCHES", "USAGE", "all_flags", "help_text", "shown"]

USAGE = "artistyle --content=photo.jpg --style=painting.jpg --output=out.png [flags]"

SWITCHES = ("resume", "quiet", "deterministic")
"""Flags that are there or not."""


class _Flag(NamedTuple):
    name: str
    group: str
    help: str
    default: Any = None


FILES = (
    _Flag("content", "Files", "the picture to paint"),
    _Flag(
        "style",
        "Files",
        "the painting to take the style from; several: comma separated, or the flag repeated "
        "(for file names with commas)",
    ),
    _Flag("output", "Files", "the result: .png, .jpg, .webp or .tif"),
    _Flag(
        "depth",
        "Files",
        "bits a channel of the result, of what was painted: 8; 16 in .png and .tif; 32 in .tif, "
        "float, 0 for black and 1 for white, unclipped; all in sRGB",
        8,
    ),
    _Flag(
        "content_mask",
        "Files",
        "a picture for each style, in the shape of the content: white where that style goes, black "
        "where not; the content stays where all are black",
    ),
    _Flag(
        "style_mask",
        "Files",
        "a picture for each style, in its shape: white what counts of it; none: all of each",
    ),
    _Flag(
        "flagfile",
        "Files",
        "read flags from this file, one a line, as if they stood here; # begins a comment",
    ),
    _Flag(
        "trace", "Files", "write rows [evaluations, seconds, objective, height, width] as JSON here"
    ),
    _Flag(
        "report",
        "Files",
        "write a page about the run here, .html: pictures, losses by layer, times, settings (needs "
        "the packages plotly and jinja2)",
    ),
    _Flag(
        "save_every",
        "Watch",
        "write the picture of every so many iterations, or seconds, like 60s (then one two seconds "
        "after the first iteration, too), beside the output, like out-0020.png",
    ),
    _Flag(
        "checkpoint_dir",
        "Watch",
        "keep what a killed run needs to go on in this folder: every --save_every iterations, or "
        "about every minute",
    ),
    _Flag("resume", "Watch", "go on from the newest checkpoint in --checkpoint_dir"),
    _Flag(
        "tensorboard_dir",
        "Watch",
        "write losses by layer and pictures for TensorBoard to this folder (needs the package "
        "tensorboard)",
    ),
    _Flag(
        "quiet",
        "Watch",
        "print warnings and errors only: no progress, no remarks, no line at the end",
    ),
    _Flag(
        "device", "Machine", "where to compute, like cpu, gpu or gpu:1; none: TensorFlow chooses"
    ),
    _Flag(
        "strategy",
        "Machine",
        "spread the tiles of every level over several devices: " + ", ".join(STRATEGIES),
    ),
    _Flag(
        "deterministic",
        "Machine",
        "only operations whose results TensorFlow promises to repeat; on CPUs they do so without",
    ),
    _Flag(
        "preset",
        "Recipe",
        "settings to begin from; single flags replace single settings: " + ", ".join(PRESETS),
        "artistyle",
    ),
    _Flag(
        "strength",
        "Recipe",
        "how much painting and how much photo, from 0 to 1, instead of --style_weight: sets it to "
        "3 to 1200 times --content_weight, 0.5 to 60 times",
    ),
    _Flag(
        "rerun",
        "Recipe",
        "a finished picture: begin from the settings recorded in it, instead of a preset",
    ),
)


def all_flags() -> list[_Flag]:
    """Of the command itself, then of every setting, with their defaults."""
    settings = list(FILES)
    for field in dataclasses.fields(Config):
        choices = field.metadata["choices"]
        text = field.metadata["help"] + (f" ({', '.join(choices)})" if choices else "")
        settings.append(_Flag(field.name, field.metadata["group"], text, shown(field.default)))
    return settings


def shown(value: Any) -> str | None:
    """A setting's value as its flag would be written; None stays None."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return ",".join(
            str(item) if isinstance(item, float) else f"{item[0]}:{item[1]:g}" for item in value
        )
    return f"{value:g}" if isinstance(value, float) else str(value)


def help_text() -> str:
    """All flags by purpose, with their defaults."""
    lines = ["Paints one picture in the style of another.", "", f"  {USAGE}"]
    lines += ["", "--preset=fast gives the best picture for the time."]
    group = None
    for flag in all_flags():
        if flag.group != group:
            lines += ["", f"{flag.group}:"]
            group = flag.group
        default = f" [{flag.default}]" if flag.default else ""
        text = textwrap.wrap(flag.help + default, 72, break_on_hyphens=False)
        lines += [f"  --{flag.name}", *(f"      {line}" for line in text)]
    lines += [
        "",
        "A flag given twice: the last one counts, but pictures and lists are added up.",
        "Exit status: 0 done, 1 a file is no good or the run failed, 2 a flag is no good,",
        "130 interrupted, 143 terminated.",
    ]
    return "\n".join(lines)
