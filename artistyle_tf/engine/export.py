"""What a run computes, without the run: its objective for other optimizers and as a SavedModel,
and its steps lowered to XLA's HLO, for devices that need not be present."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import read_inputs
from artistyle_tf.engine.plan import Level, schedule, tile_sides
from artistyle_tf.engine.problem import make_problem
from artistyle_tf.engine.solvers import Solvers, make_objective
from artistyle_tf.errors import ConfigError
from artistyle_tf.objective.targets import Parts, Targets
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.precision import compiling_for, true_float32
from artistyle_tf.vgg.vgg19 import stride
from artistyle_tf.vgg.weights import Weights, load


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
    """The objective of a run at its finest level, for use with your own optimizer.

    Args:
      content: as in `stylize`; None for task "texture".
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
    inputs = read_inputs(config, content, styles, content_masks, style_masks)
    problem = make_problem(config, inputs, None, load(config.weights, config.layers[-1]))
    objective = make_objective(
        config,
        problem.weights,
        tile=tile_sides(config, problem.canvas)[0],
        convolutions=None if config.precision == "auto" else config.precision,
        regions=len(inputs.masks.content),
    )
    first, _ = schedule(config, problem.size)[0]
    coarse = problem.targets(objective, first)
    weights = objective.find_style_weights(problem.photo(first), coarse)
    targets = problem.targets(objective, problem.canvas).with_weights(weights)
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
        self.targets = [
            tf.Variable(one, trainable=False, name="targets")
            for one in tf.nest.flatten(bound.targets)
        ]

        def value_and_gradient(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            held = [tf.convert_to_tensor(one) for one in self.targets]
            targets = tf.nest.pack_sequence_as(bound.targets, held)
            return objective.value_and_gradient(image, targets)

        self.value_and_gradient = tf.function(
            value_and_gradient,
            input_signature=[tf.TensorSpec([1, *self.size, 3], dtype, name="image")],
            autograph=False,
            jit_compile=jit_compile,
        )
        """image [1, *size, 3] BGR, mean subtracted → (value [], gradient of the image's shape)."""


def lower_level(
    config: Config,
    weights: Weights,
    level: Level,
    dtype: str,
    *,
    kind: str,
    regions: int = 0,
) -> bytes:
    """`Minimizer.advance_at_once` of a level for that `kind` of device: a serialised
    `HloModuleProto`, with filters and targets as arguments."""
    with compiling_for(kind), true_float32():
        solver = Solvers(config, weights, None, regions).of(level, dtype)
        height, width = level.size
        search = solver.minimizer.start(tf.zeros([3 * height * width]), budget=level.budget)
        targets = _empty_targets(solver.objective.targets_spec, level.size)
        context = targets, tf.constant(level.size), tf.constant(0.0)
        made = solver.minimizer.loop(search).experimental_get_compiler_ir(
            search, tf.constant(1), context
        )
        # No device's kernels are requested: the module suits any compiler.
        hlo: bytes = made(stage="hlo_serialized", platform_name="CPU")
    return hlo


def _empty_targets(spec: Targets, size: tuple[int, int]) -> Targets:
    """Targets of zeros for images of that (height, width)."""

    def maps(layers: dict[str, tf.TensorSpec]) -> dict[str, tf.Tensor]:
        return {
            name: tf.zeros([1, *(side // stride(name) for side in size), one.shape[-1]], one.dtype)
            for name, one in layers.items()
        }

    zeros = tf.nest.map_structure(
        lambda one: tf.zeros([side or 1 for side in one.shape], one.dtype),
        spec._replace(content={}, guides={}, earlier={}),
    )
    filled: Targets = zeros._replace(content=maps(spec.content), guides=maps(spec.guides))
    return filled
