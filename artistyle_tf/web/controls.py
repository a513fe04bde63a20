"""Makes the page's controls from the fields of `Config`, and a `Config` from them. No Gradio."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from artistyle_tf.cli.parsing import setting, shown
from artistyle_tf.config.config import INITS, Config
from artistyle_tf.config.validation import one_of, words_of
from artistyle_tf.errors import ConfigError

__all__ = ["FIRST", "MAIN", "Control", "all_controls", "make_config", "preset_values"]

MAIN = ("strength", "size", "style_scale", "color", "init")
"""The main controls, in the order of the page."""

FIRST = "fast"
"""The preset selected at first: the best picture for the time."""

_SHIPPED = ("auto", "imagenet-8bit", "preview")
"""Networks offered on the page; only the server's --weights may name a file or download one."""

_CHOICES = {"size": ("256", "384", "512", "768", "1024"), "init": INITS}
_KINDS = {"strength": "share", "style_scale": "scale", "size": "open", "style_weight": "text"}
_LABELS = {
    "size": "Size",
    "style_scale": "Stroke size",
    "color": "Colours",
    "init": "Start from",
    "tv_weight": "TV weight",
    "balance": "Balance of layers",
}
_HELP = {
    "strength": "0: the photo, 1: little of it",
    "size": "longer side, px",
    "style_scale": "1: as in the painting",
}


class Control(NamedTuple):
    """One control of the page."""

    name: str
    """Name of the setting."""
    label: str
    group: str
    help: str
    kind: str
    """"share" (slider from 0 to 1), "scale" (slider), "choice", "open" (a choice or free text),
    "number", "whole" or "text"."""
    choices: Sequence[str] = ()


def all_controls(weights: str = "auto") -> list[Control]:
    """Every field of `Config`.

    Args:
      weights: the `--weights` of the server, which can be chosen too.
    """
    offered = _CHOICES | {"weights": tuple(dict.fromkeys((weights, *_SHIPPED)))}
    kinds = {float: "number", int: "whole"}
    controls = []
    for field in dataclasses.fields(Config):
        name, choices = field.name, offered.get(field.name, words_of(field))
        kind = "choice" if choices else kinds.get(type(field.default), "text")
        text = _HELP.get(name, field.metadata["help"])
        if name == "style_weight":
            text += "; empty: set by Strength"
        label = _LABELS.get(name, name.replace("_", " ").capitalize())
        group = field.metadata["group"]
        controls.append(Control(name, label, group, text, _KINDS.get(name, kind), choices))
    return controls


def preset_values(preset: str, weights: str = "auto") -> dict[str, Any]:
    """Control → its value for a preset.

    Raises:
      ConfigError: an unknown preset.
    """
    config = Config.preset(preset, weights=weights)
    values: dict[str, Any] = {}
    for control in all_controls(weights):
        value = getattr(config, control.name)
        if control.name == "strength":
            values[control.name] = _slider(config)
        elif control.kind in ("number", "whole", "scale"):
            values[control.name] = value
        else:
            values[control.name] = shown(value) or ""
    return values


def _slider(config: Config) -> float:
    """Where the slider of the strength stands; for a style weight, where it does by default."""
    default = Config.strength
    assert default is not None
    return default if config.strength is None else config.strength


def make_config(preset: str, values: Mapping[str, Any], weights: str = "auto") -> Config:
    """The settings selected on the page.

    Args:
      preset: name of the preset.
      values: control → number or text; the preset's value if missing, None or empty.
      weights: the `--weights` of the server.

    Raises:
      ConfigError: an invalid value; the message starts with the name of the setting.
    """
    base = Config.preset(preset, weights=weights)
    fields = {field.name: field for field in dataclasses.fields(Config)}
    changed: dict[str, Any] = {"weights": weights}
    for control in all_controls(weights):
        value = values.get(control.name)
        if value is None or not str(value).strip() or control.name == "strength":
            continue
        if control.kind == "choice" and value not in control.choices:
            raise ConfigError(f"{control.name} is {value!r}; it must be {one_of(control.choices)}")
        text, own = str(value).strip(), getattr(base, control.name)
        if text in (shown(own), str(own)):  # the value shown may be rounded
            continue
        meant = setting(fields[control.name], [text])
        if meant != own:
            changed[control.name] = meant
    if not str(values.get("style_weight") or "").strip() and values.get("strength") is not None:
        asked = float(values["strength"])
        if asked != _slider(base):  # it was moved from the preset's position
            changed["strength"] = asked
    return Config.preset(preset, **changed)
