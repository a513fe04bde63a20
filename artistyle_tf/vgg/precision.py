"""What computes, and how precisely: losses in true float32 (or float64), convolutions as told.

Recent GPUs multiply float32 matrices in TF32, with a 10-bit mantissa, unless told otherwise; Gram
matrices and line searches need all 23 bits. Convolutions may use bfloat16: its 8 bits change the
direction of the gradient by some per cent, which L-BFGS tolerates well. CPUs with AMX tiles are
three to five times as fast with them, AMD's with AVX-512 BF16 twice; Intel's with AVX-512 BF16 but
no tiles are slower than in float32. GPUs have not been measured: their choice follows the
documentation.
"""

import contextlib
import contextvars
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

CPUINFO = Path("/proc/cpuinfo")

TILES = {"amx_tile", "amx_bf16"}  # x86 CPU flags for bfloat16 tiles (AMX).

_compiling_for: contextvars.ContextVar[str | None] = contextvars.ContextVar("kind", default=None)


def device_kind(strategy: tf.distribute.Strategy | None = None) -> str:
    """ "CPU", "GPU" or "TPU": of a strategy's replicas, or of the current device.

    That is the one set by `tf.device`, or TensorFlow's default; inside a graph being traced, the
    one around the tracing.
    """
    if kind := _compiling_for.get():
        return kind
    if strategy is None and tf.distribute.has_strategy():
        strategy = tf.distribute.get_strategy()
    if strategy is not None:
        name = strategy.extended.worker_devices[0]
    else:
        with tf.init_scope():
            name = (tf.zeros([1]) + 1.0).device
    return str(tf.DeviceSpec.from_string(name).device_type)


@contextlib.contextmanager
def compiling_for(kind: str) -> Iterator[None]:
    """Graphs traced in the block are for that kind of device, which need not be present."""
    token = _compiling_for.set(kind)
    try:
        yield
    finally:
        _compiling_for.reset(token)


def on_host(kind: str) -> contextlib.AbstractContextManager[None]:
    """Runs on the TPU's host what has no static shape, like targets of pictures of any size."""
    host: contextlib.AbstractContextManager[None] = tf.device("CPU:0")
    return host if kind == "TPU" else contextlib.nullcontext()


def convolution_dtype(precision: str, capabilities: Sequence[tuple[int, int] | None] = ()) -> str:
    """The convolution dtype for a `Config.precision` on this machine.

    `capabilities`: CUDA compute capability of each GPU used, None for other makers' GPUs; empty if
    the CPU computes.
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
    """By the flags and maker of x86 CPUs, as Linux reports them; ARM's flags do not tell."""
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


_lock = threading.Lock()
_found: list[bool] = []
"""What each active `true_float32` found, in all threads: the first one's, and then False."""


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """Disables TF32 within the context, and then restores the previous setting.

    Contexts may overlap in any threads: the first one disables TF32, the last one restores it. The
    setting applies to the whole process, so other TensorFlow code also runs without TF32 meanwhile.
    """
    switch = tf.config.experimental
    with _lock:
        _found.append(switch.tensor_float_32_execution_enabled())
        switch.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        with _lock:
            found = _found.pop()
            if not _found:  # the last to end pops what the first to begin has found
                switch.enable_tensor_float_32_execution(found)
