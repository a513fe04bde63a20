"""A run's objective as a `tf.Module`: value and gradient, exportable as a SavedModel."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.bound import BoundObjective, build_objective
from artistyle_tf.errors import ConfigError
from artistyle_tf.objective.targets import Targets
from artistyle_tf.objective.tiled import TiledObjective

__all__ = ["Stylizer"]


class Stylizer(tf.Module):
    """`build_objective` as a module that holds its targets, for `tf.saved_model.save` and XLA.

        tf.saved_model.save(Stylizer("photo.jpg", "painting.jpg", config), "folder")
        value, gradient = tf.saved_model.load("folder").value_and_gradient(image)

    The reloaded function gives the same numbers and needs neither this package nor the pictures or
    weights: VGG19 is in the graph as constants, the targets are non-trainable variables.

    Args:
      content, styles, config, masks: as in `build_objective`, with its errors.
      jit_compile: compile value and gradient with XLA, for one fixed size, as TPUs require. Not
        possible in tiles, whose sizes differ: ConfigError.
    """

    def __init__(
        self,
        content: Any,
        styles: Any,
        config: Config | None = None,
        *,
        content_masks: Sequence[Any] = (),
        style_masks: Sequence[Any] = (),
        jit_compile: bool = False,
    ):
        super().__init__(name="stylizer")
        bound: BoundObjective = build_objective(
            content, styles, config, content_masks=content_masks, style_masks=style_masks
        )
        objective, self.size = bound.objective, bound.size
        if jit_compile and isinstance(objective, TiledObjective):
            raise ConfigError(
                f"tile_size is {objective.tile}; with jit_compile it must be 0 or auto, since XLA "
                "compiles no tiles"
            )
        dtype = objective.extractor.input.dtype

        def variables(targets: dict[str, Any]) -> dict[str, Any]:
            return {
                name: tf.nest.map_structure(
                    lambda tensor, name=name: tf.Variable(tensor, trainable=False, name=name),
                    target,
                )
                for name, target in targets.items()
            }

        self.content_targets = variables(bound.targets.content)
        self.style_targets = variables(bound.targets.style)
        self.style_weights = variables(bound.targets.weights)
        self.guides = variables(bound.targets.guides)
        self.scale = tf.Variable(bound.targets.scale, trainable=False, name="scale")
        self.palette = variables(bound.targets.palette)

        def value_and_gradient(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            held = {
                "content": dict(self.content_targets),
                "style": dict(self.style_targets),
                "weights": dict(self.style_weights),
                "guides": dict(self.guides),
                "scale": self.scale,
                "palette": dict(self.palette),
            }
            targets = Targets(**tf.nest.map_structure(tf.convert_to_tensor, held), earlier={})
            return objective.value_and_gradient(image, targets)

        self.value_and_gradient = tf.function(
            value_and_gradient,
            input_signature=[tf.TensorSpec([1, *self.size, 3], dtype, name="image")],
            autograph=False,
            jit_compile=jit_compile,
        )
        """image [1, *size, 3] BGR, mean subtracted → (value [], gradient of the image's shape)."""
