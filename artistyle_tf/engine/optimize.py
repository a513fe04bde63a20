"""The optimisation: for each level, coarse to fine, iterations of an optimizer on its objective.

`optimize` is the algorithm; what follows are its steps, which map a run's state to the next one.
A search that breaks down is first restarted from its best point by the optimizer itself (see
`optimizers.Minimizer`); later failures, and memory that runs out, are handled here.
"""

import contextlib
import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.plan import plan_note, schedule, with_smaller_tiles
from artistyle_tf.engine.problem import Problem
from artistyle_tf.engine.results import INTERRUPTED, STOPPED, Callbacks, Step
from artistyle_tf.engine.solvers import Solver, Solvers
from artistyle_tf.engine.state import Clock, RunState, restore, save
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.network_scale import from_network, unclipped
from artistyle_tf.images.sizes import resample
from artistyle_tf.objective.preconditioner import precondition
from artistyle_tf.objective.targets import StyleWeights, Targets
from artistyle_tf.objective.whole import Objective
from artistyle_tf.optimizers import Status
from artistyle_tf.optimizers.base import MOST_STEPS
from artistyle_tf.text import reason
from artistyle_tf.vgg.precision import device_kind, on_host

logger = logging.getLogger("artistyle_tf")

Computed = TypeVar("Computed")

WINDOW = 20  # iterations that `Config.tolerance` is measured over: single ones are uneven

CALL = 1.0  # seconds that a call takes with `steps_per_execution` "auto"


def optimize(
    problem: Problem,
    solvers: Solvers,
    clock: Clock,
    callback: Callbacks | None = None,
    checkpoints: Checkpoints | None = None,
) -> RunState:
    """Paints coarse to fine. Returns the last state; raises what ended a run without a picture."""
    config, told = problem.config, None  # `told`: the last state after an iteration
    state = _first_state(problem, solvers)  # sizes, iterations, tiles and history of every level
    with contextlib.closing(checkpoints) if checkpoints else contextlib.nullcontext():
        try:
            if checkpoints:
                state = restore(checkpoints, problem, solvers, state)
            for note in filter(None, (plan_note(config, level) for level in state.levels)):
                logger.warning("%s", note)
            while state.ending is None:  # for each level, and again if it goes on in float32
                state = _enter(problem, solvers, state, clock)
                # For each iteration.
                while state.running and state.budget_left and not _stalls(config, state):
                    last, state = state, _iterate(problem, solvers, state, clock)
                    if state.iterations == last.iterations:
                        continue  # the search ended without a step: there is nothing to tell
                    told = state
                    state = _tell(problem, solvers, state, last, clock, callback)
                    if state.ending:
                        break
                    if checkpoints and checkpoints.due(state.iterations):
                        save(checkpoints, state)
                else:
                    step = _widen if _may_widen(config, state) else _leave
                    state = step(problem, solvers, state)
        except (Exception, KeyboardInterrupt) as error:
            if state.best(config) is None:
                raise
            state = _break_off(state, error)
        if checkpoints and told and state.ending and state.ending.broken_off:
            save(checkpoints, told)
    return state


def _first_state(problem: Problem, solvers: Solvers) -> RunState:
    dtype = solvers.dtype()
    levels = solvers.planned(schedule(problem.config, problem.size), dtype)
    first = levels[0]
    image = problem.masked(problem.start(first.size))
    position = precondition(tf.constant(image), -problem.config.precondition)
    search = solvers.of(first, dtype).minimizer.start(position, budget=first.budget)
    return RunState(levels=levels, dtype=dtype, search=search, done=(0,))


def within_memory(
    solvers: Solvers, state: RunState, compute: Callable[[Solver], Computed]
) -> tuple[RunState, Computed]:
    """(state, result of `compute`), with smaller tiles in the state's plan if memory runs out."""
    while True:
        try:
            return state, compute(solvers.of(state.here, state.dtype))
        except tf.errors.ResourceExhaustedError:
            plan = with_smaller_tiles(state.here.plan, state.here.size)
            if plan is None:
                raise
            logger.warning("memory ran out; continuing in tiles of %s px", plan.tile)
            state = state.with_plan(plan)


def _enter(problem: Problem, solvers: Solvers, state: RunState, clock: Clock) -> RunState:
    """Computes the level's targets, and traces what its iterations call."""
    logger.debug("computing the targets")
    find = functools.partial(_find_targets, problem, state)
    state, (targets, weights) = within_memory(solvers, state, find)
    state = state.replace(targets=targets, style_weights=weights)
    if not clock.running:
        logger.debug("tracing")
        state, _ = within_memory(solvers, state, functools.partial(_trace, state))
    clock.enter(state)
    return state


def _find_targets(
    problem: Problem, state: RunState, solver: Solver
) -> tuple[Targets, StyleWeights | None]:
    size, kind = state.here.size, device_kind()
    with on_host(kind):
        targets = problem.targets(solver.objective, size)
        weights = state.style_weights or problem.style_weights
        weights = weights or solver.objective.find_style_weights(problem.photo(size), targets)
        targets = targets.with_weights(weights)
    return targets if kind == "CPU" else tf.nest.map_structure(tf.identity, targets), weights


def _trace(state: RunState, solver: Solver) -> None:
    minimizer = solver.minimizer
    prepare = minimizer.prepare_at_once if solver.at_once else minimizer.prepare
    prepare(state.search, _context(state))


def _context(state: RunState) -> tuple[Targets | None, tf.Tensor, tf.Tensor]:
    return state.targets, tf.constant(state.here.size), tf.constant(state.settled)


def _iterate(problem: Problem, solvers: Solvers, state: RunState, clock: Clock) -> RunState:
    """One iteration, or several if the device runs them in one call."""

    def advance(solver: Solver) -> tuple[Any, Any]:
        if solver.at_once:
            steps = _steps(problem.config, state)
            return solver.minimizer.advance_at_once(search, _context(state), iterations=steps)
        after = solver.minimizer.advance(search, _context(state))
        moved = int(after.iterations) > int(search.iterations)
        return after, [(int(after.evaluations), float(after.value))] if moved else []

    search, began = state.search, clock.seconds()
    state, (after, rows) = within_memory(solvers, state, advance)
    took = (clock.seconds() - began) / max(len(rows), 1)
    for count, (evaluations, value) in enumerate(rows, start=1):
        total = state.earlier_evaluations + evaluations
        row = (total, began + took * count, float(value), *state.here.size)
        state = state.replace(trace=(*state.trace, row))
    return state.replace(
        search=after,
        done=(*state.done[:-1], state.done[-1] + len(rows)),
        previous=None if np.isfinite(after.best_value) else state.previous,
    )


def _steps(config: Config, state: RunState) -> int:
    """Iterations of the next call of the device."""
    if config.steps_per_execution != "auto":
        return min(config.steps_per_execution, state.budget_left)
    seconds = CALL
    if state.done[-1] > 1:  # the last call tells how long an iteration takes
        seconds = state.trace[-1][1] - state.trace[-2][1]
    return max(1, min(MOST_STEPS, int(CALL / max(seconds, 1e-6)), state.budget_left))


def _stalls(config: Config, state: RunState) -> bool:
    """Whether the last iterations of this level improved the objective by less than tolerated."""
    tolerance, done = config.tolerance, state.done[-1]
    if not tolerance or done <= WINDOW:
        return False
    values = np.array([row[2] for row in state.trace[-done:]])
    lowest = np.nanmin(values[:-WINDOW])
    return bool(lowest - np.nanmin(values) < tolerance * abs(lowest))


def _tell(
    problem: Problem,
    solvers: Solvers,
    state: RunState,
    last: RunState,
    clock: Clock,
    callback: Callbacks | None,
) -> RunState:
    """Passes the state to the callbacks, and returns it, ended if one of them asks for that."""
    if callback is None:
        return state
    search, config = state.search, problem.config
    # The image that would be saved, if the optimizer's iterate is a different one.
    shown = search.best_position if config.optimizer == "averaged" else search.position

    def image() -> Any:
        return problem.shown(state.image_of(shown, config))

    def parts() -> dict[str, float]:
        here, targets = state.image_of(search.position, config), state.targets
        assert targets is not None
        return within_memory(
            solvers, state, lambda solver: named_parts(solver.objective, here, targets)
        )[1]

    step = Step(
        level=state.level + 1,
        levels=len(state.levels),
        size=state.here.size,
        iteration=state.iterations,
        iterations=state.total(config),
        evaluations=state.evaluations,
        objective=float(search.value),
        seconds=state.trace[-1][1],
        remaining=clock.remaining(state),
        parts=parts,
        image=lambda: from_network(image()),
        unclipped=lambda: unclipped(image()),
        step_length=lambda: _rms(state.image_of(search.position - last.search.position, config)),
    )
    try:
        each = callback if isinstance(callback, list | tuple) else [callback]
        answers = [one(step) for one in each]
    except Exception as error:  # it must not lose the picture
        # Only the exception's type, since the record must contain no paths and messages may.
        why = f"a callback raised {type(error).__name__}"
        logger.error("%s: %s", why, reason(error), exc_info=error)
        return state.ended(why, error, broken_off=True)
    stops = any(answer is False for answer in answers)
    return state.ended(STOPPED, broken_off=True) if stops else state


def _rms(change: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(change, dtype=np.float64))))


def _may_widen(config: Config, state: RunState) -> bool:
    """Whether a search that ended in bfloat16 may continue in the more precise float32."""
    chosen = config.precision == "auto" and state.dtype == "bfloat16"
    return chosen and not state.running and state.budget_left > 0


def _widen(problem: Problem, solvers: Solvers, state: RunState) -> RunState:
    """Restarts the search in float32 from its best point, with the levels planned for that."""
    search = state.search
    if np.isfinite(search.best_value):
        state = state.replace(previous=state.best(problem.config))
    wide = solvers.planned([level[:2] for level in state.levels[state.level :]], "float32")
    levels = (*state.levels[: state.level], *wide)
    state = state.replace(levels=levels, dtype="float32", widened=state.iterations, targets=None)
    minimizer = solvers.of(state.here, state.dtype).minimizer
    fresh = minimizer.start(
        search.best_position, budget=int(search.budget), first_step=float(search.first_step)
    )
    counts = {"iterations": search.iterations, "evaluations": search.evaluations}
    return state.replace(search=fresh._replace(**counts))


def _leave(problem: Problem, solvers: Solvers, state: RunState) -> RunState:
    """The next level, begun with the picture of this one, which also gets the iterations that a
    search left when it ended by itself; or the end of the run."""
    config, size, search = problem.config, state.here.size, state.search
    best = state.best(config)
    if best is None:
        raise ArtistyleError(
            "the objective is not finite at the start: it overflows float32; smaller "
            "content_weight, style_weight or layer weights, or other filters, would do"
        )
    following = state.level + 1
    if following == len(state.levels):
        return state.ended(_reason(config, state))
    levels = list(state.levels)
    if not state.running:
        spare = levels[following].budget + state.budget_left
        levels[following] = levels[following]._replace(budget=spare)
    state = state.replace(
        levels=tuple(levels),
        level=following,
        targets=None,
        done=(*state.done, 0),
        earlier_evaluations=state.evaluations,
        previous=best,
    )
    image = tf.constant(problem.masked(_enlarge(problem, best.image, state.here.size)))
    position = precondition(image, -config.precondition, state.settled, config.settle)
    minimizer = solvers.of(state.here, state.dtype).minimizer
    fresh = minimizer.start(position, budget=state.here.budget)

    def resize(vector: tf.Tensor) -> tf.Tensor:
        enlarged = resample(tf.reshape(vector, [*size, 3]).numpy(), state.here.size)
        return tf.reshape(enlarged, [-1])

    return state.replace(search=minimizer.continued(fresh, search, resize))


def _enlarge(problem: Problem, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The previous level's image at `size`, [1, h, w, 3]; a photo keeps its finer detail."""
    config = problem.config
    if config.carry == "picture" or config.init in ("noise", "grey"):
        return resample(image[0], size)[None]
    change = image - problem.start((image.shape[1], image.shape[2]))
    return problem.start(size) + resample(change[0], size)[None]


def _reason(config: Config, state: RunState) -> str:
    if state.running and state.budget_left:
        return f"{WINDOW} iterations lowered the objective by less than {config.tolerance:g} of it"
    if state.running:
        return f"all {state.total(config)} iterations done"
    again = ", again after a restart" if int(state.search.restarts) else ""
    return f"{Status(int(state.search.status))}{again}"


def _break_off(state: RunState, error: BaseException) -> RunState:
    """Ends the run for an exception. The record names only its type: messages may contain paths."""
    match error:
        case KeyboardInterrupt():
            return state.ended(INTERRUPTED, error, broken_off=True)
        case MemoryError() | tf.errors.ResourceExhaustedError():
            why = "memory ran out"
        case _:
            why = f"{type(error).__name__} was raised"
    ours = isinstance(error, ArtistyleError)
    logger.error("%s: %s", why, reason(error), exc_info=None if ours else error)
    return state.ended(why, error, broken_off=True)


def named_parts(objective: Objective, image: Any, targets: Targets) -> dict[str, float]:
    """The objective's parts by name, at `image` [1, h, w, 3]."""
    found = objective.parts(tf.constant(image), targets)
    of_pixels = ("total_variation", "gamut", "palette", *(("temporal",) if targets.earlier else ()))
    parts = {name: float(getattr(found, name)) for name in ("value", *of_pixels)}
    for kind, layers in (("content", found.content), ("style", found.style)):
        parts[kind] = float(sum(layers.values()))
        parts.update({f"{kind}/{name}": float(part) for name, part in layers.items()})
    return parts


def first_style_weights(problem: Problem, solvers: Solvers) -> StyleWeights | None:
    """How strongly the style counts for this problem, computed at its first level."""
    state = _first_state(problem, solvers)
    find = functools.partial(_find_targets, problem, state)
    return within_memory(solvers, state, find)[1][1]
