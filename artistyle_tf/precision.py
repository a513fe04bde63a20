"""The precision policy: everything here is computed in true float32 (or float64 where asked).

Recent GPUs multiply float32 matrices in TF32, with ten bits of mantissa, unless told otherwise;
Gram matrices and line searches need all twenty-three.
"""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

__all__ = ["true_float32"]


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """Switches TF32 off for as long as the context lasts, and back to what it was."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
