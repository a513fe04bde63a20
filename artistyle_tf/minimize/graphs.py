"""Functions of vectors of any length, traced once."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["Graphs"]


class Graphs:
    """Traced functions, each made when it is first asked for.

    Args:
      context_spec: nest of `tf.TensorSpec` like the context, the last argument of some of them.
    """

    def __init__(self, context_spec: Any = ()):
        self._context_spec = context_spec
        self.made: dict[Callable[..., Any], Any] = {}
        """What was asked for → its `tf.function`."""

    def of(self, function: Callable[..., Any], *arguments: Any, contextual: bool = False) -> Any:
        """`function`, traced for arguments like these nests of tensors, whatever n is.

        n is the length of the first tensor, and every side as long is taken to be n. With
        `contextual` a context comes after the arguments.
        """
        if function not in self.made:
            dimensions = tf.nest.flatten(arguments)[0].shape[0]
            spec = tf.nest.map_structure(
                lambda tensor: tf.TensorSpec(
                    [None if side == dimensions else side for side in tensor.shape], tensor.dtype
                ),
                arguments,
            )
            signature = (*spec, self._context_spec) if contextual else spec
            self.made[function] = tf.function(function, input_signature=signature, autograph=False)
        return self.made[function]
