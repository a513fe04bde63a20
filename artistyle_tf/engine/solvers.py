"""Solvers compute a level: an objective and its minimiser, kept together with their traces."""

import gc
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf import optimizers
from artistyle_tf.config.choices import Optimizer
from artistyle_tf.config.config import Config
from artistyle_tf.engine.execution import is_compiled, takes_many
from artistyle_tf.engine.plan import Level
from artistyle_tf.images.network_scale import BGR_MEAN
from artistyle_tf.objective.factory import make_objective
from artistyle_tf.objective.preconditioner import precondition
from artistyle_tf.objective.whole import Objective
from artistyle_tf.optimizers import Minimizer
from artistyle_tf.vgg.place import device_kind
from artistyle_tf.vgg.weights import Weights

__all__ = ["Solver", "Solvers", "minimizer_class"]


MINIMIZERS: Mapping[Optimizer, str] = {
    "tfp": "TFPLBFGS",
    "lbfgs": "LBFGS",
    "averaged": "AveragedAdam",
    "adam": "Adam",
}
"""`Config.optimizer` → the class in `optimizers`, which is imported on first use."""

HELD = "bfloat16"
"""Storage dtype of L-BFGS correction pairs. They take most of its memory, and rounding them changes
the steps less than bfloat16 convolutions do (docs/performance.md)."""


class Solver(NamedTuple):
    """An objective and its minimiser, whose context is (targets, int32 [2] height and width, [] the
    frequency `settled` of `preconditioner.precondition`)."""

    objective: Objective
    minimizer: Minimizer
    at_once: bool
    """Whether the device runs many iterations per call."""


class Solvers:
    """The solvers for one network and one `Config`; equal plans share a solver and its traces.

    Args:
      config: the settings.
      weights: the network.
      strategy: a `tf.distribute.Strategy` whose replicas share the tiles, or None.
      regions: number of masks.
      temporal: whether scenes may have an earlier picture that theirs shall resemble.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        strategy: tf.distribute.Strategy | None = None,
        regions: int = 0,
        temporal: bool = False,
    ):
        _Circles.collect()
        self.config, self.weights, self.strategy = config, weights, strategy
        self.regions, self.temporal = regions, temporal
        self._made: dict[Any, Solver] = {}

    def of(self, level: Level, dtype: str) -> Solver:
        """The solver for this level, with convolutions in that dtype.

        Levels with equal plans share one, unless it is compiled: then there is one per size.
        """
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
            # With a strategy, the minimiser and its loop stay on the host.
            wide = wide if compiled else "float64"
            minimizer = _minimizer(self.config, objective, plan.history, fixed, wide, compiled)
            self._made[key] = Solver(objective, minimizer, self.at_once)
        return self._made[key]

    @property
    def at_once(self) -> bool:
        """Whether the current device runs many iterations per call.

        With a strategy, the loop around the replicas runs on the host.
        """
        config, kind = self.config, device_kind(self.strategy)
        return self.strategy is None and (is_compiled(config, kind) or takes_many(config, kind))


class _Circles:
    """Frees reference cycles between traced functions and the objects they were traced from.

    Python's garbage collector runs so rarely that runs with different settings would accumulate
    them, a gigabyte each with the full VGG19.
    """

    made = False

    @classmethod
    def collect(cls) -> None:
        """Frees unreachable cycles, if there can be any."""
        if cls.made:
            gc.collect()
        cls.made = True


def minimizer_class(config: Config) -> Callable[..., Minimizer]:
    """The minimiser class for `config.optimizer`; for "tfp", its package is imported on first
    use."""
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
