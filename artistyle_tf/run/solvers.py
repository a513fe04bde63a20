"""What computes a level: an objective and a minimiser of it, kept with their traces."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf import minimize
from artistyle_tf.minimize import Minimizer
from artistyle_tf.network.weights import Weights
from artistyle_tf.objective.coordinates import precondition
from artistyle_tf.objective.making import make_objective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.pictures.network_scale import BGR_MEAN
from artistyle_tf.run.plan import Plan
from artistyle_tf.settings.choices import Optimizer
from artistyle_tf.settings.config import Config

__all__ = ["Solver", "Solvers", "minimizer_class"]


MINIMIZERS: Mapping[Optimizer, str] = {
    "tfp": "TFPLBFGS",
    "lbfgs": "LBFGS",
    "averaged": "AveragedAdam",
    "adam": "Adam",
}
"""`Config.optimizer` → the class of `minimize`, which loads what it needs when it is asked for."""

HELD = "bfloat16"
"""What L-BFGS holds its pairs in: they are most of what it needs of memory, and rounding them turns
its steps less than bfloat16 convolutions do (docs/performance.md)."""


class Solver(NamedTuple):
    """An objective with its minimiser, whose context is (targets, int32 [2] height and width)."""

    objective: Objective
    minimizer: Minimizer


class Solvers:
    """The solvers of one network and one `Config`; equal plans share one, and so its traces.

    Args:
      config: the settings.
      weights: the network.
      strategy: of TensorFlow, whose replicas share the tiles.
      regions: number of masks.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        strategy: tf.distribute.Strategy | None = None,
        regions: int = 0,
    ):
        self.config, self.weights, self.strategy = config, weights, strategy
        self.regions = regions
        self._made: dict[tuple[str, int, int], Solver] = {}

    def of(self, plan: Plan, dtype: str) -> Solver:
        """The solver for this plan, computing convolutions in that dtype."""
        key = (dtype, plan.tile, plan.history)
        if key not in self._made:
            objective = make_objective(
                self.config,
                self.weights,
                tile=plan.tile,
                convolutions=dtype,
                regions=self.regions,
                strategy=self.strategy,
            )
            minimizer = _minimizer(self.config, objective, plan.history)
            self._made[key] = Solver(objective, minimizer)
        return self._made[key]


def minimizer_class(config: Config) -> Callable[..., Minimizer]:
    """What `config.optimizer` names; the first to ask for tfp waits until its package is loaded."""
    named: Callable[..., Minimizer] = getattr(minimize, MINIMIZERS[config.optimizer])
    return named


def _minimizer(config: Config, objective: Objective, history: int) -> Minimizer:
    def value_and_gradient(position: tf.Tensor, context: Any) -> tuple[tf.Tensor, tf.Tensor]:
        targets, size = context
        image = tf.reshape(position, tf.concat([[1], size, [3]], axis=0))
        value, gradient = objective.value_and_gradient(
            precondition(image, config.precondition), targets
        )
        return value, tf.reshape(precondition(gradient, config.precondition), [-1])

    def within_range(position: tf.Tensor, context: Any) -> tf.Tensor:
        image = tf.reshape(position, tf.concat([[1], context[1], [3]], axis=0))
        black = -tf.constant(BGR_MEAN, image.dtype)
        image = precondition(image, config.precondition)
        image = precondition(tf.clip_by_value(image, black, black + 255), -config.precondition)
        return tf.reshape(image, [-1])

    context_spec = (objective.targets_spec, tf.TensorSpec([2], tf.int32))
    options: dict[str, dict[str, Any]] = {
        "tfp": {"history": history},
        "lbfgs": {"history": history, "held": HELD},
        "averaged": {"learning_rate": config.learning_rate, "project": within_range},
        "adam": {"learning_rate": config.learning_rate},
    }
    make = minimizer_class(config)
    return make(value_and_gradient, context_spec, **options[config.optimizer])
