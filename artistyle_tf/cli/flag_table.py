"""The table of the command's flags, from `Config` and its own, and its help text."""

import dataclasses
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

from artistyle_tf.cli.devices import STRATEGIES
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS

__all__ = ["COMMON", "FILES", "SWITCHES", "USAGE", "all_flags", "help_text", "listed", "shown"]

USAGE = "artistyle --content=photo.jpg --style=painting.jpg --output=out.png [flags]"

SWITCHES = ("resume", "quiet", "deterministic")
"""Flags without a value."""


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
        "the painting to take the style from; for several separate them by commas, or repeat the "
        "flag (for file names that contain commas)",
    ),
    _Flag("output", "Files", "the file for the result: .png, .jpg, .webp or .tif"),
    _Flag(
        "depth",
        "Files",
        "bits per channel of the result: 8; 16 for .png and .tif; 32 for .tif: float, 0 for black "
        "and 1 for white, unclipped; all in sRGB",
        8,
    ),
    _Flag(
        "content_mask",
        "Files",
        "a mask for each style, with the aspect ratio of the content: white where that style is "
        "painted, black where it is not; the content stays where all masks are black",
    ),
    _Flag(
        "style_mask",
        "Files",
        "a mask for each style, with the aspect ratio of that style: white selects the part whose "
        "style is used; without masks all of it is",
    ),
    _Flag(
        "flagfile",
        "Files",
        "read flags from this file, one per line, as if they were given here; # starts a comment",
    ),
    _Flag(
        "trace",
        "Files",
        "write rows [evaluations, seconds, objective, height, width] to this file, as JSON",
    ),
    _Flag(
        "report",
        "Files",
        "write a report of the run to this .html file: pictures, losses by layer, times, settings "
        "(needs the package jinja2)",
    ),
    _Flag(
        "save_every",
        "Watch",
        "save a preview every N iterations, or every so many seconds, like 60s (then also two "
        "seconds after the first iteration), next to the output, like out-0020.png",
    ),
    _Flag(
        "checkpoint_dir",
        "Watch",
        "save checkpoints to this folder, to resume an interrupted run from: as often as "
        "--save_every says, or about once a minute",
    ),
    _Flag("resume", "Watch", "resume from the newest checkpoint in --checkpoint_dir"),
    _Flag(
        "tensorboard_dir",
        "Watch",
        "write losses by layer and pictures for TensorBoard to this folder (needs the package "
        "tensorboard)",
    ),
    _Flag(
        "quiet",
        "Watch",
        "print only warnings and errors: no progress, no messages, no summary",
    ),
    _Flag(
        "device",
        "Machine",
        "device to compute on, like cpu, gpu, gpu:1 or tpu; by default TensorFlow chooses",
    ),
    _Flag(
        "strategy",
        "Machine",
        "distribute the tiles of every level over several devices: " + ", ".join(STRATEGIES),
    ),
    _Flag(
        "deterministic",
        "Machine",
        "use deterministic ops only, so that equal commands give equal pictures on GPUs too; on "
        "CPUs they do so without this flag",
    ),
    _Flag(
        "preset",
        "Recipe",
        "settings to start from, which other flags override one by one: " + ", ".join(PRESETS),
        "artistyle",
    ),
    _Flag(
        "rerun",
        "Recipe",
        "a picture made earlier: start from the settings recorded in it, instead of a preset",
    ),
)

COMMON = {
    "content": "the photo",
    "style": "the painting; several are separated by commas",
    "output": "the file for the result: .png, .jpg, .webp or .tif",
    "preset": "settings to start from; the best is fast",
    "strength": "more photo (0) or more painting (1)",
    "size": "longer side of the result in px; 0: that of the photo",
    "style_scale": "size of the strokes: 2 is larger, 0.5 finer",
    "color": "whose colours: style; the photo's: luminance, match",
    "init": "what to start from: noise, content or a picture file",
    "content_mask": "a mask for each style: white where it is painted",
    "weights": "the network; preview: for drafts, in 2/5 of the time",
    "save_every": "save a preview every N iterations, or like 60s",
    "report": "write a report of the run to this .html file",
    "checkpoint_dir": "save checkpoints to this folder",
    "resume": "resume from the newest of them",
    "device": "cpu, gpu, gpu:1 or tpu; by default TensorFlow chooses",
}
"""The most common flags, in the words of --help; --helpfull describes all of them."""


def all_flags() -> list[_Flag]:
    """The command's own flags, then those of all settings, with their defaults."""
    settings = list(FILES)
    for field in dataclasses.fields(Config):
        choices = field.metadata["choices"]
        text = field.metadata["help"] + (f" ({', '.join(choices)})" if choices else "")
        settings.append(_Flag(field.name, field.metadata["group"], text, shown(field.default)))
    return settings


def shown(value: Any) -> str | None:
    """A setting's value as written in a flag; None stays None."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return ",".join(
            str(item) if isinstance(item, float) else f"{item[0]}:{item[1]:g}" for item in value
        )
    return f"{value:g}" if isinstance(value, float) else str(value)


def help_text(full: bool = False) -> str:
    """The most common flags, or all of them by group, with their defaults."""
    lines = ["Paints one picture in the style of another.", "", f"  {USAGE}", ""]
    lines += _in_full() if full else _in_short()
    lines += [
        "",
        "If a flag is given twice the last one counts; pictures and lists add up.",
        "Exit status: 0 done, 1 a file can't be used or the run failed, 2 a wrong flag,",
        "130 interrupted, 143 terminated.",
    ]
    return "\n".join(lines)


def _in_short() -> list[str]:
    defaults = {flag.name: flag.default for flag in all_flags()}
    lines = []
    for name, text in COMMON.items():
        default = f" [{defaults[name]}]" if defaults[name] else ""
        lines.append(f"  {'--' + name:<17}{text}{default}")
    return [*lines, "", f"--helpfull shows all {len(defaults)} flags."]


def _in_full() -> list[str]:
    rows = [(flag.group, flag.name, flag.help, flag.default) for flag in all_flags()]
    return ["--preset=fast gives the best picture for the time.", *listed(rows)]


def listed(rows: Iterable[tuple[str, str, str, str]]) -> list[str]:
    """The lines of a list of flags, for the help of every command.

    Args:
      rows: (group, name, help, default) of each flag; a heading stands where the group changes.
    """
    lines, last = [], ""
    for group, name, text, default in rows:
        if group != last:
            lines += ["", f"{group}:"]
            last = group
        text += f" [{default}]" if default else ""
        wrapped = textwrap.wrap(text, 72, break_on_hyphens=False)
        lines += [f"  --{name}", *(f"      {line}" for line in wrapped)]
    return lines
