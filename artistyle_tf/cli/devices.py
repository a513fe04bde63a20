"""The devices of a run: a single one by name, or several by a `tf.distribute` strategy."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from artistyle_tf.config.validation import one_of
from artistyle_tf.errors import ConfigError
from artistyle_tf.text import one_line

__all__ = [
    "STRATEGIES",
    "check_device",
    "check_strategy",
    "connect_to_tpu",
    "is_chief",
    "make_strategy",
    "on_device",
]

STRATEGIES = ("mirrored", "multiworker", "tpu")

_NAME = re.compile(r"(?:/|/device:)?(cpu|gpu|tpu)(?::(\d{1,4}))?", re.IGNORECASE)


def check_device(name: str) -> tuple[str, int]:
    """Parses a device name without consulting TensorFlow. ConfigError: it's none.

    >>> check_device("gpu"), check_device("/device:CPU:1")
    (('GPU', 0), ('CPU', 1))
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ConfigError(f"device is {one_line(name)!r}; it must be like cpu, gpu, gpu:1 or tpu")
    return found[1].upper(), int(found[2] or 0)


@contextlib.contextmanager
def on_device(name: str | None) -> Iterator[None]:
    """`tf.device` of an existing device, or a ConfigError that lists those; None: TensorFlow
    chooses."""
    if name is None:
        yield
        return
    import tensorflow as tf  # late, so that names are checked before it loads

    kind, number = check_device(name)
    if kind == "TPU":
        connect_to_tpu()
    wanted = f"{kind}:{number}"
    devices = tf.config.list_logical_devices()
    there = {device.name.split("device:")[-1]: device.name for device in devices}
    if wanted not in there:
        raise ConfigError(f"there is no device {wanted}; TensorFlow sees {', '.join(there)} here")
    with tf.device(there[wanted]):
        yield


def connect_to_tpu() -> Any:
    """The initialised cluster resolver of this machine's TPU or of TPU_NAME; ConfigError: there is
    none. Resets TensorFlow: whatever was created on the TPU is lost."""
    import tensorflow as tf

    resolver = tf.distribute.cluster_resolver.TPUClusterResolver
    named = any(os.environ.get(name) for name in ("TPU_NAME", "COLAB_TPU_ADDR"))
    try:
        return resolver.connect(None if named else "local")
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        why = one_line((str(error).splitlines() or [type(error).__name__])[0].split(". ")[0])
        raise ConfigError(f"there is no TPU that TensorFlow can use: {why}") from None


def check_strategy(name: str) -> None:
    """ConfigError for an unknown name, or workers that TF_CONFIG doesn't list."""
    if name not in STRATEGIES:
        raise ConfigError(f"strategy is {one_line(name)!r}; it must be {one_of(STRATEGIES)}")
    if name == "multiworker" and not _workers()[0]:
        raise ConfigError(
            "strategy multiworker needs the variable TF_CONFIG with a cluster of workers and this "
            "one's task"
        )


def make_strategy(name: str | None) -> Any:
    """The `tf.distribute.Strategy` of that name, or None; call it before any TensorFlow work.

    mirrored: this machine's GPUs, or its logical CPUs if none. multiworker: the workers in
    TF_CONFIG, which all run the same command. tpu: all cores of a TPU.
    """
    if name is None:
        return None
    import tensorflow as tf

    check_strategy(name)
    if name == "multiworker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return tf.distribute.TPUStrategy(connect_to_tpu())
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = tf.config.list_logical_devices(kind)
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def is_chief(name: str | None) -> bool:
    """Whether this process writes the result: the chief worker, or the only one."""
    if name != "multiworker":
        return True
    cluster, task = _workers()
    return task["type"] == ("chief" if "chief" in cluster else "worker") and not int(task["index"])


def _workers() -> tuple[dict[str, Any], dict[str, Any]]:
    """(cluster, this process's task) from TF_CONFIG; both empty if it is not set."""
    try:
        told = json.loads(os.environ.get("TF_CONFIG", "{}"))
        cluster, task = told["cluster"], told["task"]
        return (dict(cluster), task) if cluster["worker"] and task["type"] in cluster else ({}, {})
    except (ValueError, KeyError, TypeError):
        return {}, {}
