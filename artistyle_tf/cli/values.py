"""Converts the text of flags to values of settings."""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError

__all__ = [
    "LISTS",
    "config_of",
    "named_as_flags",
    "number",
    "overrides_of",
    "paths_of",
    "setting",
]

LISTS = ("style_blend", "style_layers", "content_layers")
"""Settings whose flags take several values each, and accumulate."""

_NUMBER_OR_AUTO = ("levels", "tile_size", "steps_per_execution")


def setting(field: dataclasses.Field[Any], texts: list[str]) -> Any:
    """The value of a flag's texts; invalid ones stay text, for `Config` to reject."""
    items = [item.strip() for text in texts if text for item in text.split(",")]
    if field.name in ("style_layers", "content_layers"):
        return tuple(_layer(item) for item in items)
    if field.name == "style_blend":
        return tuple(number(item, float) for item in items)
    if field.name == "size" and re.fullmatch(r"\d+x\d+", texts[0]):
        return tuple(int(side) for side in texts[0].split("x"))
    if isinstance(field.default, float) or field.name == "style_weight":
        return number(texts[0], float)
    if isinstance(field.default, int) or field.name in _NUMBER_OR_AUTO:
        return number(texts[0], int)
    return os.path.expanduser(texts[0]) if field.name == "init" else texts[0]


def _layer(item: str) -> tuple[str, float | str]:
    layer, _, weight = item.partition(":")
    return layer.strip(), number(weight, float) if weight else 1.0


def number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """The number, or the unchanged text, so that `Config` can say what it must be."""
    try:
        return kind(text)
    except ValueError:
        return text


def config_of(given: Mapping[str, list[str]]) -> Config:
    """The settings given by flags, on top of those of the preset.

    Raises:
      ConfigError: invalid settings; the message begins with the flag's name.
    """
    preset, overrides = given.get("preset", ["artistyle"])[0], overrides_of(given)
    with named_as_flags():
        return Config.preset(preset, **overrides)


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


def paths_of(given: Mapping[str, list[str]], name: str) -> list[str]:
    """A flag's text is a list, unless a file has that name; repeated flags hold one path each."""
    texts = given.get(name, [])
    if len(texts) == 1 and not os.path.exists(texts[0]):
        texts = [path.strip() for path in texts[0].split(",")]
    if not all(texts):
        raise ConfigError(f"--{name} has an empty name; write --{name}=FILE or --{name}=FILE,FILE")
    return [os.path.expanduser(path) for path in texts]
