"""Where a run computes: a device by name, checked against what TensorFlow sees."""

import contextlib
import re
from collections.abc import Iterator

from artistyle_tf.errors import ConfigError
from artistyle_tf.messages import one_line

__all__ = ["check_device", "on_device"]

_NAME = re.compile(r"(?:/|/device:)?(cpu|gpu|tpu)(?::(\d{1,4}))?", re.IGNORECASE)


def check_device(name: str) -> tuple[str, int]:
    """("GPU", 1) for "gpu:1", "/GPU:1" or "/device:GPU:1"; without a number, 0.

    Raises:
      ConfigError: no such name; TensorFlow was not asked.

    >>> check_device("gpu"), check_device("/device:CPU:1")
    (('GPU', 0), ('CPU', 1))
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ConfigError(f"device is {one_line(name)!r}; it must be like cpu, gpu or gpu:1")
    return found[1].upper(), int(found[2] or 0)


@contextlib.contextmanager
def on_device(name: str | None) -> Iterator[None]:
    """`tf.device` of a device that is there; None: what the caller or TensorFlow chooses.

    Raises:
      ConfigError: no such device; the message lists those there are.
    """
    if name is None:
        yield
        return
    import tensorflow as tf  # here: the names above are checked before it loads

    kind, number = check_device(name)
    wanted = f"{kind}:{number}"
    there = [device.name.split("device:")[-1] for device in tf.config.list_logical_devices()]
    if wanted not in there:
        raise ConfigError(f"there is no device {wanted}; TensorFlow sees {', '.join(there)} here")
    with tf.device(f"/device:{wanted}"):
        yield
