"""The precision policy: losses in true float32 (or float64), convolutions as configured.

Recent GPUs multiply float32 matrices in TF32, with a 10-bit mantissa, unless told otherwise; Gram
matrices and line searches need all 23 bits. Convolutions may use bfloat16: its 8 bits change the
direction of the gradient by some per cent, which L-BFGS tolerates well. CPUs with AMX tiles are
three to five times as fast with them, AMD's with AVX-512 BF16 twice; Intel's with AVX-512 BF16 but
no tiles are slower than in float32. GPUs have not been measured: their choice follows the
documentation.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

__all__ = ["convolution_dtype", "true_float32"]

CPUINFO = Path("/proc/cpuinfo")

TILES = {"amx_tile", "amx_bf16"}
"""x86 CPU flags for bfloat16 tiles (AMX)."""


def convolution_dtype(precision: str, capabilities: Sequence[tuple[int, int] | None] = ()) -> str:
    """The convolution dtype for a `Config.precision` on this machine.

    Args:
      precision: "auto", or the dtype itself.
      capabilities: CUDA compute capability of each GPU used, None for other makers' GPUs. Empty:
        the CPU computes, even if there are GPUs.
    """
    if precision != "auto":
        return precision
    if capabilities:
        # From Ampere on, tensor cores multiply in bfloat16 twice as fast as in TF32 and eight times
        # as in float32: 312, 156 and 19.5 TFLOP/s in NVIDIA's data sheet of the A100.
        faster = all(known is not None and known >= (8, 0) for known in capabilities)
    else:
        faster = _is_cpu_faster()
    return "bfloat16" if faster else "float32"


def _is_cpu_faster() -> bool:
    """Whether convolutions are faster in bfloat16 on this CPU, with TensorFlow as configured.

    The flags and maker of x86 CPUs tell, as Linux reports them; ARM's flags do not.
    """
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    try:
        text = CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return False
    named = (line.partition(":") for line in text.splitlines())
    found = {name.strip(): set(words.split()) for name, _, words in named}
    flags, maker = found.get("flags", set()), found.get("vendor_id", set())
    return flags >= TILES or ("AuthenticAMD" in maker and "avx512_bf16" in flags)


class _Uses:
    """Active `true_float32` contexts in all threads, and the setting that the first one found."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.found = False


_uses = _Uses()


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """Disables TF32 within the context, and then restores the previous setting.

    Contexts may overlap in any threads: the first one disables TF32, the last one restores it. The
    setting applies to the whole process, so other TensorFlow code also runs without TF32 meanwhile.
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
