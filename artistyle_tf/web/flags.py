"""The flags of `artistyle-web`. Uses absl only, neither TensorFlow nor Gradio."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.cli.arguments import answered, parsed
from artistyle_tf.cli.flag_table import listed
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.weights import check_name
from artistyle_tf.web.uploads import Limits

__all__ = ["Options", "parse"]

USAGE = "artistyle-web [flags]"

_NUMBERS = {
    "port": (0, 65535),
    "max_pixels": (256, 178_956_970),
    "max_megabytes": (1, 100_000),
}
"""Flag → minimum and maximum, both integers."""

_LIMITS = Limits()

_FLAGS = {
    "host": ("127.0.0.1", "address to listen on; 0.0.0.0: all networks, with no password"),
    "port": ("7860", "port to listen on; 0: any free port"),
    "weights": ("auto", "the network selected at first, as for artistyle --weights"),
    "folder": ("artistyle-paintings", "folder in which every painting is saved"),
    "max_pixels": (str(_LIMITS.pixels), "maximum pixels of a picture, uploaded or painted"),
    "max_megabytes": (str(_LIMITS.megabytes), "maximum size of an upload, in 10^6 bytes"),
}
_SWITCHES = {
    "share": "also create a public link, through a Gradio tunnel over servers of third parties",
    "open_browser": "open the page in this machine's browser",
}


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
    values, rest = parsed("artistyle-web", arguments, _FLAGS, ("help", "version", *_SWITCHES))
    answer = answered("artistyle-web", values, _help)
    if answer is not None:
        return answer
    if rest:
        raise ConfigError(f"{rest[0]!r} is not a flag; write {USAGE}")
    texts = {name: (values[name].value or [default])[-1] for name, (default, _) in _FLAGS.items()}
    for name, text in texts.items():
        if not text:
            raise ConfigError(f"--{name} is empty; omit it to use {_FLAGS[name][0]}")
    numbers = {name: _whole(name, texts[name]) for name in _NUMBERS}
    weights = os.path.expanduser(texts["weights"])
    try:
        check_name(weights)
    except ConfigError as error:
        raise ConfigError(f"--{error}") from None
    return Options(
        host=texts["host"],
        port=numbers["port"],
        weights=weights,
        folder=os.path.expanduser(texts["folder"]),
        limits=Limits(numbers["max_pixels"], numbers["max_megabytes"]),
        share=bool(values["share"].value),
        open_browser=bool(values["open_browser"].value),
    )


def _whole(name: str, text: str) -> int:
    least, greatest = _NUMBERS[name]
    if not text.isdecimal() or not least <= int(text) <= greatest:
        raise ConfigError(
            f"--{name} is {text!r}; it must be a whole number from {least} to {greatest}"
        )
    return int(text)


def _help() -> str:
    lines = ["Serves a web page on which you can paint.", "", f"  {USAGE}", ""]
    lines += listed(("", name, text, default) for name, (default, text) in _FLAGS.items())
    lines += listed(("", name, text, "") for name, text in _SWITCHES.items())
    lines += ["", "Ctrl-C saves the current painting and stops the server."]
    lines += ["Exit status: 0 stopped by the user, 1 the page can't be served, 2 a wrong flag."]
    return "\n".join(lines)
