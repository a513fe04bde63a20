"""Plans the levels of a run for this machine and its free memory."""

import logging
from collections.abc import Sequence

import tensorflow as tf

from artistyle_tf.engine.gpus import free_on, gpus_used
from artistyle_tf.engine.memory import free_bytes, resident_bytes
from artistyle_tf.engine.plan import Level, Room, make_plan, plan_note, shared
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.schedule import schedule
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.engine.state import State
from artistyle_tf.vgg.place import device_kind
from artistyle_tf.vgg.precision import convolution_dtype

__all__ = ["first_state", "note_plans", "planned"]

logger = logging.getLogger("artistyle_tf")

TPU_MEMORY = 8 * 2**30
"""Bytes per core of the smallest TPUs (v2), since TensorFlow doesn't report a TPU's memory."""


def first_state(scene: Scene, solvers: Solvers) -> State:
    """The initial state of a run: sizes, iterations and plans of all its levels.

    Raises:
      ArtistyleError: a level doesn't fit in memory.
    """
    config = scene.config
    dtype = _dtype(config.precision, solvers)
    levels = planned(scene, solvers, schedule(config, scene.size), dtype)
    return State(levels=levels, dtype=dtype)


def planned(
    scene: Scene, solvers: Solvers, levels: Sequence[tuple[tuple[int, int], int]], dtype: str
) -> tuple[Level, ...]:
    """Plans levels of those sizes and budgets for the memory that is free now.

    Raises:
      ArtistyleError: a level doesn't fit.
    """
    room = _room(scene, solvers)
    channels = {name: pair[0].shape[-1] for name, pair in scene.sources.weights.layers.items()}
    itemsize = tf.as_dtype(dtype).size
    strategy = solvers.strategy
    states, made = 2 if solvers.at_once else 1, []
    for size, budget in levels:
        plan = make_plan(scene.config, size, channels, itemsize, room, solvers.regions, states)
        if strategy is not None:
            plan = shared(plan, size, strategy.num_replicas_in_sync)
        made.append(Level(size, budget, plan))
    return tuple(made)


def note_plans(scene: Scene, state: State) -> None:
    """Tells the user about levels that are tiled or have a reduced history."""
    for level in state.levels:
        note = plan_note(scene.config, level)
        if note:
            logger.warning("%s", note)


def _dtype(precision: str, solvers: Solvers) -> str:
    if precision == "auto" and device_kind(solvers.strategy) == "TPU":
        return "bfloat16"  # a TPU's native matrix format
    gpus = gpus_used(solvers.strategy)
    return convolution_dtype(precision, [gpu.capability for gpu in gpus])


def _room(scene: Scene, solvers: Solvers) -> Room:
    if device_kind(solvers.strategy) == "TPU":
        return Room(scene.config.memory_bytes or TPU_MEMORY, 0, bool(scene.config.memory))
    gpus = gpus_used(solvers.strategy)
    free, most = free_on(gpus) if gpus else free_bytes(), scene.config.memory_bytes
    asked = most is not None and (free is None or most < free)
    return Room(most if asked else free, 0 if gpus else resident_bytes(), asked)
