"""The flags of a command: from its table through absl's parser to values, and its help text."""

import contextlib
import dataclasses
import os
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from absl import flags as absl_flags

from artistyle_tf.config import validation
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import flag_text, one_line


def _text(name: str, given: str) -> str:
    if not given:
        raise ConfigError(f"{name} is empty; give it a value, or leave it out")
    return given


def path(name: str, given: str) -> str:
    """A file or folder, with ~ expanded."""
    return os.path.expanduser(_text(name, given))


def whole(low: int, high: int) -> Callable[[str, str], int]:
    return lambda name, given: validation.integer(name, number(given, int), low, high)


def real(low: float, high: float) -> Callable[[str, str], float]:
    return lambda name, given: validation.number(name, number(given, float), low, high)


def checked(check: Callable[[str], object]) -> Callable[[str, str], str]:
    """The text, if `check` raises no ConfigError that begins with the flag's name."""

    def read(name: str, given: str) -> str:
        check(given)
        return given

    return read


class Flag(NamedTuple):
    """A row of a command's table."""

    name: str
    help: str
    default: str | None = None
    read: Callable[[str, str], Any] = _text
    """(name, text) → value, or a ConfigError that begins with the name."""
    kind: str = "text"  # "text": the last one counts; "list": they add up; "switch": no value.
    group: str = ""


def grouped(group: str, *flags: Flag) -> list[Flag]:
    return [flag._replace(group=group) for flag in flags]


def setting_flags() -> list[Flag]:
    """A flag for each field of `Config`."""
    flags = []
    for field in dataclasses.fields(Config):
        told, words = field.metadata["help"], validation.words_of(field)
        told += f" ({', '.join(words)})" if words else ""
        kind = "list" if isinstance(field.default, tuple) else "text"
        flags += grouped(
            field.metadata["group"], Flag(field.name, told, flag_text(field.default), kind=kind)
        )
    return flags


class Program(NamedTuple):
    """A command, as --help describes it."""

    name: str
    about: str
    usage: str
    closing: str
    flags: Sequence[Flag]
    common: Mapping[str, str] = {}
    """Shorter words for the flags that --help shows; none: it shows all."""
    positional: Sequence[str] = ()
    """Flags whose values may also be given without their names, in this order."""

    def help(self, full: bool) -> str:
        """The most common flags, or all of them by group, with their defaults."""
        lines = [self.about, "", f"  {self.usage}"]
        if self.common and not full:
            defaults = {flag.name: flag.default for flag in self.flags}
            lines.append("")
            for name, told in self.common.items():
                default = f" [{defaults[name]}]" if defaults[name] else ""
                lines.append(f"  {'--' + name:<17}{told}{default}")
            lines += ["", f"--helpfull shows all {len(defaults)} flags."]
        else:
            last = ""
            for flag in self.flags:
                lines += ["", f"{flag.group}:"] if flag.group != last else []
                last = flag.group
                told = flag.help + (f" [{flag.default}]" if flag.default else "")
                wrapped = textwrap.wrap(told, 72, break_on_hyphens=False)
                lines += [f"  --{flag.name}", *(f"      {line}" for line in wrapped)]
        return "\n".join([*lines, "", self.closing])


def parse_flags(program: Program, arguments: Sequence[str]) -> dict[str, list[str]] | str:
    """The given flags' texts, or what --help, --helpfull or --version print.

    ConfigError: an unknown flag, or one without its value. InputError: a --flagfile that can't be
    read.
    """
    # Private, so that importing this package never touches a host program's absl flags.
    values = absl_flags.FlagValues()
    values.set_gnu_getopt(True)  # flags may follow names of files
    flags = [flag for flag in program.flags if flag.name != "flagfile"]  # which is absl's own
    switches = [flag.name for flag in flags if flag.kind == "switch"]
    for flag in flags:
        if flag.kind != "switch":
            absl_flags.DEFINE_multi_string(flag.name, None, flag.help, flag_values=values)
    for name in (*switches, "helpfull", "version"):
        absl_flags.DEFINE_boolean(name, False, name, flag_values=values)
    absl_flags.DEFINE_boolean("help", False, "help", short_name="h", flag_values=values)
    try:
        rest = values([program.name, *arguments])[1:]
    except (absl_flags.CantOpenFlagFileError, UnicodeDecodeError) as error:
        why = one_line(str(error.__context__ or error))  # absl's own text is longer
        raise InputError(f"can't read a --flagfile: {why}") from None
    except absl_flags.Error as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"{said} (--helpfull lists all flags)") from None
    if values["help"].value or values["helpfull"].value:
        return program.help(values["helpfull"].value)
    if values["version"].value:
        from artistyle_tf import __version__

        return f"{program.name} {__version__}"
    if len(rest) > len(program.positional):
        how = "one too many" if program.positional else "not a flag"
        word = one_line(rest[len(program.positional)])
        raise ConfigError(f"{word!r} is {how}; write {program.usage}")
    given = {name: ["true"] for name in switches if values[name].value}
    for flag in flags:
        texts = values[flag.name].value
        if flag.kind != "switch" and texts:
            # The last one counts: aliases and flag files may precede it.
            given[flag.name] = texts if flag.kind == "list" else texts[-1:]
    for name, text in zip(program.positional, rest, strict=False):
        if name in given:
            raise ConfigError(f"--{name} and {one_line(text)!r} are both given; write one of them")
        given[name] = [text]
    return given


def require(program: Program, given: Mapping[str, list[str]], *names: str) -> None:
    """ConfigError if one of these flags is missing or empty."""
    for name in names:
        if not any(given.get(name, ())):
            raise ConfigError(f"--{name} is missing: {program.usage}")


def check_written(files: Mapping[str, str | None], taken: Mapping[str, str]) -> None:
    """ConfigError if a file to write, by its flag's name, is one of those `taken` (path → what it
    is) or written twice."""
    places = {os.path.realpath(path): what for path, what in taken.items()}
    for name, path in files.items():
        place = os.path.realpath(path or "")
        if path and place in places:
            raise ConfigError(f"--{name} is {path!r}, which is {places[place]}")
        places |= {place: f"the --{name}"} if path else {}


def output_name(content: str, style: str, extension: str) -> str:
    """The output's name where none is given, in the current folder.

    >>> output_name("photos/photo.jpg", "painting.jpg", ".png")
    'photo-painting.png'
    """
    stems = (os.path.splitext(os.path.basename(one))[0] for one in (content, style))
    return "-".join(stems) + extension


def values_of(flags: Iterable[Flag], given: Mapping[str, list[str]]) -> dict[str, Any]:
    """The values of a command's own flags, also of those that are not given."""
    values: dict[str, Any] = {}
    with named_as_flags():
        for flag in flags:
            if flag.kind == "switch":
                values[flag.name] = flag.name in given
            elif flag.kind == "list":
                values[flag.name] = tuple(_paths_of(given, flag.name))
            elif flag.name != "flagfile":
                written = given.get(flag.name, [flag.default])[0]
                values[flag.name] = None if written is None else flag.read(flag.name, written)
    return values


def _paths_of(given: Mapping[str, list[str]], name: str) -> list[str]:
    """A flag's text is a list, unless a file has that name; repeated flags hold one path each."""
    texts = given.get(name, [])
    if len(texts) == 1 and not os.path.exists(texts[0]):
        texts = [path.strip() for path in texts[0].split(",")]
    if not all(texts):
        raise ConfigError(f"{name} has an empty name; write --{name}=FILE or --{name}=FILE,FILE")
    return [os.path.expanduser(path) for path in texts]


def config_of(given: Mapping[str, list[str]]) -> Config:
    with named_as_flags():
        return Config.preset(given.get("preset", ["artistyle"])[0], **overrides_of(given))


@contextlib.contextmanager
def named_as_flags() -> Iterator[None]:
    """Turns the setting's name that begins an error's message into the name of its flag."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"--{error}") from None


def overrides_of(given: Mapping[str, list[str]]) -> dict[str, Any]:
    """The settings given explicitly, as `Config.preset` takes them."""
    fields = [field for field in dataclasses.fields(Config) if field.name in given]
    return {field.name: setting(field, given[field.name]) for field in fields}


def setting(field: dataclasses.Field[Any], texts: list[str]) -> Any:
    """The value of a flag's texts; invalid ones stay text, for `Config` to reject."""
    items = [item.strip() for given in texts if given for item in given.split(",")]
    if field.name in ("style_layers", "content_layers"):
        return tuple(_layer(item) for item in items)
    if field.name == "style_blend":
        return tuple(number(item, float) for item in items)
    if field.name == "size" and re.fullmatch(r"\d+x\d+", texts[0]):
        return tuple(int(side) for side in texts[0].split("x"))
    kinds = get_args(field.type) or (field.type,)
    if float in kinds or int in kinds:
        return number(texts[0], float if float in kinds else int)
    return os.path.expanduser(texts[0]) if field.name == "init" else texts[0]


def _layer(item: str) -> tuple[str, float | str]:
    layer, _, weight = item.partition(":")
    return layer.strip(), number(weight, float) if weight else 1.0


def number(given: str, kind: type[int] | type[float]) -> int | float | str:
    """The number, or the unchanged text, so that a check can say what it must be."""
    try:
        return kind(given)
    except ValueError:
        return given
