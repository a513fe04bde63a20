"""Functions of vectors of any length, traced once."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["Graphs"]


class Graphs:
    """Traced functions, each made when it is first asked for.

    Args:
      context_spec: nest of `tf.TensorSpec` like the context, the last argument of some of them.
      compiled: whether XLA compiles them, for every length anew.
    """

    def __init__(self, context_spec: Any = (), compiled: bool = False):
        self._context_spec, self._compiled = context_spec, compiled
        self.made: dict[Callable[..., Any], Any] = {}
        """What was asked for → its `tf.function`."""

    def of(self, function: Callable[..., Any], *arguments: Any, contextual: bool = False) -> Any:
        """`function`, traced for arguments like these nests of tensors, whatever n is.

        n is the length of the first tensor, and every side as long is taken to be n. With
        `contextual` a context comes after the arguments. Inside a graph that XLA compiles it is
        `function` itself.
        """
        if self._compiled and not tf.executing_eagerly():
            return function
        if function not in self.made:
            signature = None if self._compiled else self._signature(arguments, contextual)
            self.made[function] = tf.function(
                function,
                input_signature=signature,
                autograph=False,
                jit_compile=self._compiled,
                # Inside another graph it stays what it is by itself, to the bit.
                experimental_attributes=None if self._compiled else {"_noinline": True},
            )
        return self.made[function]

    def like(self, *arguments: Any) -> tuple[Any, ...]:
        """The arguments to trace with: shapes and dtypes of these where lengths are fixed."""
        return arguments if self._compiled else ()

    def _signature(self, arguments: Any, contextual: bool) -> tuple[Any, ...]:
        dimensions = tf.nest.flatten(arguments)[0].shape[0]
        spec = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(
                [None if side == dimensions else side for side in tensor.shape], tensor.dtype
            ),
            arguments,
        )
        return (*spec, self._context_spec) if contextual else spec
