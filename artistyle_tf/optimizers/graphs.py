"""Traced functions of vectors of any length."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["Graphs"]


class Graphs:
    """Traced functions, each created on first use.

    Args:
      context_spec: nest of `tf.TensorSpec` matching the context, the last argument of some of them.
      compiled: whether they are compiled with XLA, separately for each length.
    """

    def __init__(self, context_spec: Any = (), compiled: bool = False):
        self._context_spec, self._compiled = context_spec, compiled
        self.made: dict[Callable[..., Any], Any] = {}
        """Python function → its `tf.function`."""

    def of(self, function: Callable[..., Any], *arguments: Any, contextual: bool = False) -> Any:
        """`function`, traced for arguments like these nests of tensors, for any length n.

        n is the length of the first tensor; any dimension of that length is taken to be n. With
        `contextual`, a context follows the arguments. Inside a graph compiled by XLA this returns
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
                # Not inlined into other graphs, so that results stay bit-identical.
                experimental_attributes=None if self._compiled else {"_noinline": True},
            )
        return self.made[function]

    def like(self, *arguments: Any) -> tuple[Any, ...]:
        """The arguments to trace with: these if lengths are fixed, otherwise none."""
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
