"""A run's objective bound to its targets, for use with other minimisers."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import read_inputs, several
from artistyle_tf.engine.scene import make_scene
from artistyle_tf.engine.schedule import schedule
from artistyle_tf.errors import ConfigError
from artistyle_tf.objective.factory import make_objective
from artistyle_tf.objective.targets import Parts, Targets
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import load

__all__ = ["BoundObjective", "build_objective"]


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
        """The value and its parts, by layer."""
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
    """The objective of a run at its finest level, for use with your own minimiser.

    Args:
      content: path, PIL image or uint8 or uint16 array [H, W, 3]; None for task "texture".
      styles: one such picture, or a list of them; empty for task "reconstruct".
      config: its `size` is the longer side of the result. Everything is float32 unless `precision`
        is "bfloat16": "auto", which favours speed in a run, means the exact formulas here. A
        `tile_size` in px computes larger pictures in tiles; "auto" and 0 compute them whole.
      content_masks, style_masks: as in `stylize`. Pixels outside the masks are not held fixed here:
        their gradient is that of the content loss.

    Returns:
      A callable from image [1, *size, 3], float32, BGR minus `network_scale.BGR_MEAN`, to
      (value [], gradient of the image's shape). Its attribute `size`, (height, width), is the
      result's size rounded up to whole pooling cells, multiples of 16 px, as in `canvas`.
    """
    config = config or Config()
    inputs = read_inputs(config, content, several(styles), content_masks, style_masks)
    scene = make_scene(config, inputs, None, load(config.weights, config.layers[-1]))
    tile = config.tile_size
    objective = make_objective(
        config,
        scene.sources.weights,
        # As in a run: no tiles if the picture fits into one.
        tile=tile if tile != "auto" and tile < max(scene.canvas) else 0,
        convolutions=None if config.precision == "auto" else config.precision,
        regions=len(inputs.masks.content),
    )
    first, _ = schedule(config, scene.size)[0]
    weighing = scene.weigh(objective, first, scene.targets(objective, first))
    targets = scene.targets(objective, scene.canvas).weighed(weighing)
    return BoundObjective(objective, targets, scene.canvas)
