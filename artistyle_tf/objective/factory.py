"""Chooses the objective: whole or in tiles."""

from typing import Any

from artistyle_tf.config.config import Config
from artistyle_tf.objective.static_tiles import FixedTiledObjective
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import Weights

__all__ = ["make_objective"]


def make_objective(
    config: Config,
    weights: Weights,
    *,
    tile: int = 0,
    convolutions: str | None = None,
    regions: int = 0,
    strategy: Any = None,
    fixed: tuple[int, int] | None = None,
    wide: str = "float64",
    temporal: bool = False,
) -> Objective:
    """An objective in tiles of `tile` px a side (0: untiled); the rest is as for `TiledObjective`.

    With `fixed`, a (height, width), it can be compiled by XLA: see `Objective`.
    """
    options: dict[str, Any] = {
        "convolutions": convolutions,
        "regions": regions,
        "fixed": fixed,
        "temporal": temporal,
    }
    if not tile:
        return Objective(config, weights, **options)
    options.update(tile=tile, strategy=strategy, wide=wide)
    return (FixedTiledObjective if fixed else TiledObjective)(config, weights, **options)
