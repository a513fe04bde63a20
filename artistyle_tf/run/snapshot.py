"""Where a run stands after an iteration: what a checkpoint says beside the minimiser's arrays.

Plain values only, since they go through JSON; what comes back is checked, because a file may say
anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from artistyle_tf.run.memory import Plan

__all__ = ["Snapshot"]

_DTYPES = ("float32", "bfloat16")


class Snapshot(NamedTuple):
    """A run after an iteration; lists are as long as there are levels, or levels begun."""

    level: int
    """Of the state, from 0."""
    before: tuple[int, int]
    """Iterations and evaluations before that level."""
    budgets: tuple[int, ...]
    """Iterations that each level may take."""
    levels: tuple[tuple[int, int, int], ...]
    """(height, width, iterations done) of each level that was begun."""
    plans: tuple[Plan, ...]
    dtype: str
    """What convolutions compute in now."""
    convolutions: str
    """What they have computed in, as the record says it."""
    balance: Mapping[str, float] | None
    """Style layer → factor that `balance` "equal" found at the start."""
    trace: tuple[tuple[int, float, float, int, int], ...]
    """As in `Result`."""

    def header(self) -> dict[str, Any]:
        """Values for JSON."""
        return self._asdict()

    @classmethod
    def parse(
        cls, header: Mapping[str, Any], sizes: Sequence[tuple[int, int]], layers: Sequence[str]
    ) -> "Snapshot":
        """What `header` made.

        Args:
          header: as it came back.
          sizes: (height, width) of all levels of this run.
          layers: its style layers.

        Raises:
          ValueError: it can't be of a run with such levels.
        """
        missing = [name for name in cls._fields if name not in header]
        if missing:
            raise ValueError(f"its header has no {missing[0]}")
        level = _whole(header["level"], len(sizes) - 1, "level")
        levels = _rows(header["levels"], 3, "levels")
        if [row[:2] for row in levels] != [tuple(size) for size in sizes[: level + 1]]:
            raise ValueError("its levels are not this run's")
        balance = header["balance"]
        if balance is not None:
            if not isinstance(balance, dict) or sorted(balance) != sorted(layers):
                raise ValueError("its balance is not of this run's layers")
            balance = {name: _real(factor, "balance") for name, factor in balance.items()}
        dtype, convolutions = header["dtype"], header["convolutions"]
        if dtype not in _DTYPES or not _plain(convolutions):
            raise ValueError("its dtypes are none of ours")
        if not isinstance(header["trace"], list):
            raise ValueError("its trace is no list")
        return cls(
            level=level,
            before=_rows([header["before"]], 2, "before")[0],
            budgets=_rows([header["budgets"]], len(sizes), "budgets")[0],
            levels=levels,
            plans=tuple(Plan(*row) for row in _plans(header["plans"], len(sizes))),
            dtype=dtype,
            convolutions=convolutions,
            balance=balance,
            trace=tuple(_traced(row) for row in header["trace"]),
        )


def _whole(value: Any, most: float, name: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"its {name} can't be {str(value)[:40]}")
    return value


def _real(value: Any, name: str) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"its {name} can't be {str(value)[:40]}")
    return float(value)


def _plain(text: Any) -> bool:
    return isinstance(text, str) and text.isprintable() and len(text) < 100


def _rows(rows: Any, length: int, name: str) -> tuple[Any, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError(f"its {name} are no list")
    if any(len(row) != length for row in rows):
        raise ValueError(f"its {name} are not {length} numbers")
    return tuple(tuple(_whole(value, 2**62, name) for value in row) for row in rows)


def _plans(rows: Any, count: int) -> tuple[Any, ...]:
    plans = _rows(rows, len(Plan._fields), "plans")
    if len(plans) != count or any(tile % 16 or not history for tile, history, _ in plans):
        raise ValueError("its plans are not of this run's levels")
    return plans


def _traced(row: Any) -> tuple[int, float, float, int, int]:
    if not isinstance(row, list) or len(row) != 5:
        raise ValueError("its trace is no table")
    count, seconds, value, height, width = row
    (sides,) = _rows([[count, height, width]], 3, "trace")
    return sides[0], _real(seconds, "trace"), _real(value, "trace"), sides[1], sides[2]
