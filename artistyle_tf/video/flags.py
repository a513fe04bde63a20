"""The flags of `artistyle-video`: its own, and every setting. absl only."""

import dataclasses
import os
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.command.arguments import parsed
from artistyle_tf.command.flag_table import all_flags
from artistyle_tf.command.values import LISTS, config_of, named_as_flags, number, paths_of
from artistyle_tf.errors import ConfigError
from artistyle_tf.settings.config import INITS, Config
from artistyle_tf.video.film import FORMATS, check_name
from artistyle_tf.video.flow import QUALITIES, Quality

__all__ = ["Options", "parse"]

USAGE = "artistyle-video --content=clip.mp4 --style=painting.jpg --output=out.mp4 [flags]"

TEMPORAL_WEIGHT = 0.1

_SHARED = ("style", "flagfile", "preset", "strength")
"""Flags that mean what they mean to `artistyle`."""
_SETTINGS = tuple(field.name for field in dataclasses.fields(Config) if field.name != "task")

_OWN = {
    "content": ("", "the clip to paint"),
    "output": ("", "the painted clip: " + ", ".join(FORMATS)),
    "frame_iterations": (
        "auto",
        "iterations of every frame that follows another, which it begins with; auto: a quarter of "
        "--iterations, which are those of the first frame of a shot",
    ),
    "temporal_weight": (
        f"{TEMPORAL_WEIGHT:g}",
        "how much a frame is held to those before, where the flow is to be trusted; 0: not at all",
    ),
    "look_back": (
        "1",
        "frames back to those that one is held to, the nearest that shows a place counting, like "
        "1,2,4",
    ),
    "flow": ("medium", "quality of the optical flow: " + ", ".join(QUALITIES)),
    "preview_every": ("1", "paint every so many frames only, for a look at how it comes out"),
}
_SWITCHES = {"quiet": "print warnings and errors only"}


class Options(NamedTuple):
    """What the command line asks for."""

    content: str
    styles: list[str]
    output: str
    config: Config
    frame_iterations: int
    temporal_weight: float = TEMPORAL_WEIGHT
    look_back: tuple[int, ...] = (1,)
    flow: Quality = "medium"
    preview_every: int = 1
    quiet: bool = False


def parse(arguments: Sequence[str]) -> Options | str:
    """The options of these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: flags that can't be.
      InputError: a flag file that can't be read.
    """
    names = [name for name in dict.fromkeys((*_OWN, *_SHARED, *_SETTINGS)) if name != "flagfile"]
    values, rest = parsed("artistyle-video", arguments, names, ("help", "version", *_SWITCHES))
    if values["help"].value:
        return _help()
    if values["version"].value:
        from artistyle_tf import __version__

        return f"artistyle-video {__version__}"
    if rest:
        raise ConfigError(f"{rest[0]!r} is no flag; write {USAGE}")
    given = {name: values[name].value for name in names if values[name].value}
    for name in given.keys() - {"style", *LISTS}:
        del given[name][:-1]  # the last one counts
    for name in ("content", "style", "output"):
        if not all(given.get(name, [""])):
            raise ConfigError(f"--{name} is missing: {USAGE}")
    config, styles = config_of(given), paths_of(given, "style")
    texts = {name: given.get(name, [default])[0] for name, (default, _) in _OWN.items()}
    with named_as_flags():
        return _options(config, styles, texts, bool(values["quiet"].value))


def _options(config: Config, styles: list[str], texts: dict[str, str], quiet: bool) -> Options:
    if config.balance != "weights":
        raise ConfigError(
            f"balance is {config.balance!r}; for clips it must be 'weights', since each frame "
            "would be balanced anew"
        )
    content, output = (os.path.expanduser(texts[name]) for name in ("content", "output"))
    config.shares(len(styles))
    check_name(output)
    read = [content, *styles, *([] if config.init in INITS else [config.init])]
    if os.path.realpath(output) in map(os.path.realpath, read):
        raise ConfigError(f"output is {output!r}, which is one of the files to read")
    if texts["flow"] not in QUALITIES:
        raise ConfigError(f"flow is {texts['flow']!r}; it must be {', '.join(QUALITIES)}")
    iterations = texts["frame_iterations"]
    return Options(
        content,
        styles,
        output,
        config,
        frame_iterations=(
            max(1, config.iterations // 4)
            if iterations == "auto"
            else _whole("frame_iterations", iterations)
        ),
        temporal_weight=_weight(texts["temporal_weight"]),
        look_back=_look_back(texts["look_back"]),
        flow=next(one for one in QUALITIES if one == texts["flow"]),
        preview_every=_whole("preview_every", texts["preview_every"]),
        quiet=quiet,
    )


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text) or int(text) < 1:
        raise ConfigError(f"{name} is {text!r}; it must be a whole number from 1 to 999999")
    return int(text)


def _weight(text: str) -> float:
    value = number(text, float)
    if not isinstance(value, float) or not 0 <= value < 1e9:
        raise ConfigError(f"temporal_weight is {text!r}; it must be a number of 0 or more")
    return value


def _look_back(text: str) -> tuple[int, ...]:
    found = sorted({_whole("look_back", part.strip()) for part in text.split(",")})
    if found[0] != 1 or found[-1] > 64:
        raise ConfigError(f"look_back is {text!r}; it must have 1 in it, and 64 at the most")
    return tuple(found)


def _help() -> str:
    lines = ["Paints a clip in the style of a picture.", "", f"  {USAGE}"]
    table = {flag.name: flag for flag in all_flags()}
    rows = [("Clip", name, text, default) for name, (default, text) in _OWN.items()]
    rows += [("Clip", name, text, "") for name, text in _SWITCHES.items()]
    rows += [
        (flag.group, name, flag.help, flag.default)
        for name, flag in table.items()
        if name in (*_SHARED, *_SETTINGS)
    ]
    group = None
    for kind, name, text, default in rows:
        if kind != group:
            lines += ["", f"{kind}:"]
            group = kind
        wrapped = textwrap.wrap(
            text + (f" [{default}]" if default else ""), 72, break_on_hyphens=False
        )
        lines += [f"  --{name}", *(f"      {line}" for line in wrapped)]
    lines += [
        "",
        "Finished frames are kept in a folder beside the output until the clip is done; the same",
        "command goes on from there.",
        "Exit status: 0 done, 1 a file is no good or the run failed, 2 a flag is no good,",
        "130 interrupted, 143 terminated.",
    ]
    return "\n".join(lines)
