"""The devices that a run computes on. TensorFlow is imported when they are asked for.

Based on the documentation of `tf.config`; not run on a GPU yet (docs/gpu-tpu.md).
"""

import logging
import os
from collections.abc import Collection
from typing import Any

__all__ = ["capabilities", "is_chief", "is_first", "let_memory_grow"]

logger = logging.getLogger("artistyle_tf")

VARIABLE = "TF_FORCE_GPU_ALLOW_GROWTH"
"""Lets the user override memory growth; TensorFlow reads it itself."""


def let_memory_grow() -> None:
    """Makes TensorFlow allocate GPU memory on demand, rather than all of it at the start.

    Does nothing if the user has decided (`TF_FORCE_GPU_ALLOW_GROWTH`, `set_memory_growth`, logical
    devices), or if TensorFlow is already initialised.
    """
    import tensorflow as tf

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


def capabilities() -> list[tuple[int, int] | None]:
    """The compute capability of each visible GPU, like (8, 0); None if CUDA doesn't tell."""
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.get_visible_devices("GPU"))
    return [each.get("compute_capability") for each in details]


def is_first(kind: str, index: int | None, jobs: Collection[str]) -> bool:
    """Whether this task is the chief of a cluster with those kinds of tasks."""
    first = "chief" if "chief" in jobs else "worker"
    return kind == first and not index


def is_chief(strategy: Any) -> bool:
    """Whether this process writes the run's files: the chief, the first worker, or the only one.

    Args:
      strategy: a `tf.distribute.Strategy` or None.
    """
    resolver = getattr(strategy, "cluster_resolver", None)
    kind = getattr(resolver, "task_type", None)
    if resolver is None or not kind:
        return True
    return is_first(kind, resolver.task_id, resolver.cluster_spec().jobs)
