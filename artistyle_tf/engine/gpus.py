"""The GPUs that a run computes on: memory growth, free memory and compute capability.

Based on the documentation of `tf.config` and of CUDA, and tested with mocks; not run on a GPU yet
(docs/gpu-tpu.md).
"""

import logging
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.engine.cards import card_free, cards
from artistyle_tf.vgg.place import device_names

__all__ = ["Gpu", "devices_used", "free_on", "gpus_used", "let_memory_grow"]

logger = logging.getLogger("artistyle_tf")

VARIABLE = "TF_FORCE_GPU_ALLOW_GROWTH"
"""Lets the user override memory growth; TensorFlow reads it itself."""


class Gpu(NamedTuple):
    """A logical GPU of TensorFlow."""

    name: str
    """Like "GPU:0"."""
    number: int
    """CUDA's number of the card it is on."""
    model: str = ""
    capability: tuple[int, int] | None = None
    """CUDA's compute capability, like (8, 0); None if not available."""
    limit: int | None = None
    """Memory limit in bytes, if the user split a card into logical devices."""
    grows: bool = False
    """Whether TensorFlow allocates memory on demand, rather than all of it at the start."""


def let_memory_grow() -> None:
    """Makes TensorFlow allocate GPU memory on demand, so that planning can rely on what is free.

    Does nothing if the user has decided (`TF_FORCE_GPU_ALLOW_GROWTH`, `set_memory_growth`, logical
    devices), or if TensorFlow is already initialised.
    """
    if os.environ.get(VARIABLE):
        return
    visible = tf.config.get_visible_devices("GPU")
    for gpu in visible:
        decided = tf.config.experimental.get_memory_growth(gpu) is not None
        if decided or tf.config.get_logical_device_configuration(gpu):
            return
    try:
        for gpu in visible:  # TensorFlow requires the same for all
            tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError) as error:
        logger.debug("the memory of GPUs stays as TensorFlow took it: %s", error)


def devices_used(strategy: tf.distribute.Strategy | None = None) -> set[str]:
    """The devices that a run started in this context computes on, like {"CPU:0"}.

    They are the strategy's devices on this machine, or the one set by an enclosing `tf.device`, or
    TensorFlow's default.
    """
    return {name.rpartition("device:")[2] for name in device_names(strategy)}


def gpus_used(strategy: tf.distribute.Strategy | None = None) -> list[Gpu]:
    """The GPUs among `devices_used`; empty if the run computes elsewhere."""
    wanted = devices_used(strategy)
    return [gpu for gpu in _logical_gpus() if gpu.name in wanted]


def _logical_gpus() -> list[Gpu]:
    found: list[Gpu] = []
    visible = tf.config.get_visible_devices("GPU")
    for number, device in enumerate(tf.config.list_physical_devices("GPU")):
        if device not in visible:
            continue
        details = tf.config.experimental.get_device_details(device)
        for part in tf.config.get_logical_device_configuration(device) or [None]:
            limit = getattr(part, "memory_limit", None)
            found.append(
                Gpu(
                    f"GPU:{len(found)}",
                    number,
                    details.get("device_name", ""),
                    details.get("compute_capability"),
                    None if limit is None else int(limit) * 2**20,
                    _grows(device),
                )
            )
    return found


def _grows(device: Any) -> bool:
    forced = os.environ.get(VARIABLE, "").lower()
    if forced in ("true", "false"):
        return forced == "true"
    return bool(tf.config.experimental.get_memory_growth(device))


def free_on(gpus: Sequence[Gpu]) -> int | None:
    """Bytes that a run may still allocate on each of these GPUs; None if unknown.

    It is unknown for a card that TensorFlow has allocated as a whole: TensorFlow doesn't report how
    much it reserved, and so how much of that is unused.
    """
    known = cards() if any(gpu.grows and gpu.limit is None for gpu in gpus) else ()
    each = [_free(gpu, known) for gpu in gpus]
    return min((free for free in each if free is not None), default=None)


def _free(gpu: Gpu, known: Sequence[Any]) -> int | None:
    try:
        used = tf.config.experimental.get_memory_info(gpu.name)
    except (ValueError, tf.errors.OpError):  # an allocator without statistics
        used = {"current": 0, "peak": 0}
    if gpu.limit is not None:
        return max(gpu.limit - used["current"], 0)
    free = card_free(gpu.number, known, gpu.model) if gpu.grows else None
    # TensorFlow never returns memory: it reuses what it holds before it allocates more.
    return None if free is None else free + max(used["peak"] - used["current"], 0)
