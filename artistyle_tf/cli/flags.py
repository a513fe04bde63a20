"""The flags of `artistyle`: its own and those of `Config`, and what they mean. No TensorFlow."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.callbacks.previews import is_preview
from artistyle_tf.cli.devices import STRATEGIES, check_device, check_strategy
from artistyle_tf.cli.parsing import (
    Flag,
    Program,
    checked,
    config_of,
    grouped,
    named_as_flags,
    output_name,
    overrides_of,
    parse_flags,
    path,
    require,
    setting_flags,
    values_of,
)
from artistyle_tf.config.choices import INITS, Cadence
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.engine.plan import total_iterations
from artistyle_tf.engine.provenance import Rerun, read_rerun
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.write import DEPTHS, check_depth
from artistyle_tf.report.page import check_name


def cadence(name: str, given: str) -> str:
    Cadence(given, name)
    return given


def _photo(name: str, given: str) -> str:
    photo = path(name, given)
    if "," in photo and not os.path.exists(photo):
        raise ConfigError(
            f"{name} is {given!r}; it must be one picture: artistyle-batch paints several"
        )
    return photo


def depth(name: str, given: str) -> int:
    if given not in map(str, DEPTHS):
        raise ConfigError(f"{name} is {given!r}; it must be 8, 16 or 32")
    return int(given)


_FILES = grouped(
    "Files",
    Flag("content", "the photo", read=_photo),
    Flag(
        "style",
        "the style image; for several separate them by commas, or repeat the "
        "flag (for file names that contain commas)",
        kind="list",
    ),
    Flag(
        "output",
        "the file for the result: .png, .jpg, .webp or .tif; by default photo-painting.png, by the "
        "pictures' names, in the current folder",
        read=path,
    ),
    Flag(
        "overwrite",
        "also replace files that other programs made; otherwise only those of artistyle",
        kind="switch",
    ),
    Flag(
        "depth",
        "bits per channel of the result: 8; 16 for .png and .tif; 32 for .tif: float, 0 for black "
        "and 1 for white, unclipped; all in sRGB",
        "8",
        read=depth,
    ),
    Flag(
        "content_mask",
        "a mask for each style, with the aspect ratio of the photo: white where that style is "
        "painted, black where it is not; the photo stays where all masks are black",
        kind="list",
    ),
    Flag(
        "style_mask",
        "a mask for each style, with the aspect ratio of that style: white selects the part whose "
        "style is used; without masks all of it is",
        kind="list",
    ),
    Flag(
        "flagfile",
        "read flags from this file, one per line, as if they were given here; # starts a comment",
    ),
    Flag(
        "report",
        "write a report of the run to this .html file: pictures, losses by layer, times, settings "
        "(extra report)",
        read=path,
    ),
)
_WATCH = grouped(
    "Watch",
    Flag(
        "save_every",
        "save a preview every N iterations, or every so many seconds, like 60s (then also two "
        "seconds after the first iteration), next to the result, like out-0020.png",
        read=cadence,
    ),
    Flag(
        "checkpoint_dir",
        "save checkpoints to this folder, to resume an interrupted run from: as often as "
        "--save_every says, or about once a minute",
        read=path,
    ),
    Flag("resume", "resume from the newest checkpoint in --checkpoint_dir", kind="switch"),
    Flag(
        "tensorboard_dir",
        "write losses by layer and pictures for TensorBoard to this folder (extra tensorboard)",
        read=path,
    ),
    Flag(
        "quiet",
        "print only warnings and errors: no progress, no messages, no summary",
        kind="switch",
    ),
)
_MACHINE = grouped(
    "Machine",
    Flag(
        "device",
        "device to compute on, like cpu, gpu, gpu:1 or tpu; by default TensorFlow chooses",
        read=checked(check_device),
    ),
    Flag(
        "strategy",
        "distribute the tiles of every level over several devices: " + ", ".join(STRATEGIES),
        read=checked(check_strategy),
    ),
    Flag(
        "deterministic",
        "use deterministic ops only, so that equal commands give equal pictures on GPUs too; on "
        "CPUs they do so without this flag",
        kind="switch",
    ),
)
_RECIPE = grouped(
    "Preset",
    Flag(
        "preset",
        "settings to start from, which other flags override one by one; fast has the best quality "
        "for the time: " + ", ".join(PRESETS),
        "artistyle",
    ),
    Flag(
        "rerun",
        "a picture made earlier: start from the settings recorded in it, instead of a preset",
        read=path,
    ),
)
FLAGS = (*_FILES, *_WATCH, *_MACHINE, *_RECIPE)
"""The command's own flags, as --helpfull describes them."""

COMMON = {
    "content": "the photo",
    "style": "the style image; several are separated by commas",
    "output": "the file for the result: .png, .jpg, .webp or .tif",
    "preset": "settings to start from; the best is fast",
    "strength": "more of the photo (0) or of the style (1)",
    "size": "longer side of the result in px; 0: that of the photo",
    "style_scale": "size of the strokes: 2 is larger, 0.5 finer",
    "color": "whose colours: style; the photo's: luminance, match",
    "init": "the start: noise, content (the photo) or a file",
    "content_mask": "a mask for each style: white where it is painted",
    "weights": "the network; preview: for drafts, in half the time",
    "save_every": "save a preview every N iterations, or like 60s",
    "report": "write a report of the run to this .html file",
    "checkpoint_dir": "save checkpoints to this folder",
    "resume": "resume from the newest of them",
    "device": "cpu, gpu, gpu:1 or tpu; by default TensorFlow chooses",
}
"""The most common flags, as --help describes them."""


PROGRAM = Program(
    "artistyle",
    "Paints one picture in the style of another.",
    "artistyle photo.jpg painting.jpg [out.png] [flags]",
    "The three files can also be given as --content, --style and --output.\n"
    "If a flag is given twice the last one counts; pictures and lists add up.\n"
    "Exit status: 0 done, 1 a file can't be used or the run failed, 2 a wrong flag,\n"
    "130 interrupted, 143 terminated.",
    (*FLAGS, *setting_flags()),
    COMMON,
    ("content", "style", "output"),
)


class Command(NamedTuple):
    content: str | None  # None if the task has none.
    styles: list[str]
    output: str
    config: Config
    save_every: str | None = None
    tensorboard_dir: str | None = None
    device: str | None = None
    strategy: str | None = None
    checkpoint_dir: str | None = None
    resume: bool = False
    quiet: bool = False
    overwrite: bool = False
    deterministic: bool = False
    rerun: Rerun | None = None
    content_masks: Sequence[str] = ()
    style_masks: Sequence[str] = ()
    depth: int = 8
    report: str | None = None
    preset: str = "artistyle"


def parse(arguments: Sequence[str]) -> Command | str:
    """Returns the command, or a text to print.

    ConfigError: invalid flags, detected without opening any file but that of --rerun. InputError: a
    picture for --rerun without a usable record.
    """
    given = parse_flags(PROGRAM, arguments)
    if isinstance(given, str):
        return given
    if not given.keys() & {"task", "rerun"}:
        require(PROGRAM, given, "content", "style")
    own = values_of(FLAGS, given)
    if own["output"] is None:
        task = given.get("task", [Config.task])[0]
        own["output"] = output_name(own["content"] or task, next(iter(own["style"]), task), ".png")
    check_depth(own["output"], own["depth"])
    again, rerun = own.pop("rerun"), None
    if again:
        if "preset" in given:
            raise ConfigError("--preset and --rerun are both given; choose one to start from")
        with named_as_flags():
            rerun = read_rerun(again, **overrides_of(given))
    command = Command(
        styles=list(own.pop("style")),
        content_masks=own.pop("content_mask"),
        style_masks=own.pop("style_mask"),
        config=rerun.config if rerun else config_of(given),
        rerun=rerun,
        **own,
    )
    _check(command, again)
    return command


def _check(command: Command, again: str | None) -> None:
    """ConfigError if flags contradict each other; `again` is the picture to --rerun."""
    config = command.config
    with named_as_flags():
        masks = len(command.content_masks), len(command.style_masks)
        check_inputs(config, bool(command.content), len(command.styles), *masks)
        if command.report:
            check_name(command.report)
    read = [*command.styles, *command.content_masks, *command.style_masks]
    read += [command.content] if command.content else []
    read += [] if config.init in INITS else [config.init]
    pictures = [os.path.realpath(file) for file in read]
    taken = dict.fromkeys(pictures, "one of the pictures to read")
    if again:
        taken[os.path.realpath(again)] = "the picture to --rerun"
    for name in ("output", "report"):
        if file := getattr(command, name):
            place = os.path.realpath(file)
            if place in taken:
                raise ConfigError(f"--{name} is {file!r}, which is {taken[place]}")
            taken[place] = f"the --{name}"
    if command.save_every:
        every = Cadence(command.save_every).iterations or 1  # by time: after any iteration
        most = total_iterations(config.iterations, 16, config.finer_iterations)  # levels at most
        for picture in pictures:
            if is_preview(picture, command.output, every, most):
                raise ConfigError(
                    f"--save_every would write {picture!r}, one of the pictures to read"
                )
    if command.resume and command.checkpoint_dir is None:
        raise ConfigError("--resume needs --checkpoint_dir=FOLDER, which says from where")
    if command.device is not None and command.strategy is not None:
        raise ConfigError("--device and --strategy are both given; a strategy has its own devices")
