"""The kind of device that computes."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

__all__ = ["compiling_for", "device_kind", "device_names", "on_host"]

_compiling_for: contextvars.ContextVar[str | None] = contextvars.ContextVar("kind", default=None)


def device_kind(strategy: tf.distribute.Strategy | None = None) -> str:
    """The kind of a strategy's replicas, or of the current device: "CPU", "GPU" or "TPU".

    The current device is the one set by `tf.device`, or TensorFlow's default; inside a graph being
    traced, it is the one that applies around the tracing.
    """
    kind = _compiling_for.get()
    if kind is None:
        if strategy is None and tf.distribute.has_strategy():
            strategy = tf.distribute.get_strategy()
        kind = tf.DeviceSpec.from_string(device_names(strategy)[0]).device_type
    return str(kind)


def device_names(strategy: tf.distribute.Strategy | None = None) -> list[str]:
    """TensorFlow's full names of a strategy's devices on this machine, or of the current device."""
    if strategy is not None:
        return list(strategy.extended.worker_devices)
    with tf.init_scope():
        return [(tf.zeros([1]) + 1.0).device]


@contextlib.contextmanager
def compiling_for(kind: str) -> Iterator[None]:
    """Graphs traced in this context are for that kind of device, which need not be present."""
    token = _compiling_for.set(kind)
    try:
        yield
    finally:
        _compiling_for.reset(token)


@contextlib.contextmanager
def on_host(kind: str) -> Iterator[None]:
    """Runs on the TPU's host what has no static shape, like targets of pictures of any size."""
    with tf.device("CPU:0") if kind == "TPU" else contextlib.nullcontext():
        yield
