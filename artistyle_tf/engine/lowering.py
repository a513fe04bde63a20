"""A level's whole step lowered to XLA's HLO, for devices that need not be present."""

from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import Level
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.objective.targets import Targets
from artistyle_tf.vgg.precision import compiling_for, true_float32
from artistyle_tf.vgg.vgg19 import stride
from artistyle_tf.vgg.weights import Weights

__all__ = ["Lowered", "empty_targets", "lower_level"]


class Lowered(NamedTuple):
    """A function lowered to HLO, with the arguments to call it with."""

    hlo: bytes  # a serialised `HloModuleProto`, with filters and targets as arguments
    arguments: list[Any]  # tensors, in the order of the module's parameters
    results: list[str]  # names: paths in the minimiser's state, then evaluations and values


def lower_level(
    config: Config,
    weights: Weights,
    level: Level,
    dtype: str,
    *,
    kind: str,
    regions: int = 0,
) -> Lowered:
    """`Minimizer.advance_at_once` of a level for that `kind` of device, with all-zero targets."""
    with compiling_for(kind):
        solver = Solvers(config, weights, None, regions).of(level, dtype)
        height, width = level.size
        position = tf.zeros([3 * height * width])
        search = solver.minimizer.start(position, budget=level.budget)
        targets = empty_targets(solver.objective.targets_spec, level.size)
        context = targets, tf.constant(level.size), tf.constant(0.0)
        with true_float32():
            traced = solver.minimizer.prepare_at_once(search, context)
            arguments = search, tf.constant(1), context
            made = solver.minimizer.loop(search).experimental_get_compiler_ir(*arguments)
            # No device's kernels are requested: the module suits any compiler.
            hlo = made(stage="hlo_serialized", platform_name="CPU")
    paths = [".".join(map(str, path)) for path, _ in _paths(traced.structured_outputs)]
    return Lowered(hlo, [*tf.nest.flatten(arguments), *traced.captured_inputs], paths)


def empty_targets(spec: Targets, size: tuple[int, int]) -> Targets:
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


def _paths(structure: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """(path, leaf) of a nest, in the order of `tf.nest.flatten`."""
    if hasattr(structure, "_asdict"):
        items = structure._asdict().items()
    elif isinstance(structure, dict):
        items = sorted(structure.items())
    elif isinstance(structure, list | tuple):
        items = enumerate(structure)
    else:
        return [(path, structure)]
    return [leaf for key, value in items for leaf in _paths(value, (*path, key))]
