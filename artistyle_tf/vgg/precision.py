"""The precision policy: losses in true float32 (or float64), convolutions as configured.

Recent GPUs multiply float32 matrices in TF32, with a 10-bit mantissa, unless told otherwise; Gram
matrices and line searches need all 23 bits. Convolutions may use bfloat16: its 8 bits change the
direction of the gradient by some per cent, which L-BFGS tolerates well. CPUs with AMX tiles are
three to five times as fast with them, AMD's with AVX-512 BF16 twice; Intel's with AVX-512 BF16 but
no tiles are slower than in float32. GPUs have not been measured: their choice follows the
documentation.
"""

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

__all__ = ["convolution_dtype", "gpu_dtype", "is_faster_in_bfloat16", "true_float32"]

CPUINFO = Path("/proc/cpuinfo")

TILES = {"amx_tile", "amx_bf16"}
"""x86 CPU flags for bfloat16 tiles (AMX)."""

MARGIN = 1.3
"""Speed-up that bfloat16 must reach where it is measured; less does not justify its precision."""


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
        kinds = {gpu_dtype(capability) for capability in capabilities}
        return "bfloat16" if kinds == {"bfloat16"} else "float32"
    return "bfloat16" if is_faster_in_bfloat16() else "float32"


def gpu_dtype(capability: tuple[int, int] | None) -> str:
    """The convolution dtype for a GPU of that compute capability.

    From 8.0 (Ampere) on, tensor cores multiply in bfloat16, twice as fast as in TF32 and eight
    times as float32: 312, 156 and 19.5 TFLOP/s in NVIDIA's data sheet of the A100. That is by
    the documentation, and was not measured here.

    >>> gpu_dtype((7, 5)), gpu_dtype((8, 0)), gpu_dtype(None)
    ('float32', 'bfloat16', 'float32')
    """
    return "bfloat16" if capability is not None and capability >= (8, 0) else "float32"


def is_faster_in_bfloat16() -> bool:
    """Whether convolutions are faster in bfloat16 on this CPU, with TensorFlow as configured.

    On x86 the CPU flags and maker decide, based on measurements; Linux reports them. ARM has one
    flag for units as fast as float32's and for twice as fast ones: there it is measured once, in
    under a second.
    """
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    try:
        text = CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return False
    named = (line.partition(":") for line in text.splitlines())
    flags = {name.strip(): set(words.split()) for name, _, words in named}
    if "bf16" in flags.get("Features", ()):
        return _measured_gain() >= MARGIN
    known = flags.get("flags", set())
    amd = "AuthenticAMD" in flags.get("vendor_id", ())
    return known >= TILES or (amd and "avx512_bf16" in known)


@functools.cache
def _measured_gain() -> float:
    """Time ratio, float32 over bfloat16, of VGG19's second convolution with its gradient."""
    best = []
    for dtype in (tf.float32, tf.bfloat16):
        image, filters = tf.ones([1, 96, 96, 64], dtype), tf.ones([3, 3, 64, 64], dtype)

        @tf.function(autograph=False)
        def both(image: tf.Tensor = image, filters: tf.Tensor = filters) -> tf.Tensor:
            seen = tf.nn.conv2d(image, filters, 1, "SAME")
            return tf.nn.conv2d_transpose(seen, filters, tf.shape(image), 1, "SAME")

        both()
        seconds = []
        for _ in range(5):
            begun = time.perf_counter()
            both().numpy()
            seconds.append(time.perf_counter() - begun)
        best.append(min(seconds))
    return best[0] / best[1]


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
