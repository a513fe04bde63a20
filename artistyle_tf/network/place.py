"""What kind of device computes here."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

__all__ = ["compiling_for", "device_kind", "on_host"]

_compiling_for: contextvars.ContextVar[str | None] = contextvars.ContextVar("kind", default=None)


def device_kind(strategy: tf.distribute.Strategy | None = None) -> str:
    """What a strategy's replicas are, or where TensorFlow computes now: "CPU", "GPU" or "TPU".

    That is as `tf.device` or TensorFlow's own choice say, and inside a graph that is being traced
    what holds around the tracing.
    """
    kind = _compiling_for.get()
    if kind is None:
        if strategy is None and tf.distribute.has_strategy():
            strategy = tf.distribute.get_strategy()
        if strategy is not None:
            name = strategy.extended.worker_devices[0]
        else:
            with tf.init_scope():
                name = (tf.zeros([1]) + 1.0).device
        kind = tf.DeviceSpec.from_string(name).device_type
    return str(kind)


@contextlib.contextmanager
def compiling_for(kind: str) -> Iterator[None]:
    """Graphs traced in here are made for that kind of device, which need not be here."""
    token = _compiling_for.set(kind)
    try:
        yield
    finally:
        _compiling_for.reset(token)


@contextlib.contextmanager
def on_host(kind: str) -> Iterator[None]:
    """What a TPU has no shape for, like targets of pictures of any size, its host computes."""
    with tf.device("CPU:0") if kind == "TPU" else contextlib.nullcontext():
        yield
