"""The flags of `artistyle-video`: its own, and every setting. absl only."""

import dataclasses
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from artistyle_tf.cli.arguments import answered, parsed
from artistyle_tf.cli.devices import check_device
from artistyle_tf.cli.flag_table import all_flags, listed
from artistyle_tf.cli.values import LISTS, config_of, named_as_flags, number, paths_of
from artistyle_tf.config.config import INITS, Config
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.errors import ConfigError
from artistyle_tf.video.motion import QUALITIES, check_flow
from artistyle_tf.video.writer import FORMATS, check_name

__all__ = ["Options", "parse"]

USAGE = "artistyle-video --content=clip.mp4 --style=painting.jpg --output=out.mp4 [flags]"

TEMPORAL_WEIGHT = 0.1
STATIC = 2.0
LOOK_BACK = (1, 10, 20, 40)
"""The paper's example for its long-term loss."""
LARGEST_LOOK_BACK = 64

_SHARED = ("style", "flagfile", "preset", "device")
"""Flags with the same meaning as those of `artistyle`."""
_SETTINGS = tuple(field.name for field in dataclasses.fields(Config) if field.name != "task")

_OWN = {
    "content": ("", "the clip to paint"),
    "output": ("", "the painted clip: " + ", ".join(FORMATS)),
    "content_mask": (
        "",
        "where each style applies: one picture or clip per style, white inside; clips frame by "
        "frame, of the same frame rate as --content",
    ),
    "style_mask": ("", "which part of each style to use: one picture per style"),
    "frame_iterations": (
        "auto",
        "iterations of each frame after the first of a shot, which has --iterations; auto: a "
        "quarter of those",
    ),
    "temporal_weight": (
        f"{TEMPORAL_WEIGHT:g}",
        "weight of the temporal loss, which ties a frame to the earlier ones where the optical "
        "flow is consistent; 0: none",
    ),
    "look_back": (
        ",".join(map(str, LOOK_BACK)),
        "distances in frames of the earlier ones in the temporal loss; each pixel is compared with "
        "the nearest one that shows it, so what was hidden for a moment looks as before",
    ),
    "static_threshold": (
        f"{STATIC:g}",
        "grey levels; places that change by less keep their pixels exactly; 0: none do",
    ),
    "passes": (
        "1",
        "passes over each shot, forward and backward in turn, with --frame_iterations for every "
        "frame; the paper suggests 10 or more",
    ),
    "flow": (
        "medium",
        f"the quality of the optical flow, DIS: {', '.join(QUALITIES)}",
    ),
    "preview_every": ("1", "paint only every n-th frame, as a preview of the clip"),
    "workers": (
        "1",
        "processes that paint shots at the same time, on Ray (extra batch) if more than 1",
    ),
}
_SWITCHES = {"quiet": "print warnings and errors only"}


class Options(NamedTuple):
    """The parsed command line."""

    content: str
    styles: list[str]
    output: str
    config: Config
    """That of the first frame of a shot."""
    frame_iterations: int
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str, ...] = ()
    temporal_weight: float = TEMPORAL_WEIGHT
    look_back: tuple[int, ...] = LOOK_BACK
    static_threshold: float = STATIC
    passes: int = 1
    flow: str = "medium"
    """One of `QUALITIES`."""
    preview_every: int = 1
    workers: int = 1
    device: str | None = None
    quiet: bool = False


def parse(arguments: Sequence[str]) -> Options | str:
    """The options of these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: invalid flags.
      InputError: a --flagfile that can't be read.
    """
    names = [name for name in dict.fromkeys((*_OWN, *_SHARED, *_SETTINGS)) if name != "flagfile"]
    values, rest = parsed("artistyle-video", arguments, names, ("help", "version", *_SWITCHES))
    answer = answered("artistyle-video", values, _help)
    if answer is not None:
        return answer
    if rest:
        raise ConfigError(f"{rest[0]!r} is not a flag; write {USAGE}")
    given = {name: values[name].value for name in names if values[name].value}
    for name in given.keys() - {"style", "content_mask", "style_mask", *LISTS}:
        del given[name][:-1]  # the last one counts
    for name in ("content", "style", "output"):
        if not all(given.get(name, [""])):
            raise ConfigError(f"--{name} is missing: {USAGE}")
    texts = {name: given.get(name, [default])[0] for name, (default, _) in _OWN.items()}
    config = config_of(given)
    with named_as_flags():
        return _options(config, given, texts, bool(values["quiet"].value))


def _options(
    config: Config, given: Mapping[str, list[str]], texts: Mapping[str, str], quiet: bool
) -> Options:
    styles = paths_of(given, "style")
    masks = {name: tuple(paths_of(given, name)) for name in ("content_mask", "style_mask")}
    check_inputs(config, True, len(styles), *map(len, masks.values()))
    content, output = (os.path.expanduser(texts[name]) for name in ("content", "output"))
    check_name(output)
    read = [content, *styles, *itertools.chain(*masks.values())]
    read += [] if config.init in INITS else [config.init]
    if os.path.realpath(output) in map(os.path.realpath, read):
        raise ConfigError(f"output is {output!r}, which is one of the files to read")
    device = given["device"][0] if "device" in given else None
    if device is not None:
        check_device(device)
    flow = texts["flow"]
    check_flow(flow)
    passes, look_back = _whole("passes", texts["passes"]), _look_back(texts["look_back"])
    if passes > 1 and "look_back" in given:
        raise ConfigError("look_back is for one pass; with --passes each frame has one neighbour")
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
        content_masks=masks["content_mask"],
        style_masks=masks["style_mask"],
        temporal_weight=_positive("temporal_weight", texts["temporal_weight"]),
        look_back=look_back,
        static_threshold=_positive("static_threshold", texts["static_threshold"]),
        passes=passes,
        flow=flow,
        preview_every=_whole("preview_every", texts["preview_every"]),
        workers=_whole("workers", texts["workers"]),
        device=device,
        quiet=quiet,
    )


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text) or int(text) < 1:
        raise ConfigError(f"{name} is {text!r}; it must be a whole number from 1 to 999999")
    return int(text)


def _positive(name: str, text: str) -> float:
    value = number(text, float)
    if not isinstance(value, float) or not 0 <= value < 1e9:
        raise ConfigError(f"{name} is {text!r}; it must be a number of 0 or more")
    return value


def _look_back(text: str) -> tuple[int, ...]:
    found = sorted({_whole("look_back", part.strip()) for part in text.split(",")})
    if found[0] != 1 or found[-1] > LARGEST_LOOK_BACK:
        raise ConfigError(
            f"look_back is {text!r}; it must contain 1, and nothing above {LARGEST_LOOK_BACK}"
        )
    return tuple(found)


def _help() -> str:
    lines = ["Paints a clip in the style of a picture.", "", f"  {USAGE}"]
    rows = [("Clip", name, text, default) for name, (default, text) in _OWN.items()]
    rows += [("Clip", name, text, "") for name, text in _SWITCHES.items()]
    rows += [
        (flag.group, flag.name, flag.help, flag.default)
        for flag in all_flags()
        if flag.name in (*_SHARED, *_SETTINGS)
    ]
    lines += [
        *listed(rows),
        "",
        "Finished frames are kept in a folder beside the output until the clip is done; the same",
        "command resumes from there.",
        "Exit status: 0 done, 1 unusable file or failed run, 2 invalid flag, 130 interrupted,",
        "143 terminated.",
    ]
    return "\n".join(lines)
