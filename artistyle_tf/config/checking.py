"""Validation of a `Config` when it is made: single settings, and combinations of them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf.config.choices import INITS
from artistyle_tf.config.validation import (
    MAX_WEIGHT,
    blend,
    integer,
    memory_size,
    number,
    one_of,
    weighted_layers,
)
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.weights import check_name

__all__ = ["MAX_SIZE", "checked", "layer_weights"]

MIN_SIZE = 16
MAX_SIZE = 65536
MIN_TILE = 32

ABSENT = {"texture": "content", "reconstruct": "style"}
"""Task → the kind of picture that it does not use."""

WHOLE = {
    "iterations": (1, 10**7),
    "seed": (0, 2**63 - 1),
    "history": (1, 1000),
    "coarsest": (MIN_SIZE, MAX_SIZE),
    "finer_iterations": (0, 10**7),
}
"""Setting → minimum and maximum, for integers."""

REAL = {
    "content_weight": (0, MAX_WEIGHT),
    "style_weight": (0, MAX_WEIGHT),
    "tv_weight": (0, MAX_WEIGHT),
    "gamut_weight": (0, MAX_WEIGHT),
    "palette_weight": (0, MAX_WEIGHT),
    "strength": (0, 1),
    "balance": (0, 1),
    "learning_rate": (1e-6, 1e6),
    "precondition": (0, 2),
    "settle": (0, 2),
    "style_scale": (0.01, 100),
    "init_noise": (0, 1),
    "noise_amplitude": (0, 255),
    "finest": (0.01, 0.99),
    "level_step": (1.2, 16),
    "tolerance": (0, 0.5),
}
"""Setting → minimum and maximum, for real numbers."""


def checked(values: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The settings as stored in a `Config`: within their bounds, in hashable types.

    Args:
      values: setting → value as given, all of them.
      choices: setting → its allowed values, if it is one of a few words.

    Raises:
      ConfigError: an invalid value; the message begins with the setting's name.
    """
    kept = dict(values)
    for name in ("style_layers", "content_layers"):
        kept[name] = weighted_layers(name, kept[name])
    kept["style_blend"] = blend(kept["style_blend"])
    for name, words in choices.items():
        if kept[name] not in words:
            raise ConfigError(f"{name} is {kept[name]!r}; it must be {one_of(words)}")
    kept["size"] = _size(kept["task"], kept["size"])
    _check_task(kept)
    for name, (least, greatest) in WHOLE.items():
        kept[name] = integer(name, kept[name], least, greatest)
    if kept["levels"] != "auto":
        kept["levels"] = integer("levels", kept["levels"], 1, 16, " or auto")
    if kept["steps_per_execution"] != "auto":
        steps = integer("steps_per_execution", kept["steps_per_execution"], 1, 64, " or auto")
        kept["steps_per_execution"] = steps
    if kept["tile_size"] != "auto":
        kept["tile_size"] = _tile_size(kept["tile_size"])
    if kept["memory"] is not None:
        memory_size(kept["memory"])
    for name, (low, high) in REAL.items():
        if kept[name] is not None or name not in ("strength", "style_weight"):
            kept[name] = number(name, kept[name], low, high)
    if kept["strength"] is None and kept["style_weight"] is None:
        raise ConfigError("strength and style_weight are both None; one must be a number")
    if kept["formula"] == "paper" and kept["statistics"] != "gram":
        raise ConfigError(
            f"statistics is {kept['statistics']!r}; formula paper is of Gram matrices, so it must "
            "be gram, or the formula mean"
        )
    for name in ("init", "weights"):
        if isinstance(kept[name], os.PathLike):
            kept[name] = os.fspath(kept[name])
    _check_init(kept["init"])
    check_name(kept["weights"])
    _check_layers(kept)
    return kept


def layer_weights(settings: Mapping[str, Any], kind: str) -> dict[str, float]:
    """Layer → weight of the content or style layers in use; without the kind's overall weight."""
    if kind == ABSENT.get(settings["task"]) or settings[f"{kind}_weight"] == 0:
        return {}
    return {name: weight for name, weight in settings[f"{kind}_layers"] if weight}


def _size(task: str, size: Any) -> int | tuple[int, ...]:
    if isinstance(size, tuple | list):
        if task != "texture" or len(size) != 2:
            raise ConfigError(
                f"size is {size!r}; it must be one number, the longer side in px (two, "
                "width and height, are for task texture)"
            )
        return tuple(integer("size", side, MIN_SIZE, MAX_SIZE) for side in size)
    longer = integer("size", size, 0, MAX_SIZE, ", or two like 640x480 for task texture")
    if 0 < longer < MIN_SIZE:
        raise ConfigError(f"size is {longer}; it must be 0 or at least {MIN_SIZE} px")
    return longer


def _tile_size(tile: Any) -> int:
    side = integer("tile_size", tile, 0, MAX_SIZE, " or auto")
    if side % 16 or 0 < side < MIN_TILE:
        raise ConfigError(
            f"tile_size is {side}; it must be 0, auto or a multiple of 16 px, {MIN_TILE} or more"
        )
    return side


def _check_task(settings: Mapping[str, Any]) -> None:
    """Rejects settings that refer to a picture which the task doesn't have."""
    task, init, color = settings["task"], settings["init"], settings["color"]
    absent = ABSENT.get(task)
    if absent and init == absent:
        raise ConfigError(f"init is {absent!r}, and task {task} has none; try init noise")
    if task == "reconstruct" and init == "content":
        raise ConfigError("init is 'content', which task reconstruct is to find; try init noise")
    if absent and color != "style":
        raise ConfigError(
            f"color is {color!r}, which needs content and style; task {task} has no {absent}"
        )


def _check_layers(settings: Mapping[str, Any]) -> None:
    """Some layer must count, and no weight may be so large that its square overflows float32."""
    counting = {kind: layer_weights(settings, kind) for kind in ("content", "style")}
    for kind, layers in counting.items():
        for layer, weight in layers.items():
            product = (settings[f"{kind}_weight"] or 1) * weight
            number(f"{kind}_weight times that of {layer}", product, 0, MAX_WEIGHT)
    if not any(counting.values()):
        raise ConfigError(
            "content_weight and style_weight, or all layer weights, are 0: "
            "there is nothing to minimise"
        )


def _check_init(init: Any) -> None:
    # A bare word is more likely a typo than a file: report it now, rather than when opening it.
    if not isinstance(init, str) or (init not in INITS and not os.path.splitext(init)[1]):
        raise ConfigError(
            f"init is {init!r}; it must be {one_of(INITS)}, or a picture file like a.png"
        )
