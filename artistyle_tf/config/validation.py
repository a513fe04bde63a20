"""Validation of single settings: a valid value, or a `ConfigError` that says what would be."""

import numbers
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

__all__ = [
    "MAX_WEIGHT",
    "Layers",
    "blend",
    "integer",
    "memory_size",
    "number",
    "one_of",
    "weighted_layers",
]

Layers = tuple[tuple[str, float], ...]
"""Layer names with their weights, in order."""

MAX_WEIGHT = 1e12

_DECIMAL = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS = {**_DECIMAL, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_MEMORY = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?([a-z]*)", re.ASCII | re.IGNORECASE)


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


def weighted_layers(name: str, value: Any) -> Layers:
    """Pairs of a layer of VGG19 and its weight, from a mapping or from pairs."""
    pairs = value.items() if isinstance(value, Mapping) else value
    try:
        layers = tuple((str(layer), weight) for layer, weight in pairs)
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


def blend(value: Any) -> tuple[float, ...]:
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
            count = int(Decimal(found[1]) * _UNITS[found[2].lower()])
    elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
        count = int(value)
    if count <= 0:
        raise ConfigError(
            f"memory is {value!r}; it must be like 8GB, 500MB or 1.5GiB, or a number of bytes"
        )
    return count
