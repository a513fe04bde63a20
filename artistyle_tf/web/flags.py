"""The flags of `artistyle-web`. absl only; neither TensorFlow nor Gradio."""

import os
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.command.arguments import parsed
from artistyle_tf.errors import ConfigError
from artistyle_tf.network.weights import check_name
from artistyle_tf.web.uploads import Limits

__all__ = ["Options", "parse"]

USAGE = "artistyle-web [flags]"

_NUMBERS = {
    "port": (0, 65535),
    "max_pixels": (256, 178_956_970),
    "max_megabytes": (1, 100_000),
}
"""Flag → the least and the greatest whole number."""

_LIMITS = Limits()

_FLAGS = {
    "host": ("127.0.0.1", "address to listen at; 0.0.0.0: anybody who reaches this machine"),
    "port": ("7860", "port to listen at; 0: any that is free"),
    "weights": ("auto", "the network to begin with, as for artistyle --weights"),
    "folder": ("artistyle-paintings", "where every painting is saved"),
    "max_pixels": (str(_LIMITS.pixels), "pixels of a picture at the most, given or painted"),
    "max_megabytes": (str(_LIMITS.megabytes), "size of an upload at the most, 10^6 bytes each"),
}
_SWITCHES = {
    "share": "also make a public link, by a tunnel of Gradio's through servers of others",
    "open_browser": "open the page in the browser of this machine",
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
    """The options of these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: flags that can't be.
      InputError: a --flagfile that can't be read.
    """
    values, rest = parsed("artistyle-web", arguments, _FLAGS, ("help", "version", *_SWITCHES))
    if values["help"].value:
        return _help()
    if values["version"].value:
        from artistyle_tf import __version__

        return f"artistyle-web {__version__}"
    if rest:
        raise ConfigError(f"{rest[0]!r} is no flag; {USAGE}")
    texts = {name: (values[name].value or [default])[-1] for name, (default, _) in _FLAGS.items()}
    for name, text in texts.items():
        if not text:
            raise ConfigError(f"--{name} is empty; leave it out for {_FLAGS[name][0]}")
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
    lines = ["A page to paint on, in the browser.", "", f"  {USAGE}", ""]
    texts = {name: f"{text} [{default}]" for name, (default, text) in _FLAGS.items()}
    for name, text in {**texts, **_SWITCHES}.items():
        wrapped = textwrap.wrap(text, 72, break_on_hyphens=False)
        lines += [f"  --{name}", *(f"      {line}" for line in wrapped)]
    lines += ["", "Ctrl-C ends it, after what was painted is saved.", "Exit status: 0 ended, 1 it"]
    lines[-1] += " can't be served, 2 a flag is no good."
    return "\n".join(lines)
