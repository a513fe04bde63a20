"""Estimates the time of jobs from those painted earlier. No TensorFlow, no Ray."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.engine.plan import schedule
from artistyle_tf.errors import InputError

__all__ = ["Pace", "work"]

MEMORY = 20
"""Approximate number of jobs in the running means: machines change."""


def work(job: Job, size: tuple[int, int]) -> float:
    """The work that painting time is proportional to: megapixels times iterations, over all levels.

    `size`: (height, width) of the result in px.
    """
    levels = schedule(job.config, size)
    return sum(height * width * budget for (height, width), budget in levels) / 1e6


class Pace:
    """Durations of jobs by kind, which is what affects speed: network, minimiser, precision, masks.

    Each kind has a rate, in seconds per unit of `work`, and an overhead, in seconds for reading,
    setup and writing. Both are running means over the most recent jobs.
    """

    def __init__(self, known: Mapping[str, Sequence[float]] | None = None):
        self._known = {kind: list(map(float, row)) for kind, row in (known or {}).items()}

    @classmethod
    def read(cls, path: str) -> "Pace":
        """Reads a file written by `write`. Empty if the file is missing or damaged."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            with open(path, encoding="utf-8") as file:
                known = json.load(file)
            if all(len(row) == 3 for row in known.values()):
                return cls(known)
        return cls()

    def write(self, path: str) -> None:
        """Saves it for the next batch; does nothing if the file can't be written."""
        with contextlib.suppress(OSError, InputError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            files.write_bytes(path, json.dumps(self._known, indent=1).encode())

    def learn(self, job: Job, size: tuple[int, int], seconds: float, painting: float) -> None:
        """Updates the means with a job.

        Args:
          job: the painted job.
          size: (height, width) of its result in px.
          seconds: total time.
          painting: of these, the seconds from the first evaluation to the last.
        """
        rate, overhead, count = self._known.get(_kind(job), [0.0, 0.0, 0.0])
        if count == 1:
            overhead = seconds - painting  # the first job's includes loading and tracing; drop it
        weight = 1 / min(count + 1, MEMORY)
        rate += weight * (painting / work(job, size) - rate)
        overhead += weight * (seconds - painting - overhead)
        self._known[_kind(job)] = [rate, overhead, count + 1]

    def seconds(self, job: Job, size: tuple[int, int] | None) -> float | None:
        """Estimated seconds for the job; None if no job of its kind has been painted."""
        known = self._known.get(_kind(job))
        if known is None or size is None:
            return None
        return known[1] + known[0] * work(job, size)

    def to_dict(self) -> dict[str, Any]:
        """Kind → [seconds per megapixel and iteration, seconds of overhead, number of jobs]."""
        return dict(self._known)


def _kind(job: Job) -> str:
    config = job.config
    masks = f"/{len(job.content_masks)} masks" if job.content_masks else ""
    weights = os.path.basename(config.weights)
    return f"{weights}/{config.optimizer}/{config.precision}/{len(job.styles)} styles{masks}"
