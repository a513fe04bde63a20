"""Several workers of one run: all compute and read, the chief alone writes."""

from typing import Any

__all__ = ["is_chief"]


def is_chief(strategy: Any) -> bool:
    """Whether this process writes what a run leaves: the chief, the first worker, or the only one.

    Args:
      strategy: a `tf.distribute.Strategy` or None.
    """
    resolver = getattr(strategy, "cluster_resolver", None)
    kind = getattr(resolver, "task_type", None)
    if resolver is None or not kind:
        return True
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return bool(kind == first and not resolver.task_id)
