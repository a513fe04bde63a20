"""A run's state as stored in a checkpoint: JSON values, and the search's arrays.

Everything read back is validated, because a file may contain anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.engine.checkpoints import Saved
from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.engine.state import Row, State
from artistyle_tf.objective.targets import Weighing

__all__ = ["arrays_of", "header_of", "parsed", "state_of"]

_DTYPES = ("float32", "bfloat16")


def header_of(state: State) -> dict[str, Any]:
    """The state as JSON values, except its search and what is recomputed."""
    return {
        "level": state.level,
        "before": state.before,
        "budgets": [level.budget for level in state.levels],
        "plans": [level.plan for level in state.levels],
        "levels": [
            (*level.size, done) for level, done in zip(state.levels, state.done, strict=False)
        ],
        "dtype": state.dtype,
        "widened": state.widened,
        "weighing": state.weighing,
        "trace": state.trace,
    }


def arrays_of(search: Any) -> list[tf.Tensor]:
    """A search's tensors in a fixed order, in types that a file can hold: NumPy's format has no
    bfloat16, so its bits are stored as uint16."""
    return [
        tf.bitcast(one, tf.uint16) if one.dtype == tf.bfloat16 else one
        for one in tf.nest.flatten(search)
    ]


def state_of(saved: Saved, fresh: State, scene: Scene, solvers: Solvers) -> State:
    """The saved state, if it can belong to this run.

    Args:
      saved: has the identity of this run, but is otherwise untrusted.
      fresh: the run's first state.
      scene: the run's scene.
      solvers: determine what the search's arrays look like.

    Raises:
      ValueError: it can't.
    """
    layers = list(scene.config.layer_weights("style"))
    state = parsed(saved.header, fresh, layers)
    rows = state.weighing.weights.values() if state.weighing else ()
    if any(len(row) != max(solvers.regions, 1) for row in rows):
        raise ValueError("its weighing is not of this run's regions")
    height, width = state.here.size
    minimizer = solvers.of(state.here, state.dtype).minimizer
    search = minimizer.start(tf.zeros([height * width * 3]))
    kinds = [(tuple(one.shape), one.dtype.as_numpy_dtype) for one in arrays_of(search)]
    if kinds != [(array.shape, array.dtype.type) for array in saved.arrays]:
        raise ValueError("its arrays are not those of this run's minimiser")
    tensors = [
        tf.bitcast(tf.constant(array), one.dtype)
        if one.dtype == tf.bfloat16
        else tf.constant(array)
        for array, one in zip(saved.arrays, tf.nest.flatten(search), strict=True)
    ]
    return state.replace(search=tf.nest.pack_sequence_as(search, tensors))


def parsed(header: Mapping[str, Any], fresh: State, layers: Sequence[str]) -> State:
    """The inverse of `header_of`: a state without a search.

    Args:
      header: as read back.
      fresh: the run's first state, whose level sizes it must match.
      layers: the run's style layers.

    Raises:
      ValueError: it can't belong to that run.
    """
    wanted = ("level", "before", "budgets", "plans", "levels", "dtype", "widened", "weighing")
    for name in (*wanted, "trace"):
        if name not in header:
            raise ValueError(f"its header has no {name}")
    count = len(fresh.levels)
    level = _whole(header["level"], count - 1, "level")
    levels = _rows(header["levels"], 3, "levels")
    if [row[:2] for row in levels] != [one.size for one in fresh.levels[: level + 1]]:
        raise ValueError("its levels are not this run's")
    weighing = header["weighing"]
    if weighing is not None:
        weighing = _weighing(weighing, layers)
    if header["dtype"] not in _DTYPES:
        raise ValueError("its dtype is none of ours")
    if not isinstance(header["trace"], list):
        raise ValueError("its trace is no list")
    widened = header["widened"]
    budgets = _rows([header["budgets"]], count, "budgets")[0]
    plans = _plans(header["plans"], count)
    return State(
        levels=tuple(
            Level(one.size, budget, plan)
            for one, budget, plan in zip(fresh.levels, budgets, plans, strict=True)
        ),
        level=level,
        dtype=header["dtype"],
        widened=None if widened is None else _whole(widened, 2**62, "widened"),
        before=_rows([header["before"]], 2, "before")[0],
        done=tuple(row[2] for row in levels),
        weighing=weighing,
        trace=tuple(_traced(row) for row in header["trace"]),
    )


def _weighing(value: Any, layers: Sequence[str]) -> Weighing:
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], dict):
        raise ValueError("its weighing is none")
    if sorted(value[1]) != sorted(layers):
        raise ValueError("its weighing is not of this run's layers")
    if not all(isinstance(row, list) for row in value[1].values()):
        raise ValueError("its weighing is none")
    weights = {name: tuple(_real(one, "weighing") for one in row) for name, row in value[1].items()}
    return Weighing(_real(value[0], "weighing"), weights)


def _whole(value: Any, most: float, name: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"its {name} can't be {str(value)[:40]}")
    return value


def _real(value: Any, name: str) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"its {name} can't be {str(value)[:40]}")
    return float(value)


def _rows(rows: Any, length: int, name: str) -> tuple[Any, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError(f"its {name} are no list")
    if any(len(row) != length for row in rows):
        raise ValueError(f"its {name} are not {length} numbers")
    return tuple(tuple(_whole(value, 2**62, name) for value in row) for row in rows)


def _plans(rows: Any, count: int) -> list[Plan]:
    plans = [Plan(*row) for row in _rows(rows, len(Plan._fields), "plans")]
    if len(plans) != count or any(plan.tile % 16 or not plan.history for plan in plans):
        raise ValueError("its plans are not of this run's levels")
    return plans


def _traced(row: Any) -> Row:
    if not isinstance(row, list) or len(row) != 5:
        raise ValueError("its trace is no table")
    count, seconds, value, height, width = row
    (sides,) = _rows([[count, height, width]], 3, "trace")
    return sides[0], _real(seconds, "trace"), _real(value, "trace"), sides[1], sides[2]
