"""What kind of device computes here."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

__all__ = ["compiling_for", "device_kind"]

_compiling_for: contextvars.ContextVar[str | None] = contextvars.ContextVar("kind", default=None)


def device_kind() -> str:
    """ "CPU", "GPU" or "TPU": where TensorFlow computes now, as `tf.device` or its own choice say.

    Inside a graph that is being traced it is what holds around the tracing.
    """
    kind = _compiling_for.get()
    if kind is None:
        with tf.init_scope():
            kind = tf.DeviceSpec.from_string(tf.zeros([]).device).device_type
    return str(kind)


@contextlib.contextmanager
def compiling_for(kind: str) -> Iterator[None]:
    """Graphs traced in here are made for that kind of device, which need not be here."""
    token = _compiling_for.set(kind)
    try:
        yield
    finally:
        _compiling_for.reset(token)
