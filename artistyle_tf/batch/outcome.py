"""What a worker is told once, and what it hands back of each job. Plain values."""

import dataclasses
from typing import Literal

__all__ = ["Options", "Outcome", "Status"]

Status = Literal["done", "skipped", "failed", "busy", "stopped"]
"""done: painted now; skipped: nothing to do; busy: another run has it; stopped: by the user."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What holds for all jobs of a batch."""

    save_every: str | None = None
    """How often checkpoints are written: see `Checkpoints`."""
    device: str | None = None
    deterministic: bool = False
    threads: int | None = None
    """Of TensorFlow, where several workers share a machine's CPUs."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended. Small: pictures stay where they were made."""

    status: Status
    reason: str = ""
    """Why it was skipped or failed; for what was done, why the run stopped."""
    seconds: float = 0.0
    """In all, from the job's beginning to its file."""
    painting: float = 0.0
    """Seconds of that from the first evaluation to the last."""
    size: tuple[int, int] | None = None
    """(height, width) of the result."""
    tries: int = 1
    resident: int = 0
    """Bytes that the worker held afterwards."""
    notes: tuple[str, ...] = ()
    """What the user should know of this job."""
    pid: int = 0
