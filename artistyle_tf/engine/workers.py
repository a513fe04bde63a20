"""Several workers of one run: all compute and read, only the chief writes."""

from collections.abc import Collection
from typing import Any

__all__ = ["is_chief", "is_first"]


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
