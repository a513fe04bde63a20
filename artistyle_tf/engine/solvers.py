"""Solvers compute a level: an objective and its optimizer, kept together with their traces."""

import copy
import gc
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf import optimizers
from artistyle_tf.config.choices import Optimizer
from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import (
    Level,
    Room,
    free_bytes,
    make_plan,
    resident_bytes,
    with_shared_tiles,
)
from artistyle_tf.images.network_scale import BGR_MEAN
from artistyle_tf.objective.preconditioner import precondition
from artistyle_tf.objective.static_tiles import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.optimizers import Minimizer
from artistyle_tf.vgg.precision import convolution_dtype, device_kind
from artistyle_tf.vgg.weights import Weights

logger = logging.getLogger("artistyle_tf")

MINIMIZERS: Mapping[Optimizer, str] = {
    "tfp": "TFPLBFGS",
    "lbfgs": "LBFGS",
    "averaged": "AveragedAdam",
    "adam": "Adam",
}  # `Config.optimizer` → class in `optimizers`

HELD = "bfloat16"
"""Storage dtype of L-BFGS correction pairs. They take most of its memory, and rounding them changes
the steps less than bfloat16 convolutions do (docs/notes/speed.md)."""

TPU_MEMORY = 8 * 2**30  # bytes per core of the smallest TPUs (v2): TensorFlow doesn't tell


def is_compiled(config: Config, kind: str) -> bool:
    """Whether XLA compiles the levels on that kind of device: "CPU", "GPU" or "TPU"."""
    return kind == "TPU" if config.jit_compile == "auto" else config.jit_compile == "on"


def room(config: Config, kind: str) -> Room:
    """The memory that is free for a run; a GPU's is unknown unless `Config.memory` says it."""
    known = {"CPU": free_bytes(), "TPU": TPU_MEMORY}
    free, most = known.get(kind), config.memory_bytes
    asked = most is not None and (kind == "TPU" or free is None or most < free)
    return Room(most if asked else free, resident_bytes() if kind == "CPU" else 0, asked)


VARIABLE = "TF_FORCE_GPU_ALLOW_GROWTH"  # TensorFlow reads it itself


def let_memory_grow() -> None:
    """Makes TensorFlow allocate GPU memory on demand, unless the user has decided otherwise."""
    if os.environ.get(VARIABLE):
        return
    visible = tf.config.get_visible_devices("GPU")
    for gpu in visible:
        decided = tf.config.experimental.get_memory_growth(gpu) is not None
        if decided or tf.config.get_logical_device_configuration(gpu):
            return
    try:
        for gpu in visible:  # TensorFlow requires the same for all
            tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError) as error:
        logger.debug("the memory of GPUs stays as TensorFlow took it: %s", error)


class Solver(NamedTuple):
    """An objective and its optimizer, whose context is (targets, int32 [2] height and width, [] the
    frequency `settled` of `preconditioner.precondition`)."""

    objective: Objective
    minimizer: Minimizer
    at_once: bool  # whether the device runs many iterations per call


class Solvers:
    """The solvers for one network and one `Config`; equal plans share a solver and its traces.

    The replicas of a `strategy` share the tiles. With `temporal`, problems may have an `Earlier`.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        strategy: tf.distribute.Strategy | None = None,
        regions: int = 0,
        temporal: bool = False,
    ):
        gc.collect()  # runs with other settings left cycles around their graphs, a gigabyte each
        self.config, self.weights, self.strategy = config, weights, strategy
        self.regions, self.temporal = regions, temporal
        self._made: dict[Any, Solver] = {}

    def of(self, level: Level, dtype: str) -> Solver:
        """The solver for this level; equal plans share one, but a compiled one is for one size."""
        kind, plan = device_kind(self.strategy), level.plan
        compiled = is_compiled(self.config, kind) and self.strategy is None
        fixed = level.size if compiled or kind == "TPU" else None
        key = (kind, dtype, plan.tile, plan.history, fixed)
        if key not in self._made:
            wide = "float32" if kind == "TPU" else "float64"
            objective = make_objective(
                self.config,
                self.weights,
                tile=plan.tile,
                convolutions=dtype,
                regions=self.regions,
                strategy=self.strategy,
                fixed=fixed,
                wide=wide,
                temporal=self.temporal,
            )
            # With a strategy, the optimizer and its loop stay on the host.
            wide = wide if compiled else "float64"
            minimizer = _minimizer(self.config, objective, plan.history, fixed, wide, compiled)
            self._made[key] = Solver(objective, minimizer, self.at_once)
        return self._made[key]

    def tuned(self, config: Config) -> "Solvers":
        """These solvers and traces with a `config` that differs in nothing that is traced; see
        `Painter.tuned`."""
        other = copy.copy(self)
        other.config, other._made = config, {}
        for key, solver in self._made.items():
            objective = copy.copy(solver.objective)
            objective.config = config
            other._made[key] = solver._replace(objective=objective)
        return other

    def dtype(self) -> str:
        """The convolutions' dtype at the start, by `Config.precision` and the device."""
        kind = device_kind(self.strategy)
        if self.config.precision == "auto" and kind == "TPU":
            return "bfloat16"  # a TPU's native matrix format
        gpus = tf.config.get_visible_devices("GPU") if kind == "GPU" else []
        details = map(tf.config.experimental.get_device_details, gpus)
        capabilities = [one.get("compute_capability") for one in details]  # like (8, 0), or None
        return convolution_dtype(self.config.precision, capabilities)

    def planned(
        self, levels: Sequence[tuple[tuple[int, int], int]], dtype: str
    ) -> tuple[Level, ...]:
        """Plans levels of those sizes and budgets for the memory that is free now."""
        config = self.config
        free = room(config, device_kind(self.strategy))
        channels = {name: pair[0].shape[-1] for name, pair in self.weights.layers.items()}
        itemsize, states = tf.as_dtype(dtype).size, 2 if self.at_once else 1
        made = []
        for size, budget in levels:
            plan = make_plan(config, size, channels, itemsize, free, self.regions, states)
            if self.strategy is not None:
                plan = with_shared_tiles(plan, size, self.strategy.num_replicas_in_sync)
            made.append(Level(size, budget, plan))
        return tuple(made)

    @property
    def at_once(self) -> bool:
        """Whether the device runs many iterations per call; a strategy's loop runs on the host."""
        if self.strategy is not None:
            return False
        kind, steps = device_kind(), self.config.steps_per_execution
        many = kind != "CPU" if steps == "auto" else steps > 1
        return many or is_compiled(self.config, kind)


def make_objective(
    config: Config,
    weights: Weights,
    *,
    tile: int = 0,
    strategy: Any = None,
    wide: str = "float64",
    **options: Any,
) -> Objective:
    """An objective in tiles of `tile` px a side (0: untiled), of one fixed shape with `fixed`."""
    if not tile:
        return Objective(config, weights, **options)
    kind = FixedTiledObjective if options.get("fixed") else TiledObjective
    return kind(config, weights, tile=tile, strategy=strategy, wide=wide, **options)


def minimizer_class(config: Config) -> Callable[..., Minimizer]:
    """The class of `config.optimizer`; "tfp" imports its package on first use."""
    named: Callable[..., Minimizer] = getattr(optimizers, MINIMIZERS[config.optimizer])
    return named


def _minimizer(
    config: Config,
    objective: Objective,
    history: int,
    fixed: tuple[int, int] | None,
    wide: str,
    compiled: bool,
) -> Minimizer:
    def as_image(position: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        shape = [1, *fixed, 3] if fixed else tf.concat([[1], size, [3]], axis=0)
        return tf.reshape(position, shape)

    def moved(
        image: tf.Tensor, settled: tf.Tensor, power: float = config.precondition
    ) -> tf.Tensor:
        return precondition(image, power, settled, config.settle)

    def value_and_gradient(position: tf.Tensor, context: Any) -> tuple[tf.Tensor, tf.Tensor]:
        targets, size, settled = context
        image = moved(as_image(position, size), settled)
        value, gradient = objective.value_and_gradient(image, targets)
        return value, tf.reshape(moved(gradient, settled), [-1])

    def within_range(position: tf.Tensor, context: Any) -> tf.Tensor:
        _, size, settled = context
        image = moved(as_image(position, size), settled)
        black = -tf.constant(BGR_MEAN, image.dtype)
        image = tf.clip_by_value(image, black, black + 255)
        return tf.reshape(moved(image, settled, -config.precondition), [-1])

    context_spec = (objective.targets_spec, tf.TensorSpec([2], tf.int32), tf.TensorSpec([]))
    options: dict[str, dict[str, Any]] = {
        "tfp": {"history": history},
        "lbfgs": {"history": history, "held": HELD, "wide": wide},
        "averaged": {"learning_rate": config.learning_rate, "project": within_range},
        "adam": {"learning_rate": config.learning_rate},
    }
    make = minimizer_class(config)
    options[config.optimizer]["compiled"] = compiled
    return make(value_and_gradient, context_spec, **options[config.optimizer])
