"""A run's state as a checkpoint holds it: JSON values, and the optimizer's tensors as arrays."""

import logging
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from artistyle_tf.engine.checkpoints import Checkpoints, Saved
from artistyle_tf.engine.devices import is_chief
from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.engine.problem import Problem
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.engine.state import State
from artistyle_tf.errors import InputError
from artistyle_tf.objective.targets import Weighing

__all__ = ["restore", "save"]

logger = logging.getLogger("artistyle_tf")


def save(checkpoints: Checkpoints, state: State) -> None:
    """Writes a checkpoint. One that can't be written only causes a warning; the run continues."""
    try:
        checkpoints.save(state.iterations, _header(state), _storable(state.search))
    except InputError as error:
        logger.warning("%s; the run continues", error)


def restore(checkpoints: Checkpoints, problem: Problem, solvers: Solvers, fresh: State) -> State:
    """The newest saved state of the same run, or else `fresh`, its first state.

    Raises:
      InputError: the folder can't be used, or has another run's checkpoints.
    """
    found = [fresh]

    def accept(saved: Saved) -> None:
        state = _parsed(saved.header, fresh)
        layers = problem.config.layer_weights("style")
        if state.weighing and state.weighing.weights.keys() != layers.keys():
            raise ValueError("its weighing is not of this run's layers")
        height, width = state.here.size
        search = solvers.of(state.here, state.dtype).minimizer.start(tf.zeros([height * width * 3]))
        kinds = [(tuple(one.shape), one.dtype.as_numpy_dtype) for one in _storable(search)]
        if kinds != [(array.shape, array.dtype.type) for array in saved.arrays]:
            raise ValueError("its arrays are not those of this run's minimiser")
        tensors = [
            tf.bitcast(tf.constant(array), one.dtype)
            if one.dtype == tf.bfloat16
            else tf.constant(array)
            for array, one in zip(saved.arrays, tf.nest.flatten(search), strict=True)
        ]
        found.append(state.replace(search=tf.nest.pack_sequence_as(search, tensors)))

    identity = {**problem.provenance.identity(), "convolutions": fresh.convolutions}
    checkpoints.begin(identity, accept, writes=is_chief(solvers.strategy))
    for note in checkpoints.notes:
        logger.warning("%s", note)
    return found[-1]


def _header(state: State) -> dict[str, Any]:
    """The state as JSON values, except its search and what is recomputed."""
    return {
        "level": state.level,
        "before": state.before,
        "levels": state.levels,
        "done": state.done,
        "dtype": state.dtype,
        "widened": state.widened,
        "weighing": state.weighing,
        "trace": state.trace,
    }


def _parsed(header: Mapping[str, Any], fresh: State) -> State:
    """The inverse of `_header`: a state without a search. Any exception: it is of another run."""
    levels = [Level(tuple(size), budget, Plan(*plan)) for size, budget, plan in header["levels"]]
    if [level.size for level in levels] != [level.size for level in fresh.levels]:
        raise ValueError("its levels are not this run's")
    weighing = header["weighing"]
    if weighing:
        weighing = Weighing(weighing[0], {name: tuple(row) for name, row in weighing[1].items()})
    return State(
        levels=tuple(levels),
        level=header["level"],
        before=tuple(header["before"]),
        done=tuple(header["done"]),
        dtype=header["dtype"],
        widened=header["widened"],
        weighing=weighing,
        trace=tuple(map(tuple, header["trace"])),
    )


def _storable(search: Any) -> list[tf.Tensor]:
    """A search's tensors in a fixed order, in types that a file can hold: NumPy's format has no
    bfloat16, so its bits are stored as uint16."""
    return [
        tf.bitcast(one, tf.uint16) if one.dtype == tf.bfloat16 else one
        for one in tf.nest.flatten(search)
    ]
