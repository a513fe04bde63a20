"""The flags of `artistyle-web`. Uses absl only, neither TensorFlow nor Gradio."""

from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.cli.parsing import (
    Flag,
    Program,
    checked,
    grouped,
    parse_flags,
    path,
    values_of,
    whole,
)
from artistyle_tf.vgg.weights import check_name
from artistyle_tf.web.uploads import Limits

__all__ = ["Options", "parse"]

_LIMITS = Limits()


def _weights(name: str, given: str) -> str:
    return checked(check_name)(name, path(name, given))


FLAGS = grouped(
    "Page",
    Flag("host", "address to listen on; 0.0.0.0: all networks, with no password", "127.0.0.1"),
    Flag("port", "port to listen on; 0: any free port", "7860", whole(0, 65535)),
    Flag("weights", "the network selected at first, as for artistyle --weights", "auto", _weights),
    Flag("folder", "folder in which every painting is saved", "artistyle-paintings", path),
    Flag(
        "max_pixels",
        "maximum pixels of a picture, uploaded or painted",
        str(_LIMITS.pixels),
        whole(256, 178_956_970),
    ),
    Flag(
        "max_megabytes",
        "maximum size of an upload, in 10^6 bytes",
        str(_LIMITS.megabytes),
        whole(1, 100_000),
    ),
    Flag(
        "share",
        "also create a public link, through a Gradio tunnel over servers of third parties",
        kind="switch",
    ),
    Flag("open_browser", "open the page in this machine's browser", kind="switch"),
)


PROGRAM = Program(
    "artistyle-web",
    "Serves a web page on which you can paint.",
    "artistyle-web [flags]",
    "Ctrl-C saves the current painting and stops the server.\n"
    "Exit status: 0 stopped by the user, 1 the page can't be served, 2 a wrong flag.",
    FLAGS,
)


class Options(NamedTuple):
    """How to serve the page."""

    host: str
    port: int
    weights: str
    folder: str
    limits: Limits
    share: bool = False
    open_browser: bool = False


def parse(arguments: Sequence[str]) -> Options | str:
    """The options for these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: invalid flags.
      InputError: a --flagfile that can't be read.
    """
    given = parse_flags(PROGRAM, arguments)
    if isinstance(given, str):
        return given
    values = values_of(FLAGS, given)
    limits = Limits(values.pop("max_pixels"), values.pop("max_megabytes"))
    return Options(limits=limits, **values)
