"""A run's objective bound to its targets: for use with other minimisers, and for export."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import read_inputs, several
from artistyle_tf.engine.plan import schedule
from artistyle_tf.engine.problem import make_problem
from artistyle_tf.errors import ConfigError
from artistyle_tf.objective.static_tiles import make_objective
from artistyle_tf.objective.targets import Parts, Targets
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import load

__all__ = ["BoundObjective", "Stylizer", "build_objective"]


class BoundObjective:
    """An `Objective` with its targets: image → (value, gradient)."""

    def __init__(self, objective: Objective, targets: Targets, size: tuple[int, int]):
        self.objective, self.targets = objective, targets
        self.size = size  # (height, width)

    def __call__(self, image: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """[1, H, W, 3] BGR, mean subtracted → (value [], gradient of the image's shape)."""
        return self.objective.value_and_gradient(self._tensor(image), self.targets)

    def parts(self, image: Any) -> Parts:
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
    problem = make_problem(config, inputs, None, load(config.weights, config.layers[-1]))
    tile = config.tile_size
    objective = make_objective(
        config,
        problem.weights,
        # As in a run: no tiles if the picture fits into one.
        tile=tile if tile != "auto" and tile < max(problem.canvas) else 0,
        convolutions=None if config.precision == "auto" else config.precision,
        regions=len(inputs.masks.content),
    )
    first, _ = schedule(config, problem.size)[0]
    weighing = problem.weigh(objective, first, problem.targets(objective, first))
    targets = problem.targets(objective, problem.canvas).weighed(weighing)
    return BoundObjective(objective, targets, problem.canvas)


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
