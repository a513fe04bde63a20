"""Interprets the command's flags, which derive from `Config`. No TensorFlow."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from artistyle_tf.callbacks.previews import is_preview
from artistyle_tf.cli.arguments import answered, read_arguments
from artistyle_tf.cli.devices import check_device, check_strategy
from artistyle_tf.cli.flag_table import SWITCHES, USAGE, all_flags, help_text
from artistyle_tf.cli.values import LISTS, config_of, named_as_flags, overrides_of, paths_of
from artistyle_tf.config.config import INITS, Config
from artistyle_tf.config.interval import Cadence
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.engine.plan import total_iterations
from artistyle_tf.engine.provenance import Rerun, read_rerun
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.write import DEPTHS, check_depth
from artistyle_tf.report.page import check_name

__all__ = ["Command", "parse"]

PATHS = ("style", "content_mask", "style_mask")


class Command(NamedTuple):
    """The parsed command line."""

    content: str | None
    """None if the task has none."""
    styles: list[str]
    output: str
    config: Config
    trace: str | None
    save_every: str | None = None
    tensorboard_dir: str | None = None
    device: str | None = None
    strategy: str | None = None
    checkpoint_dir: str | None = None
    resume: bool = False
    quiet: bool = False
    deterministic: bool = False
    rerun: Rerun | None = None
    content_masks: Sequence[str] = ()
    style_masks: Sequence[str] = ()
    depth: int = 8
    """Bits per channel of the output."""
    report: str | None = None

    def read(self) -> list[str]:
        """All pictures to be read, as real paths."""
        paths = [*self.styles, *self.content_masks, *self.style_masks]
        paths += [self.content] if self.content else []
        if self.config.init not in INITS:
            paths.append(self.config.init)
        return [os.path.realpath(path) for path in paths]


def parse(arguments: Sequence[str]) -> Command | str:
    """The command for these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: invalid flags; detected without opening any file but that of --rerun.
      InputError: a picture for --rerun without a usable record.
    """
    values, rest = read_arguments(arguments)
    answer = answered("artistyle", values, lambda: help_text(full=values["helpfull"].value))
    if answer is not None:
        return answer
    if rest:
        raise ConfigError(
            f"{rest[0]!r} is not a flag; write --content=FILE --style=FILE --output=FILE"
        )
    named = [flag.name for flag in all_flags() if flag.name not in SWITCHES]
    given = {name: values[name].value for name in named if values[name].value}
    for name in given.keys() - {*PATHS, *LISTS}:
        del given[name][:-1]  # the last one counts: aliases and flag files may precede it
    if "task" not in given and "rerun" not in given:
        _require(given, "content", "style")
    _require(given, "output")
    output = os.path.expanduser(given["output"][0])
    depth = _depth(given, output)
    rerun = _rerun(given)
    command = Command(
        content=os.path.expanduser(given["content"][0]) if "content" in given else None,
        styles=paths_of(given, "style"),
        output=output,
        config=rerun.config if rerun else config_of(given),
        trace=_place(given, "trace", "FILE"),
        save_every=_checked(given, "save_every", lambda text: Cadence(text, "save_every")),
        tensorboard_dir=_place(given, "tensorboard_dir", "FOLDER"),
        device=_checked(given, "device", check_device),
        checkpoint_dir=_place(given, "checkpoint_dir", "FOLDER"),
        resume=bool(values["resume"].value),
        quiet=bool(values["quiet"].value),
        deterministic=bool(values["deterministic"].value),
        strategy=_checked(given, "strategy", check_strategy),
        rerun=rerun,
        content_masks=tuple(paths_of(given, "content_mask")),
        style_masks=tuple(paths_of(given, "style_mask")),
        depth=depth,
        report=_place(given, "report", "FILE"),
    )
    _check_files(command)
    if command.device is not None and command.strategy is not None:
        raise ConfigError("--device and --strategy are both given; a strategy has its own devices")
    if rerun and os.path.realpath(command.output) == os.path.realpath(_rerun_path(given)):
        raise ConfigError(f"--output is {command.output!r}, which is the picture to --rerun")
    return command


def _require(given: dict[str, list[str]], *names: str) -> None:
    for name in names:
        if not any(given.get(name, ())):
            raise ConfigError(f"--{name} is missing: {USAGE}")


def _depth(given: dict[str, list[str]], output: str) -> int:
    text = given.get("depth", ["8"])[0]
    if text not in map(str, DEPTHS):
        raise ConfigError(f"--depth is {text!r}; it must be 8, 16 or 32")
    check_depth(output, int(text))
    return int(text)


def _rerun_path(given: dict[str, list[str]]) -> str:
    return os.path.expanduser(given["rerun"][0])


def _rerun(given: dict[str, list[str]]) -> Rerun | None:
    if "rerun" not in given:
        return None
    if "preset" in given:
        raise ConfigError("--preset and --rerun are both given; choose one to start from")
    path = _rerun_path(given)
    if not path:
        raise ConfigError("--rerun is empty; write --rerun=FILE")
    overrides = overrides_of(given)
    with named_as_flags():
        return read_rerun(path, **overrides)


def _check_files(command: Command) -> None:
    with named_as_flags():
        masks = len(command.content_masks), len(command.style_masks)
        check_inputs(command.config, bool(command.content), len(command.styles), *masks)
    pictures = command.read()
    if os.path.realpath(command.output) in pictures:
        raise ConfigError(f"--output is {command.output!r}, which is one of the pictures to read")
    if command.save_every:
        every = Cadence(command.save_every).iterations or 1  # by time: after any iteration
        config = command.config
        most = total_iterations(config.iterations, 16, config.finer_iterations)  # levels at most
        for picture in pictures:
            if is_preview(picture, command.output, every, most):
                raise ConfigError(
                    f"--save_every would write {picture!r}, one of the pictures to read"
                )
    if command.resume and command.checkpoint_dir is None:
        raise ConfigError("--resume needs --checkpoint_dir=FOLDER, which says from where")
    taken = dict.fromkeys([*pictures, os.path.realpath(command.output)], "one of the pictures")
    for name, path in (("trace", command.trace), ("report", command.report)):
        if path is None:
            continue
        if os.path.realpath(path) in taken:
            raise ConfigError(f"--{name} is {path!r}, which is {taken[os.path.realpath(path)]}")
        taken[os.path.realpath(path)] = f"the --{name}"
    if command.report is not None:
        with named_as_flags():
            check_name(command.report)


def _place(given: dict[str, list[str]], name: str, kind: str) -> str | None:
    if name not in given:
        return None
    if not given[name][0]:
        raise ConfigError(f"--{name} is empty; write --{name}={kind}")
    return os.path.expanduser(given[name][0])


def _checked(given: dict[str, list[str]], name: str, check: Callable[[str], Any]) -> str | None:
    text = given.get(name, [None])[0]
    if text is not None:
        with named_as_flags():
            check(text)
    return text
