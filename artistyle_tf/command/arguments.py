"""Parses the arguments with absl: which flags are given, before they are interpreted."""

from collections.abc import Sequence

from absl import flags as absl_flags

from artistyle_tf.command.flag_table import SWITCHES, all_flags, help_text
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

__all__ = ["answered", "read_arguments"]

QUESTIONS = ("help", "helpfull", "version")


def read_arguments(arguments: Sequence[str]) -> tuple[absl_flags.FlagValues, list[str]]:
    """(flag values, positional arguments).

    Raises:
      ConfigError: an unknown flag, or one without its value.
      InputError: a --flagfile that can't be read.
    """
    # Private, so that importing this package never touches a host program's absl flags.
    values = absl_flags.FlagValues()
    for flag in all_flags():
        if flag.name not in SWITCHES:
            absl_flags.DEFINE_multi_string(flag.name, None, flag.help, flag_values=values)
    for name in (*QUESTIONS, *SWITCHES):
        absl_flags.DEFINE_boolean(name, False, name, flag_values=values)
    try:
        return values, values(["artistyle", *_spelled_out(arguments)])[1:]
    except absl_flags.CantOpenFlagFileError as error:
        raise InputError(_unread_flagfile(error.__context__)) from None
    except UnicodeDecodeError:
        raise InputError("a --flagfile is not text; it must have one flag per line") from None
    except absl_flags.Error as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{text} (--helpfull lists all flags)") from None


def answered(values: absl_flags.FlagValues) -> str | None:
    """The text for --help, --helpfull or --version; None if none of them is given."""
    if values["help"].value or values["helpfull"].value:
        return help_text(full=values["helpfull"].value)
    if values["version"].value:
        from artistyle_tf import __version__

        return f"artistyle {__version__}"
    return None


def _spelled_out(arguments: Sequence[str]) -> list[str]:
    """The arguments with -h replaced; absl would also accept --help=x and --nohelp."""
    return ["--help" if argument in ("-h", "-help") else argument for argument in arguments]


def _unread_flagfile(error: BaseException | None) -> str:
    assert isinstance(error, OSError)  # absl's own error has the path and errno in its text
    return f"can't read the flagfile {one_line(str(error.filename))}: {reason(error)}"
