"""The devices of a run: a single one by name, or several by a `tf.distribute` strategy."""

import contextlib
import glob
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from artistyle_tf.config.config import Config
from artistyle_tf.config.validation import one_of
from artistyle_tf.engine.plan import Room, free_bytes, make_plan
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.text import flag_text, one_line
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS, WIDTHS, block_of

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


def check_memory(
    config: Config, size: tuple[int, int], device: str | None, strategy: str | None
) -> None:
    """ConfigError, before TensorFlow loads, if a CPU's memory can't hold a picture of (height,
    width) px. Nothing is checked where there may be a GPU or TPU, which TensorFlow alone knows."""
    accelerators = ("nvidia[0-9]*", "kfd", "dxg", "accel*", "vfio/*")
    elsewhere = sys.platform != "linux" or any(glob.glob(f"/dev/{name}") for name in accelerators)
    if strategy or (elsewhere if device is None else check_device(device)[0] != "CPU"):
        return
    # Other networks, whose widths are not known yet, may be narrow.
    full = config.weights in ("auto", "imagenet", "imagenet-8bit")
    widths = {name: WIDTHS[block_of(name) - 1] if full else 1 for name in VGG19_LAYERS}
    room = Room(config.memory_bytes or free_bytes(), asked=bool(config.memory))
    try:
        make_plan(config, size, widths, 2, room)
    except ArtistyleError as error:
        raise ConfigError(f"--size={flag_text(config.size)}: {error}") from None


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
