"""NVIDIA cards: how CUDA numbers them, and how much memory is free on each. No TensorFlow."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Card", "card_free", "cards", "counted_as"]

QUERY = "--query-gpu=index,uuid,memory.free,name"


class Card(NamedTuple):
    """A row of `nvidia-smi`."""

    row: int
    """Its number in PCI bus order, which may differ from CUDA's."""
    uuid: str
    """Like "GPU-8f6d5fa2-…"."""
    free: int | None
    """Bytes of free memory; None if the driver doesn't report it."""
    name: str = ""
    """The model."""


def cards() -> tuple[Card, ...]:
    """All cards of this machine, regardless of the environment; none without `nvidia-smi`."""
    try:
        told = subprocess.run(
            ["nvidia-smi", QUERY, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        rows = [line.split(",", 3) for line in told.stdout.splitlines() if line.strip()]
        return tuple(_card(*(cell.strip() for cell in row)) for row in rows)
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return ()


def _card(index: str, uuid: str, free: str, name: str = "") -> Card:
    return Card(int(index), uuid, int(free) * 2**20 if free.isdecimal() else None, name)


def counted_as(
    number: int,
    known: Sequence[Card],
    name: str = "",
    environment: Mapping[str, str] = os.environ,
) -> list[Card]:
    """The cards that CUDA's device `number` may be: one, several of the same model, or none.

    CUDA_VISIBLE_DEVICES lists numbers or (prefixes of) UUIDs and ends at the first invalid entry.
    Unless CUDA_DEVICE_ORDER is PCI_BUS_ID, CUDA numbers the fastest card first: with different
    models in the machine, the model identifies a card better than the number.
    """
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        asked = [str(card.row) for card in known]
    else:
        asked = []
        for word in map(str.strip, listed.split(",")):
            if not _found(word, known):
                break
            asked.append(word)
    if number >= len(asked) or " MIG " in name:  # a MIG partition has memory of its own
        return []
    found = _found(asked[number], known)
    by_bus = environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    models = {card.name for card in known}
    if asked[number].isdecimal() and not by_bus and len(models) > 1 and name in models:
        return [card for card in known if card.name == name]
    return found


def _found(word: str, known: Sequence[Card]) -> list[Card]:
    if word.isdecimal():
        return [card for card in known if card.row == int(word)]
    return [card for card in known if word.startswith("GPU-") and card.uuid.startswith(word)]


def card_free(number: int, known: Sequence[Card], name: str = "") -> int | None:
    """Bytes free on CUDA's device `number`, the least of all cards it may be; None if unknown.

    Args:
      number: CUDA's device number, under this process's environment.
      known: all cards of the machine.
      name: the device's model, if known.
    """
    found = [card.free for card in counted_as(number, known, name) if card.free is not None]
    return min(found, default=None)
