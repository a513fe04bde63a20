"""From pictures to an objective: the canvas, a level's targets, and both bound together."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.errors import ConfigError
from artistyle_tf.network.weights import Weights, load
from artistyle_tf.objective.targets import Parts, Targets
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.pictures.masks import make_regions
from artistyle_tf.pictures.recolor import recolor
from artistyle_tf.scene.canvas import canvas, level_targets
from artistyle_tf.scene.inputs import read_inputs, several
from artistyle_tf.scene.start import read_start, start_image
from artistyle_tf.settings.config import Config

__all__ = [
    "BoundObjective",
    "build_objective",
]


class BoundObjective:
    """An `Objective` with its targets: image → (value, gradient)."""

    def __init__(self, objective: Objective, targets: Targets, size: tuple[int, int]):
        self.objective, self.targets = objective, targets
        self.size = size
        """(height, width) of the image."""

    def __call__(self, image: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """[1, H, W, 3] BGR, mean subtracted → (value [], gradient of the image's shape)."""
        return self.objective.value_and_gradient(self._tensor(image), self.targets)

    def parts(self, image: Any) -> Parts:
        """The value by layer."""
        return self.objective.parts(self._tensor(image), self.targets)

    def _tensor(self, image: Any) -> tf.Tensor:
        tensor = tf.cast(tf.convert_to_tensor(image), self.objective.extractor.input.dtype)
        if tensor.shape != (1, *self.size, 3):
            raise ConfigError(
                f"the image is {list(tensor.shape)}; it must be {[1, *self.size, 3]}, see `size`"
            )
        return tensor


def build_objective(
    content: Any,
    styles: Any,
    config: Config | None = None,
    *,
    content_masks: Sequence[Any] = (),
    style_masks: Sequence[Any] = (),
) -> BoundObjective:
    """The objective of a run at its finest level, for your own minimiser.

    Args:
      content: path, PIL image or uint8 array [H, W, 3]; None for task "texture".
      styles: one such picture, or a list of them; none of them for task "reconstruct".
      config: its `size` is the longer side of the result. All is float32 unless its `precision`
        says bfloat16: "auto" stands for speed in a run, and for the exact formulas here. Its
        `tile_size` in px computes a larger picture in tiles; "auto" and 0 compute it whole.
      content_masks, style_masks: as in `stylize`. What the masks leave out is not held here: its
        gradient is that of the content loss.

    Returns:
      A callable from image [1, *size, 3], float32, BGR minus `color.BGR_MEAN`, to
      (value [], gradient of the image's shape). Its attribute `size`, (height, width), is that of
      the result filled up to whole pooling cells, multiples of 16 px, as in `canvas`.
    """
    config = config or Config()
    inputs = read_inputs(config, content, several(styles), content_masks, style_masks)
    convolutions = None if config.precision == "auto" else config.precision
    weights = load(config.weights, config.layers[-1])
    painted = canvas(inputs.painted(), inputs.size)
    painted, rgbs = recolor(config.color, painted, [style.rgb for style in inputs.styles])
    size = painted.shape[0], painted.shape[1]
    objective = _objective(config, weights, convolutions, len(inputs.masks.content), size)
    regions = make_regions(inputs.masks, inputs.size, rgbs)
    targets = level_targets(objective, painted, rgbs, size, regions)
    if config.balance == "equal":
        start = start_image(config, painted, rgbs, read_start(config), size)
        targets = objective.balanced(tf.constant(start), targets)
    return BoundObjective(objective, targets, size)


def _objective(
    config: Config,
    weights: Weights,
    convolutions: str | None,
    regions: int,
    size: tuple[int, int],
) -> Objective:
    tile = config.tile_size
    if tile == "auto" or not 0 < tile < max(size):  # a run, too, needs no tiles for what fits one
        return Objective(config, weights, convolutions=convolutions, regions=regions)
    return TiledObjective(config, weights, tile=tile, convolutions=convolutions, regions=regions)
