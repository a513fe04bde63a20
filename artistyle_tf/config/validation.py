"""Validation of settings: a valid value, or a `ConfigError` that says what would be."""

import dataclasses
import numbers
import os
import re
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from artistyle_tf.config.choices import INITS
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import check_name

Layers = tuple[tuple[str, float], ...]  # Layer names with their weights, in order.

MIN_SIZE = 16
MAX_SIZE = 65536
MIN_TILE = 32
MAX_WEIGHT = 1e12

_UNITS = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_MEMORY = re.compile(r"(\d{1,18}(?:\.\d+)?) ?([a-z]*)", re.ASCII | re.IGNORECASE)


def one_of(choices: Iterable[str]) -> str:
    """The choices, as listed in an error message."""
    return "one of " + ", ".join(choices)


def integer(name: str, value: Any, low: int, high: int, otherwise: str = "") -> int:
    """An integer from low to high; `otherwise` names other accepted values."""
    numeric = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not numeric or not low <= value <= high:
        bounds = f"from {low} to {high}" if high < 2**31 else f"{low} or more"
        raise ConfigError(f"{name} is {value!r}; it must be a whole number {bounds}{otherwise}")
    return int(value)


def number(name: str, value: Any, low: float, high: float) -> float:
    """A real number from low to high; not NaN."""
    numeric = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not numeric or not low <= value <= high:  # false for NaN
        raise ConfigError(f"{name} is {value!r}; it must be a number from {low:g} to {high:g}")
    return float(value)


def valid(field: dataclasses.Field[Any], value: Any) -> Any:
    """The value as a `Config` keeps it: one of the field's words, within its bounds, hashable.
    ConfigError: it is not; the message begins with the setting's name."""
    name, kinds = field.name, get_args(field.type)
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    words, bounds = words_of(field), field.metadata["bounds"]
    if words and value not in words:
        raise ConfigError(f"{name} is {value!r}; it must be {one_of(words)}")
    if name in _CHECKS:
        return _CHECKS[name](name, value)
    if bounds is None or (value is None and NoneType in kinds):
        return value
    low, high = bounds
    if Literal["auto"] in kinds:
        return value if value == "auto" else integer(name, value, low, high, " or auto")
    return integer(name, value, low, high) if field.type is int else number(name, value, low, high)


def words_of(field: dataclasses.Field[Any]) -> tuple[str, ...]:
    """The words that a setting can be; none if it is not one of a few."""
    return get_args(field.type) if get_origin(field.type) is Literal else ()


def _size(name: str, size: Any) -> int | tuple[int, ...]:
    if isinstance(size, tuple | list) and len(size) == 2:
        return tuple(integer(name, side, MIN_SIZE, MAX_SIZE) for side in size)
    longer = integer(name, size, 0, MAX_SIZE, ", or two like 640x480 for task texture")
    if 0 < longer < MIN_SIZE:
        raise ConfigError(f"size is {longer}; it must be 0 or at least {MIN_SIZE} px")
    return longer


def _tile_size(name: str, tile: Any) -> int | str:
    if tile == "auto":
        return "auto"
    side = integer(name, tile, 0, MAX_SIZE, " or auto")
    if side % 16 or 0 < side < MIN_TILE:
        raise ConfigError(
            f"tile_size is {side}; it must be 0, auto or a multiple of 16 px, {MIN_TILE} or more"
        )
    return side


def _init(name: str, init: Any) -> str:
    # A bare word is more likely a typo than a file: report it now, rather than when opening it.
    if not isinstance(init, str) or (init not in INITS and not os.path.splitext(init)[1]):
        raise ConfigError(
            f"init is {init!r}; it must be {one_of(INITS)}, or a picture file like a.png"
        )
    return init


def _weights(name: str, weights: Any) -> Any:
    check_name(weights)
    return weights


def _memory(name: str, memory: Any) -> Any:
    if memory is not None:
        memory_size(memory)
    return memory


def _layers(name: str, value: Any) -> Layers:
    """Pairs of a layer of VGG19 and its weight, from a mapping or from pairs."""
    pairs = value.items() if isinstance(value, Mapping) else value
    try:
        layers = [(str(layer), weight) for layer, weight in pairs]
    except (TypeError, ValueError):
        raise ConfigError(
            f"{name} is {value!r}; it must be pairs of a layer and a weight"
        ) from None
    if not layers:
        raise ConfigError(f"{name} is empty; name at least one layer (a weight of 0 leaves it out)")
    for layer, _ in layers:
        if layer not in VGG19_LAYERS:
            raise ConfigError(f"{name} has {layer!r}; it must be {one_of(VGG19_LAYERS)}")
    if len(dict(layers)) < len(layers):
        raise ConfigError(f"{name} names a layer twice")
    return tuple(
        (layer, number(f"{name}: {layer}", weight, 0, MAX_WEIGHT)) for layer, weight in layers
    )


def _blend(name: str, value: Any) -> tuple[float, ...]:
    """Shares of styles, not all 0; an empty tuple means equal shares."""
    try:
        shares = tuple(value)
    except TypeError:
        raise ConfigError(f"style_blend is {value!r}; it must be numbers like 0.7,0.3") from None
    shares = tuple(number("style_blend", share, 0, MAX_WEIGHT) for share in shares)
    if shares and not sum(shares):
        raise ConfigError("style_blend is all zeros; at least one share must be positive")
    return shares


def memory_size(value: str | int) -> int:
    """Bytes, from an integer or from text, where GB is 10^9 and GiB 2^30 bytes.

    >>> memory_size("1.5GB"), memory_size("8 GiB"), memory_size(500)
    (1500000000, 8589934592, 500)
    """
    count = 0
    if isinstance(value, str):
        found = _MEMORY.fullmatch(value.strip())
        if found and found[2].lower() in _UNITS:
            count = round(float(found[1]) * _UNITS[found[2].lower()])
    elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
        count = int(value)
    if count <= 0:
        raise ConfigError(
            f"memory is {value!r}; it must be like 8GB, 500MB or 1.5GiB, or a number of bytes"
        )
    return count


_CHECKS = {
    "size": _size,
    "tile_size": _tile_size,
    "init": _init,
    "weights": _weights,
    "memory": _memory,
    "style_blend": _blend,
    "style_layers": _layers,
    "content_layers": _layers,
}
"""Setting → its own check, where a type and bounds don't say all."""
