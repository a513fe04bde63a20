"""What computes a level: an objective and a minimiser of it, as a plan asks for them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.minimize import LBFGS, TFPLBFGS, Adam, Minimizer
from artistyle_tf.network.weights import Weights
from artistyle_tf.objective.coordinates import precondition
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.run.memory import SIDES, Plan, free_bytes, make_plan, resident_bytes
from artistyle_tf.settings.config import Config

__all__ = ["Engine", "Engines"]

SHARED_TILES = SIDES[1:]
"""Sides that tiles over several replicas may have, px; larger ones are too few to share."""


class Engine(NamedTuple):
    """An objective with its minimiser, whose context is (targets, int32 [2] height and width)."""

    objective: Objective
    minimizer: Minimizer


class Engines:
    """The engines of a run. Levels with equal plans share one, and so its traces."""

    def __init__(
        self,
        config: Config,
        weights: Weights,
        strategy: tf.distribute.Strategy | None = None,
        regions: int = 0,
    ):
        self._config, self._weights, self._strategy = config, weights, strategy
        self._regions = regions
        self._made: dict[tuple[str, int, int], Engine] = {}

    def engine(self, plan: Plan, convolutions: str) -> Engine:
        """The engine for this plan, computing convolutions in that dtype."""
        key = (convolutions, plan.tile, plan.history)
        if key not in self._made:
            if plan.tile:
                objective: Objective = TiledObjective(
                    self._config,
                    self._weights,
                    tile=plan.tile,
                    convolutions=convolutions,
                    regions=self._regions,
                    strategy=self._strategy,
                )
            else:
                objective = Objective(
                    self._config, self._weights, convolutions=convolutions, regions=self._regions
                )
            minimizer = _minimizer(self._config, objective, plan.history)
            self._made[key] = Engine(objective, minimizer)
        return self._made[key]

    def plans(self, sizes: Sequence[tuple[int, int]], convolutions: str) -> list[Plan]:
        """How to compute each level with what is free of memory now.

        Raises:
          ArtistyleError: a level can't fit.
        """
        gpu = bool(tf.config.list_logical_devices("GPU"))
        free, resident = free_bytes(gpu), 0 if gpu else resident_bytes()
        channels = {name: pair[0].shape[-1] for name, pair in self._weights.layers.items()}
        itemsize = tf.as_dtype(convolutions).size
        plans = [
            make_plan(
                self._config,
                size,
                channels,
                itemsize,
                free=free,
                resident=resident,
                regions=self._regions,
            )
            for size in sizes
        ]
        return [self._shared(plan, size) for plan, size in zip(plans, sizes, strict=True)]

    def _shared(self, plan: Plan, size: tuple[int, int]) -> Plan:
        """With a strategy, tiles always: small enough for every replica to have some."""
        if self._strategy is None:
            return plan
        replicas = self._strategy.num_replicas_in_sync
        for tile in SHARED_TILES:
            cores = math.prod(-(-side // tile) for side in size)
            if cores >= 2 * replicas and not 0 < plan.tile < tile:
                return plan._replace(tile=tile)
        return plan._replace(tile=plan.tile or SHARED_TILES[-1])


def _minimizer(config: Config, objective: Objective, history: int) -> Minimizer:
    def value_and_gradient(position: tf.Tensor, context: Any) -> tuple[tf.Tensor, tf.Tensor]:
        targets, size = context
        image = tf.reshape(position, tf.concat([[1], size, [3]], axis=0))
        value, gradient = objective.value_and_gradient(
            precondition(image, config.precondition), targets
        )
        return value, tf.reshape(precondition(gradient, config.precondition), [-1])

    context_spec = (objective.targets_spec, tf.TensorSpec([2], tf.int32))
    match config.optimizer:
        case "tfp":
            return TFPLBFGS(value_and_gradient, context_spec, history=history)
        case "lbfgs":
            return LBFGS(value_and_gradient, context_spec, history=history)
        case _:
            return Adam(value_and_gradient, context_spec, learning_rate=config.learning_rate)
