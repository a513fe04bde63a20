"""How fast jobs are painted here, learnt from those that were. No TensorFlow, no Ray."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.errors import InputError
from artistyle_tf.run.schedule import schedule

__all__ = ["Pace", "work"]

MEMORY = 20
"""Jobs that the means go back to: machines change."""


def work(job: Job, size: tuple[int, int]) -> float:
    """What the time of painting goes by: megapixels times iterations, of all levels.

    `size`: (height, width) of the result.
    """
    levels = schedule(job.config, size)
    return sum(height * width * budget for (height, width), budget in levels) / 1e6


class Pace:
    """Seconds that jobs take, by what makes them fast or slow: network, minimiser, precision.

    Each has a rate, seconds by `work`, and an overhead, seconds for reading, setting up and
    writing. Both are means over the last jobs.
    """

    def __init__(self, known: Mapping[str, Sequence[float]] | None = None):
        self._known = {kind: list(map(float, row)) for kind, row in (known or {}).items()}

    @classmethod
    def read(cls, path: str) -> "Pace":
        """Of a file that `write` wrote; of none or a damaged one: an empty one."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            with open(path, encoding="utf-8") as file:
                known = json.load(file)
            if all(len(row) == 3 for row in known.values()):
                return cls(known)
        return cls()

    def write(self, path: str) -> None:
        """Keeps it for the next batch, if there can be a file."""
        with contextlib.suppress(OSError, InputError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            files.write_bytes(path, json.dumps(self._known, indent=1).encode())

    def learn(self, job: Job, size: tuple[int, int], seconds: float, painting: float) -> None:
        """Takes a job into account.

        Args:
          job: what was painted.
          size: (height, width) of its result.
          seconds: in all.
          painting: of these, from the first evaluation to the last.
        """
        rate, overhead, count = self._known.get(_kind(job), [0.0, 0.0, 0.0])
        if count == 1:
            overhead = seconds - painting  # of the first job: loading and tracing, never again
        weight = 1 / min(count + 1, MEMORY)
        rate += weight * (painting / work(job, size) - rate)
        overhead += weight * (seconds - painting - overhead)
        self._known[_kind(job)] = [rate, overhead, count + 1]

    def seconds(self, job: Job, size: tuple[int, int] | None) -> float | None:
        """About how long the job will take; None if nothing like it has been painted."""
        known = self._known.get(_kind(job))
        if known is None or size is None:
            return None
        return known[1] + known[0] * work(job, size)

    def to_dict(self) -> dict[str, Any]:
        """Kind → [seconds a megapixel and iteration, seconds of overhead, jobs]."""
        return dict(self._known)


def _kind(job: Job) -> str:
    config = job.config
    masks = f"/{len(job.content_masks)} masks" if job.content_masks else ""
    weights = os.path.basename(config.weights)
    return f"{weights}/{config.optimizer}/{config.precision}/{len(job.styles)} styles{masks}"
