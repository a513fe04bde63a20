"""What a user gives on the page, checked: settings, pictures and a mask. No Gradio."""

import contextlib
import dataclasses
import functools
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from artistyle_tf.cli.parsing import setting
from artistyle_tf.config.config import Config
from artistyle_tf.config.validation import one_of, words_of
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import Picture, read
from artistyle_tf.images.sizes import fit, resize, shrink
from artistyle_tf.text import flag_text

SKETCHED = 512  # Longer side in px of the pictures that drafts are made from.
_SHIPPED = ("auto", "imagenet-8bit", "preview")
"""Networks on offer; only the server's --weights may name a file or download one."""
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "size": {size: size for size in ("256", "384", "512", "768", "1024")},
    "color": {
        "style": "the style image's",
        "luminance": "the photo's; paint brightness only",
        "match": "the photo's, matched",
        "cholesky": "the photo's, matched (Cholesky)",
        "histogram": "the photo's, matched by histogram",
    },
    "init": {
        "content": "the photo",
        "noise": "white noise",
        "style": "the style image",
        "grey": "plain grey",
    },
}
"""Setting → its values, with words for them."""
_KINDS = {"strength": "share", "style_scale": "scale", "size": "open", "style_weight": "text"}
_LABELS = {
    "style_scale": "Stroke size",
    "color": "Colours",
    "init": "Start from",
    "tv_weight": "TV weight",
    "balance": "Balance of layers",
}
_HELP = {
    "strength": "0: the photo, 1: little of it",
    "size": "longer side, px",
    "style_scale": "1: as in the style image",
    "style_weight": "weight β of the style loss; empty: set by Strength",
    "weights": "auto: the best there is here; preview: small, for drafts",
}
_RAW = {
    "init_noise", "noise_amplitude", "coarsest", "level_step", "finest", "finer_iterations",
    "carry", "tolerance", "history", "learning_rate", "precondition", "settle", "padding",
    "precision", "tile_size", "memory", "jit_compile", "steps_per_execution", "gamut_weight",
    "palette_weight", "style_blend", "formula",
}  # fmt: skip
"""Settings without a control: they are as the preset has them, and flags of `artistyle`."""


class Control(NamedTuple):
    """One control of the page, for the setting `name`."""

    name: str
    label: str
    group: str
    help: str
    kind: str
    """share (slider, 0 to 1), scale (slider), choice, open (choice or text), number, whole,
    text."""
    choices: Mapping[str, str] = {}
    """Value → the words for it."""


def all_controls(weights: str = "auto") -> list[Control]:
    """A control per field of `Config` but the raw ones; `weights`, the server's `--weights`, can be
    chosen too."""
    offered = {**_CHOICES, "weights": {name: name for name in (weights, *_SHIPPED)}}
    kinds = {float: "number", int: "whole"}
    controls = []
    for field in dataclasses.fields(Config):
        name = field.name
        if name in _RAW:
            continue
        choices = offered.get(name) or {word: word for word in words_of(field)}
        kind = "choice" if choices else kinds.get(type(field.default), "text")
        text = _HELP.get(name, field.metadata["help"])
        label = _LABELS.get(name, name.replace("_", " ").capitalize())
        group = "Losses" if field.metadata["group"] == "Balance" else field.metadata["group"]
        controls.append(Control(name, label, group, text, _KINDS.get(name, kind), choices))
    return controls


def preset_values(preset: str, weights: str = "auto") -> dict[str, Any]:
    """A preset's value for each control. ConfigError: no such preset."""
    config = Config.preset(preset, weights=weights)
    values: dict[str, Any] = {}
    for control in all_controls(weights):
        value = getattr(config, control.name)
        plain = control.kind in ("number", "whole", "scale")
        values[control.name] = value if plain else flag_text(value)
    return values | {"strength": _slider(config)}


def _slider(config: Config) -> float:
    """Where the slider of the strength stands; for a style weight, where it does by default."""
    default = Config.strength
    assert default is not None
    return default if config.strength is None else config.strength


def make_config(preset: str, values: Mapping[str, Any], weights: str = "auto") -> Config:
    """The settings on the page, and the preset's where a control's value is None or empty.

    ConfigError: an invalid value; the message starts with the name of the setting.
    """
    base = Config.preset(preset, weights=weights)
    fields = {field.name: field for field in dataclasses.fields(Config)}
    given = {name: str(value).strip() for name, value in values.items() if value is not None}
    changed: dict[str, Any] = {"weights": weights}
    for control in all_controls(weights):
        text, own = given.get(control.name, ""), getattr(base, control.name)
        if control.name == "strength" or text in ("", flag_text(own), str(own)):
            continue  # the value shown may be rounded
        if control.kind == "choice" and text not in control.choices:
            raise ConfigError(f"{control.name} is {text!r}; it must be {one_of(control.choices)}")
        meant = setting(fields[control.name], [text])
        if meant != own:
            changed[control.name] = meant
    if not given.get("style_weight") and "strength" in given:
        asked = float(values["strength"])
        if asked != _slider(base):  # it was moved from the preset's position
            changed["strength"] = asked
    return Config.preset(preset, **changed)


class Limits(NamedTuple):
    pixels: int = 50_000_000  # Of a picture, uploaded or painted.
    megabytes: int = 40  # Of an upload, in 10^6 bytes.


def read_upload(path: str, limits: Limits) -> Picture:
    """Reads a picture. InputError, before decoding, if it has too many pixels; with the name of the
    file, not its path on the server."""
    size = 0, 0
    with warnings.catch_warnings(), contextlib.suppress(Exception):  # `read` reports it
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            size = image.height, image.width
    check_pixels(os.path.basename(path), size, limits)
    try:
        picture = read(path)
    except InputError as error:
        raise InputError(str(error).replace(os.path.join(os.path.dirname(path), ""), "")) from error
    check_pixels(picture.name, picture.rgb.shape, limits)
    return picture


@functools.lru_cache(32)
def read_small(path: str, limits: Limits) -> tuple[Picture, tuple[int, int]]:
    """A small copy of an upload, for drafts, and the (height, width) of the upload itself. Raises
    as `read_upload`."""
    picture = read_upload(path, limits)
    height, width = picture.rgb.shape[:2]
    small = dataclasses.replace(picture, rgb=shrink(picture.rgb, SKETCHED), alpha=None)
    return small, (height, width)


def check_pixels(name: str, shape: Sequence[int], limits: Limits) -> None:
    """InputError if `shape`, (height, width, …), has too many pixels."""
    height, width = shape[:2]
    if width * height > limits.pixels:
        side = math.isqrt(limits.pixels)
        raise InputError(
            f"{name} has {width}×{height} px; this page accepts at most "
            f"{limits.pixels / 1e6:.3g} million, like {side}×{side}"
        )


def drawn_mask(editor: Mapping[str, Any] | None, picture: Picture) -> Picture | None:
    """The mask drawn on a photo, white where painted; None if nothing was. `editor` has "layers",
    each uint8 [H, W, 4], of which only alpha is used."""
    layers = (editor or {}).get("layers") or []
    if not layers:
        return None
    paint = np.stack([np.asarray(layer)[..., 3] for layer in layers]).max(axis=0)
    if not paint.any():
        return None
    # The brush is translucent so that the photo shows through; its full alpha counts as white.
    white = np.clip(paint.astype(np.float32) * (255 / paint.max()), 0, 255).astype(np.uint8)
    height, width = picture.rgb.shape[:2]
    return read(resize(white, fit(height, width, min(max(height, width), 1024))))
