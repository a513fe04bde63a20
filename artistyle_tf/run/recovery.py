"""What a run does where it can't go on as planned: smaller tiles, and float32 for bfloat16.

A search that breaks down is restarted once from its best point by the minimiser itself
(`minimize.Minimizer`), whose contract it is; what then still fails comes here.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import tensorflow as tf

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.run.plan import smaller
from artistyle_tf.run.planning import planned
from artistyle_tf.run.result import INTERRUPTED
from artistyle_tf.run.solvers import Solver, Solvers
from artistyle_tf.run.state import State
from artistyle_tf.scene.scene import Scene
from artistyle_tf.text import reason as told

__all__ = ["broken_off", "fitting", "may_widen", "widened"]

logger = logging.getLogger("artistyle_tf")

Computed = TypeVar("Computed")


def fitting(
    solvers: Solvers, state: State, compute: Callable[[Solver], Computed]
) -> tuple[State, Computed]:
    """(state, what `compute` makes), in smaller tiles if memory runs out.

    The state differs by its plan alone, and nothing that was reached is lost.

    Raises:
      tf.errors.ResourceExhaustedError: memory runs out in the smallest tiles.
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
    """Whether a search that ended may go on in float32, where better and worse can be told."""
    chosen = scene.config.precision == "auto" and state.dtype == "bfloat16"
    return chosen and not state.running and state.budget_left > 0


def widened(scene: Scene, solvers: Solvers, state: State) -> State:
    """The search begun anew in float32, at its best point; its levels are planned for that.

    Raises:
      ArtistyleError: float32 doesn't fit into the memory.
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
    """The state of a run that an exception ended, with the reason.

    The record of a run has the kind of it alone, since messages may have paths.
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
