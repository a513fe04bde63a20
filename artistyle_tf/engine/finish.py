"""Makes the result of a run, however it ended: the best picture and its losses."""

import logging
import math

import numpy as np

from artistyle_tf.engine.clock import Clock
from artistyle_tf.engine.memory import peak_bytes
from artistyle_tf.engine.record import make_record
from artistyle_tf.engine.recovery import fitting
from artistyle_tf.engine.result import INTERRUPTED, Result
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.solvers import Solver, Solvers
from artistyle_tf.engine.state import Painted, State
from artistyle_tf.engine.steps import named_parts
from artistyle_tf.images.network_scale import from_network, to_network, unclipped
from artistyle_tf.images.sizes import resample
from artistyle_tf.text import reason

__all__ = ["make_result"]

logger = logging.getLogger("artistyle_tf")


def make_result(scene: Scene, solvers: Solvers, state: State, clock: Clock) -> Result:
    """The best picture of a finished run, at exactly the requested size."""
    best, ending = state.best(scene.config), state.ending
    assert best is not None
    assert ending is not None
    parts, saved_parts = _worth(solvers, state, best)
    outcome = {
        "stop_reason": ending.reason,
        "iterations": state.iterations,
        "evaluations": state.evaluations,
        "objective": parts,
        "saved_objective": saved_parts,
    }
    painting = _painting(scene, best.image)
    content, error = scene.sources.content, ending.error
    return Result(
        image=from_network(painting),
        unclipped=unclipped(painting),
        alpha=content.alpha if content else None,
        trace=list(state.trace),
        stop_reason=ending.reason,
        seconds=state.trace[-1][1] if state.trace else 0.0,
        setup_seconds=clock.setup,
        objective=parts["value"],
        saved_objective=saved_parts.get("value", math.nan),
        record=make_record(scene, state, outcome),
        error=error if isinstance(error, Exception) else None,
        content=content,
        styles=tuple(scene.sources.styles),
        peak_memory=peak_bytes(),
        planned_memory=tuple(level.plan.estimate for level in state.levels),
    )


def _worth(
    solvers: Solvers, state: State, best: Painted
) -> tuple[dict[str, float], dict[str, float]]:
    """The objective's parts by name: for the best image, and for the same rounded and clipped as in
    a file (before --color=luminance or masks restore the photo's own pixels).

    If memory runs out or the user interrupts, they are left out rather than the picture lost.
    """
    targets = best.targets
    if targets is None:
        return {"value": best.value}, {}
    held = to_network(from_network(best.image))

    def compute(solver: Solver) -> list[dict[str, float]]:
        return [named_parts(solver.objective, one, targets) for one in (best.image, held)]

    try:
        there = state.replace(level=best.level, dtype=best.dtype)
        parts, saved = fitting(solvers, there.with_plan(best.plan), compute)[1]
        return parts, saved
    except KeyboardInterrupt:
        if state.ending and state.ending.reason == INTERRUPTED:
            raise  # a second Ctrl-C ends everything at once
    except Exception as error:
        logger.warning("the parts of the objective can't be computed: %s", reason(error))
    return {"value": best.value}, {}


def _painting(scene: Scene, image: np.ndarray) -> np.ndarray:
    """float32 [1, h, w, 3] at the requested size, with the photo's own pixels restored."""
    height, width = scene.size
    try:
        painting = resample(image[0], scene.canvas)[None]
        return scene.shown(painting)[:, :height, :width]
    except MemoryError:
        logger.warning("memory ran out; the picture stays at the size of its level")
        return scene.shown(image)
