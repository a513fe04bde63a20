"""From the text of a flag to the value of a setting."""

import dataclasses
import os
import re
from typing import Any

__all__ = ["LISTS", "number", "setting"]

LISTS = ("style_blend", "style_layers", "content_layers")
"""Settings whose flags hold several values each, and add up."""

_NUMBER_OR_AUTO = ("levels", "tile_size", "steps_per_execution")


def setting(field: dataclasses.Field[Any], texts: list[str]) -> Any:
    """The value that a flag's texts stand for; what is none stays text, for `Config` to refuse."""
    items = [item.strip() for text in texts if text for item in text.split(",")]
    if field.name in ("style_layers", "content_layers"):
        return tuple(_layer(item) for item in items)
    if field.name == "style_blend":
        return tuple(number(item, float) for item in items)
    if field.name == "size" and re.fullmatch(r"\d+x\d+", texts[0]):
        return tuple(int(side) for side in texts[0].split("x"))
    if isinstance(field.default, float):
        return number(texts[0], float)
    if isinstance(field.default, int) or field.name in _NUMBER_OR_AUTO:
        return number(texts[0], int)
    return os.path.expanduser(texts[0]) if field.name == "init" else texts[0]


def _layer(item: str) -> tuple[str, float | str]:
    layer, _, weight = item.partition(":")
    return layer.strip(), number(weight, float) if weight else 1.0


def number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """The number, or the text as it is, for `Config` to say what it must be."""
    try:
        return kind(text)
    except ValueError:
        return text
