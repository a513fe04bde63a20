"""Makes the event of an iteration from a run's state."""

from typing import Any

import tensorflow as tf

from artistyle_tf.engine.clock import Clock
from artistyle_tf.engine.events import Step, rms
from artistyle_tf.engine.recovery import fitting
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.solvers import Solver, Solvers
from artistyle_tf.engine.state import State
from artistyle_tf.images.network_scale import from_network, unclipped
from artistyle_tf.objective.targets import Targets
from artistyle_tf.objective.whole import Objective

__all__ = ["make_step", "named_parts"]


def make_step(scene: Scene, solvers: Solvers, state: State, before: State, clock: Clock) -> Step:
    """The event passed to callbacks for `state`, which an iteration produced from `before`."""
    search, left = state.search, before.search
    assert search is not None
    assert left is not None
    config = scene.config

    # The image that would be saved, if the minimiser's iterate is a different one.
    shown = search.best_position if config.optimizer == "averaged" else search.position

    def image() -> Any:
        return scene.shown(state.image_of(shown, config))

    def parts() -> dict[str, float]:
        assert state.targets is not None
        here, targets = state.image_of(search.position, config), state.targets

        def compute(solver: Solver) -> dict[str, float]:
            return named_parts(solver.objective, here, targets)

        return fitting(solvers, state, compute)[1]

    return Step(
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
        step_length=lambda: rms(state.image_of(search.position - left.position, config)),
    )


def named_parts(objective: Objective, image: Any, targets: Targets) -> dict[str, float]:
    """The objective's parts by name, at `image` [1, h, w, 3]."""
    found = objective.parts(tf.constant(image), targets)
    of_pixels = ("total_variation", "gamut", "palette", *(("temporal",) if targets.earlier else ()))
    parts = {name: float(getattr(found, name)) for name in ("value", *of_pixels)}
    for kind, layers in (("content", found.content), ("style", found.style)):
        parts[kind] = float(sum(layers.values()))
        parts.update({f"{kind}/{name}": float(part) for name, part in layers.items()})
    return parts
