"""Parses arguments with absl, for every command: which flags are given, not yet interpreted."""

from collections.abc import Callable, Iterable, Sequence

from absl import flags as absl_flags

from artistyle_tf.cli.flag_table import SWITCHES, all_flags
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

__all__ = ["answered", "parsed", "read_arguments"]

QUESTIONS = ("help", "helpfull", "version")


def read_arguments(arguments: Sequence[str]) -> tuple[absl_flags.FlagValues, list[str]]:
    """(flag values, positional arguments).

    Raises:
      ConfigError: an unknown flag, or one without its value.
      InputError: a --flagfile that can't be read.
    """
    texts = [flag.name for flag in all_flags() if flag.name not in SWITCHES]
    switches = *QUESTIONS, *SWITCHES
    return parsed("artistyle", arguments, texts, switches, hint="--helpfull lists all flags")


def parsed(
    program: str,
    arguments: Sequence[str],
    texts: Iterable[str],
    switches: Iterable[str],
    hint: str = "--help lists the flags",
) -> tuple[absl_flags.FlagValues, list[str]]:
    """(flag values, positional arguments) of a command with these flags.

    Args:
      program: its name.
      arguments: without that name.
      texts: names of flags that hold a list of texts, one for each time they are given, or None.
      switches: names of flags that are on or off.
      hint: where the user finds all flags, for errors.

    Raises:
      ConfigError, InputError: as `read_arguments`.
    """
    # Private, so that importing this package never touches a host program's absl flags.
    values = absl_flags.FlagValues()
    for name in texts:
        absl_flags.DEFINE_multi_string(name, None, name, flag_values=values)
    for name in switches:
        absl_flags.DEFINE_boolean(name, False, name, flag_values=values)
    try:
        return values, values([program, *_spelled_out(arguments)])[1:]
    except absl_flags.CantOpenFlagFileError as error:
        raise InputError(_unread_flagfile(error.__context__)) from None
    except UnicodeDecodeError:
        raise InputError("a --flagfile is not text; it must have one flag per line") from None
    except absl_flags.Error as error:
        raise ConfigError(f"{' '.join(str(error).split())} ({hint})") from None


def answered(
    program: str, values: absl_flags.FlagValues, help_text: Callable[[], str]
) -> str | None:
    """The text for --help, --helpfull or --version; None if none of them is given."""
    if any(values[name].value for name in ("help", "helpfull") if name in values):
        return help_text()
    if values["version"].value:
        from artistyle_tf import __version__

        return f"{program} {__version__}"
    return None


def _spelled_out(arguments: Sequence[str]) -> list[str]:
    """The arguments with -h replaced; absl would also accept --help=x and --nohelp."""
    return ["--help" if argument in ("-h", "-help") else argument for argument in arguments]


def _unread_flagfile(error: BaseException | None) -> str:
    assert isinstance(error, OSError)  # absl's own error has the path and errno in its text
    return f"can't read the flagfile {one_line(str(error.filename))}: {reason(error)}"
