"""The flags of `artistyle-video`: its own, and every setting. absl only."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.cli.flags import COMMON, FLAGS
from artistyle_tf.cli.parsing import (
    Flag,
    Program,
    config_of,
    grouped,
    named_as_flags,
    output_name,
    parse_flags,
    path,
    real,
    require,
    setting_flags,
    values_of,
    whole,
)
from artistyle_tf.config.choices import INITS
from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.errors import ConfigError
from artistyle_tf.video.writer import FORMATS

_count = whole(1, 999_999)


def _output(name: str, given: str) -> str:
    if not given.lower().endswith(tuple(FORMATS)):
        raise ConfigError(f"{name} is {given!r}; a video must be named {', '.join(FORMATS)}")
    return path(name, given)


_OWN = grouped(
    "Video",
    Flag("content", "the video to paint", read=path),
    Flag(
        "output",
        f"the painted video: {', '.join(FORMATS)}; by default video-painting.mp4, by the names of "
        "video and style image, in the current folder",
        read=_output,
    ),
    Flag(
        "content_mask",
        "where each style applies: one picture or video per style, white inside; videos frame by "
        "frame, of the same frame rate as --content",
        kind="list",
    ),
    Flag("style_mask", "which part of each style to use: one picture per style", kind="list"),
    Flag(
        "frame_iterations",
        "iterations of each frame between two painted ahead of it, up to 16 frames apart; auto: a "
        "twentieth of --iterations",
        "auto",
        lambda name, given: None if given == "auto" else _count(name, given),
    ),
    Flag(
        "temporal_weight",
        "weight of the temporal loss, which ties a frame to the earlier ones where the optical "
        "flow is consistent; 0: none",
        "0.1",
        real(0, 1e9),
    ),
    Flag(
        "static_threshold",
        "places that change by fewer grey levels keep their pixels exactly; 0: none do",
        "2",
        real(0, 1e9),
    ),
    Flag("preview_every", "paint only every n-th frame, as a preview of the video", "1", _count),
    Flag(
        "workers",
        "processes that paint shots at the same time, on Ray (extra batch) if more than 1",
        "1",
        _count,
    ),
    Flag("quiet", "print warnings and errors only", kind="switch"),
    *(
        flag
        for flag in FLAGS
        if flag.name in ("style", "flagfile", "preset", "device", "overwrite")
    ),
)
_COMMON = {
    "content": "the video",
    "style": COMMON["style"],
    "output": "the painted video: " + ", ".join(FORMATS),
    **{name: COMMON[name] for name in ("preset", "strength", "size", "style_scale")},
    "preview_every": "paint only every n-th frame, as a preview",
    "content_mask": "where each style is painted: a picture or video for each",
    **{name: COMMON[name] for name in ("color", "weights")},
    "workers": "processes that paint shots at the same time",
    "device": COMMON["device"],
}
_SETTINGS = [flag for flag in setting_flags() if flag.name != "task"]
PROGRAM = Program(
    "artistyle-video",
    "Paints a video in the style of a picture.",
    "artistyle-video video.mp4 painting.jpg [out.mp4] [flags]",
    "The three files can also be given as --content, --style and --output.\n"
    "Finished frames are kept in a folder beside the output until the video is done; the same\n"
    "command resumes from there.\n"
    "Exit status: 0 done, 1 unusable file or failed run, 2 invalid flag, 130 interrupted,\n"
    "143 terminated.",
    (*_OWN, *(flag._replace(help=flag.help.replace("photo", "video")) for flag in _SETTINGS)),
    {name: text.replace("photo", "video") for name, text in _COMMON.items()},
    ("content", "style", "output"),
)


class Options(NamedTuple):
    content: str
    styles: list[str]
    output: str
    config: Config  # For the first frame of each shot.
    frame_iterations: int
    content_masks: tuple[str, ...]
    style_masks: tuple[str, ...]
    temporal_weight: float
    static_threshold: float
    preview_every: int
    workers: int
    device: str | None
    quiet: bool
    overwrite: bool = False


def parse(arguments: Sequence[str]) -> Options | str:
    """Returns the options, or a text to print. ConfigError: wrong flags. InputError: bad
    --flagfile."""
    given = parse_flags(PROGRAM, arguments)
    if isinstance(given, str):
        return given
    require(PROGRAM, given, "content", "style")
    config, own = config_of(given), values_of(_OWN, given)
    del own["preset"]
    own["output"] = own["output"] or output_name(own["content"], own["style"][0], ".mp4")
    styles, *masks = (own.pop(name) for name in ("style", "content_mask", "style_mask"))
    with named_as_flags():
        check_inputs(config, True, len(styles), *map(len, masks))
        read = [own["content"], *styles, *masks[0], *masks[1]]
        read += [] if config.init in INITS else [config.init]
        if os.path.realpath(own["output"]) in map(os.path.realpath, read):
            raise ConfigError(f"output is {own['output']!r}, which is one of the files to read")
    own["frame_iterations"] = own["frame_iterations"] or max(1, config.iterations // 20)
    masked = {"content_masks": masks[0], "style_masks": masks[1]}
    return Options(styles=list(styles), config=config, **masked, **own)
