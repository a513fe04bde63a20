"""Recovery when a run can't continue as planned: smaller tiles, and float32 for bfloat16.

A search that breaks down is first restarted from its best point by the minimiser itself
(see `optimizers.Minimizer`); failures after that are handled here.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import tensorflow as tf

from artistyle_tf.engine.plan import smaller
from artistyle_tf.engine.planning import planned
from artistyle_tf.engine.result import INTERRUPTED
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.solvers import Solver, Solvers
from artistyle_tf.engine.state import State
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.text import reason as told

__all__ = ["broken_off", "fitting", "may_widen", "widened"]

logger = logging.getLogger("artistyle_tf")

Computed = TypeVar("Computed")


def fitting(
    solvers: Solvers, state: State, compute: Callable[[Solver], Computed]
) -> tuple[State, Computed]:
    """(state, result of `compute`), with smaller tiles if memory runs out.

    Only the plan in the state changes; no progress is lost.

    Raises:
      tf.errors.ResourceExhaustedError: memory runs out even with the smallest tiles.
    """
    while True:
        try:
            return state, compute(solvers.of(state.here, state.dtype))
        except tf.errors.ResourceExhaustedError:
            plan = smaller(state.here.plan, state.here.size)
            if plan is None:
                raise
            logger.warning("memory ran out; continuing in tiles of %s px", plan.tile)
            state = state.with_plan(plan)


def may_widen(scene: Scene, state: State) -> bool:
    """Whether a search that ended in bfloat16 may continue in float32, which is more precise."""
    chosen = scene.config.precision == "auto" and state.dtype == "bfloat16"
    return chosen and not state.running and state.budget_left > 0


def widened(scene: Scene, solvers: Solvers, state: State) -> State:
    """Restarts the search in float32 from its best point, with the levels planned for that.

    Raises:
      ArtistyleError: float32 doesn't fit in memory.
    """
    search = state.search
    assert search is not None
    if np.isfinite(search.best_value):
        state = state.replace(previous=state.best(scene.config))
    wide = planned(scene, solvers, [level[:2] for level in state.levels[state.level :]], "float32")
    levels = (*state.levels[: state.level], *wide)
    state = state.replace(levels=levels, dtype="float32", widened=state.iterations, targets=None)
    minimizer = solvers.of(state.here, state.dtype).minimizer
    fresh = minimizer.start(
        search.best_position, budget=int(search.budget), first_step=float(search.first_step)
    )
    counts = {"iterations": search.iterations, "evaluations": search.evaluations}
    return state.replace(search=fresh._replace(**counts))


def broken_off(state: State, error: BaseException) -> State:
    """The state of a run ended by an exception, which is the stop reason.

    The record contains only the exception's type, since messages may contain paths.
    """
    match error:
        case KeyboardInterrupt():
            return state.ended(INTERRUPTED, error, broken_off=True)
        case MemoryError() | tf.errors.ResourceExhaustedError():
            reason = "memory ran out"
        case _:
            reason = f"{type(error).__name__} was raised"
    ours = isinstance(error, ArtistyleError)
    logger.error("%s: %s", reason, told(error), exc_info=None if ours else error)
    return state.ended(reason, error, broken_off=True)
