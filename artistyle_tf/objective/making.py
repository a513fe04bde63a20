"""The objective for a way to compute it: at once, or in tiles."""

from typing import Any

from artistyle_tf.network.weights import Weights
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.settings.config import Config

__all__ = ["make_objective"]


def make_objective(
    config: Config,
    weights: Weights,
    *,
    tile: int = 0,
    convolutions: str | None = None,
    regions: int = 0,
    strategy: Any = None,
) -> Objective:
    """An objective in tiles of `tile` px a side, or 0: at once; else as in `TiledObjective`."""
    if not tile:
        return Objective(config, weights, convolutions=convolutions, regions=regions)
    return TiledObjective(
        config,
        weights,
        tile=tile,
        convolutions=convolutions,
        regions=regions,
        strategy=strategy,
    )
