"""The search, step by step: each function maps a run's state to the next one.

Coarse to fine: the objective of a level is minimised, its best image is enlarged, and the next
level continues from there.
"""

import functools
import logging
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from artistyle_tf.engine.clock import Clock
from artistyle_tf.engine.recovery import fitting, may_widen, widened
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.solvers import Solver, Solvers
from artistyle_tf.engine.state import State
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.sizes import resample
from artistyle_tf.objective.preconditioner import precondition
from artistyle_tf.objective.targets import Targets, Weighing
from artistyle_tf.optimizers import State as Search
from artistyle_tf.optimizers import Status
from artistyle_tf.vgg.place import device_kind, on_host

__all__ = ["advanced"]

logger = logging.getLogger("artistyle_tf")

Rows = Sequence[tuple[int, float]]
"""(evaluations of the level, objective) after each iteration of a call."""

WINDOW = 20
"""Iterations over which `Config.tolerance` is measured: the progress of single ones is uneven."""


def advanced(scene: Scene, solvers: Solvers, state: State, clock: Clock, steps: int = 1) -> State:
    """One step of the run: enters a level, runs up to `steps` iterations, or leaves the level.

    It may also switch to float32. Without several iterations per call, it runs a single one.

    Raises:
      ArtistyleError: the objective is never finite.
      Exception: whatever TensorFlow or NumPy raise if memory runs out beyond recovery.
    """
    if state.targets is None:
        return _entered(scene, solvers, state, clock)
    if state.running and state.budget_left and not _stalled(scene, state):
        return _moved(scene, solvers, state, clock, min(steps, state.budget_left))
    if may_widen(scene, state):
        return widened(scene, solvers, state)
    return _left(scene, solvers, state)


def _entered(scene: Scene, solvers: Solvers, state: State, clock: Clock) -> State:
    """The level with its targets, ready to start; if resumed or widened, it has a search."""
    logger.debug("computing the targets")
    size = state.here.size
    compute = functools.partial(_targets, scene, size, state)
    state, (targets, weighing) = fitting(solvers, state, compute)
    state = state.replace(weighing=weighing)
    if state.search is None:
        state, targets = _begun(scene, solvers, state, targets)
    state = state.replace(targets=targets)
    if not clock.running:
        logger.debug("tracing")
        state, _ = fitting(solvers, state, functools.partial(_prepare, state))
    clock.enter(state)
    return state


def _begun(scene: Scene, solvers: Solvers, state: State, targets: Targets) -> tuple[State, Targets]:
    """The level with a search that starts from the previous level's picture."""
    size = state.here.size
    if state.previous is None:
        image = scene.start(size)
    else:
        image = _enlarged(scene, state.previous.image, size)
    image = scene.masked(image)
    solver = solvers.of(state.here, state.dtype)
    power, settle = scene.config.precondition, scene.config.settle
    position = precondition(tf.constant(image), -power, state.settled, settle)
    search = solver.minimizer.start(position, budget=state.here.budget)
    if state.left is not None:
        old = state.levels[state.level - 1].size

        def resize(vector: tf.Tensor) -> tf.Tensor:
            return tf.reshape(resample(tf.reshape(vector, [*old, 3]).numpy(), size), [-1])

        search = solver.minimizer.carried(search, state.left, resize)
    return state.replace(search=search, left=None, done=(*state.done, 0)), targets


def _enlarged(scene: Scene, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The previous level's image at `size`, [1, h, w, 3]; a photo keeps its finer detail."""
    config = scene.config
    if config.carry == "picture" or config.init in ("noise", "grey"):
        return resample(image[0], size)[None]
    change = image - scene.start((image.shape[1], image.shape[2]))
    return scene.start(size) + resample(change[0], size)[None]


def _moved(scene: Scene, solvers: Solvers, state: State, clock: Clock, steps: int) -> State:
    """Runs that many iterations, or fewer if the search ends or stalls."""
    began = clock.seconds()
    state, (search, rows) = fitting(solvers, state, functools.partial(_advance, state, steps))
    took = (clock.seconds() - began) / max(len(rows), 1)
    before = state.trace
    for count, (evaluations, value) in enumerate(rows, start=1):
        row = (state.before[1] + evaluations, began + took * count, float(value), *state.here.size)
        done = (*state.done[:-1], state.done[-1] + 1)
        previous = None if np.isfinite(search.best_value) else state.previous
        state = state.replace(done=done, trace=(*state.trace, row), previous=previous)
        if count < len(rows) and _stalled(scene, state):
            # The level should have ended within this call: repeat it up to that iteration.
            state = state.replace(done=(*done[:-1], done[-1] - count), trace=before)
            return _moved(scene, solvers, state, clock, count)
    return state.replace(search=search)


def _left(scene: Scene, solvers: Solvers, state: State) -> State:
    """The next level, to which unused iterations are passed on; or the end of the run."""
    best = state.best(scene.config)
    if best is None:
        raise ArtistyleError(
            "the objective is not finite at the start: it overflows float32; smaller "
            "content_weight, style_weight or layer weights, or other filters, would do"
        )
    following = state.level + 1
    if following == len(state.levels):
        return state.ended(_reason(scene, state))
    assert state.search is not None
    levels = list(state.levels)
    if not state.running:
        spare = levels[following].budget + state.budget_left
        levels[following] = levels[following]._replace(budget=spare)
    return state.replace(
        levels=tuple(levels),
        level=following,
        search=None,
        left=solvers.of(state.here, state.dtype).minimizer.remains(state.search),
        targets=None,
        before=(state.iterations, state.evaluations),
        previous=best,
    )


def _stalled(scene: Scene, state: State) -> bool:
    """Whether the last iterations of this level improved the objective by less than tolerated."""
    tolerance, done = scene.config.tolerance, state.done[-1]
    if not tolerance or done <= WINDOW:
        return False
    values = np.array([row[2] for row in state.trace[-done:]])
    before = np.nanmin(values[:-WINDOW])
    return bool(before - np.nanmin(values) < tolerance * abs(before))


def _reason(scene: Scene, state: State) -> str:
    assert state.search is not None
    if state.running and state.budget_left:
        share = scene.config.tolerance
        return f"{WINDOW} iterations lowered the objective by less than {share:g} of it"
    if state.running:
        return f"all {state.total(scene.config)} iterations done"
    again = ", again after a restart" if int(state.search.restarts) else ""
    return f"{Status(int(state.search.status))}{again}"


def _targets(
    scene: Scene, size: tuple[int, int], state: State, solver: Solver
) -> tuple[Targets, Weighing | None]:
    kind = device_kind()
    with on_host(kind):
        targets = scene.targets(solver.objective, size)
        weighing = state.weighing or scene.weigh(solver.objective, size, targets)
        targets = targets.weighed(weighing)
    return targets if kind == "CPU" else tf.nest.map_structure(tf.identity, targets), weighing


def _prepare(state: State, solver: Solver) -> None:
    assert state.search is not None
    minimizer = solver.minimizer
    prepare = minimizer.prepare_at_once if solver.at_once else minimizer.prepare
    prepare(state.search, _context(state))


def _advance(
    state: State, steps: int, solver: Solver
) -> tuple[Search, Sequence[tuple[int, float]]]:
    """The search after up to that many iterations, with (evaluations, objective) after each."""
    before, context = state.search, _context(state)
    assert before is not None
    if solver.at_once:
        return solver.minimizer.advance_at_once(before, context, iterations=steps)
    after = solver.minimizer.advance(before, context)
    moved = int(after.iterations) > int(before.iterations)
    return after, [(int(after.evaluations), float(after.value))] if moved else []


def _context(state: State) -> tuple[Targets | None, tf.Tensor, tf.Tensor]:
    return state.targets, tf.constant(state.here.size), tf.constant(state.settled)
