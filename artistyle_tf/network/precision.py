"""The precision policy: losses in true float32 (or float64), convolutions in what a run asks for.

Recent GPUs multiply float32 matrices in TF32, with ten bits of mantissa, unless told otherwise;
Gram matrices and line searches need all twenty-three. Convolutions may take bfloat16: its eight
bits turn the gradient of a picture by some per cent, about which L-BFGS cares little, and CPUs
with AMX tiles compute with them several times faster.
"""

import contextlib
import os
import threading
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


class _Uses:
    """Uses of `true_float32` at this moment, in all threads, and what the first of them found."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.found = False


_uses = _Uses()


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """Switches TF32 off for as long as the context lasts, and back to what it was.

    Contexts may overlap, in any threads: the first one switches TF32 off, the last one back.
    TensorFlow has one switch for a process, so its other code computes without TF32 meanwhile.
    """
    switch = tf.config.experimental
    with _uses.lock:
        if not _uses.count:
            _uses.found = switch.tensor_float_32_execution_enabled()
            switch.enable_tensor_float_32_execution(False)
        _uses.count += 1
    try:
        yield
    finally:
        with _uses.lock:
            _uses.count -= 1
            if not _uses.count:
                switch.enable_tensor_float_32_execution(_uses.found)
