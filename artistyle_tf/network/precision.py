"""The precision policy: losses in true float32 (or float64), convolutions in what a run asks for.

Recent GPUs multiply float32 matrices in TF32, with ten bits of mantissa, unless told otherwise;
Gram matrices and line searches need all twenty-three. Convolutions may take bfloat16: its eight
bits turn the gradient of a picture by some per cent, about which L-BFGS cares little, and CPUs
with AMX tiles compute with them several times faster.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

__all__ = ["convolution_dtype", "has_amx", "true_float32"]

CPUINFO = Path("/proc/cpuinfo")


def convolution_dtype(precision: str) -> str:
    """The dtype of convolutions that a `Config.precision` stands for on this machine.

    "auto" is bfloat16 on a CPU that has tiles for it, and float32 everywhere else, GPUs included:
    it is never taken where it was not measured.
    """
    if precision != "auto":
        return precision
    return "bfloat16" if has_amx() and not tf.config.list_physical_devices("GPU") else "float32"


def has_amx() -> bool:
    """Whether TensorFlow can use this CPU's tiles for bfloat16 (AMX; Linux tells)."""
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    try:
        text = CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return False
    flags = (line for line in text.splitlines() if line.startswith("flags"))
    return {"amx_tile", "amx_bf16"} <= set(next(flags, "").split())


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """Switches TF32 off for as long as the context lasts, and back to what it was."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
