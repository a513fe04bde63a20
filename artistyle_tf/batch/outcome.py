"""The options that workers receive, and the outcome that they return for each job. Plain values."""

import dataclasses
from typing import Literal

__all__ = ["Options", "Outcome", "Status"]

Status = Literal["done", "skipped", "failed", "busy", "stopped"]
"""done: painted; skipped: nothing to do; busy: locked by another run; stopped: by the user."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Options that apply to all jobs of a batch."""

    save_every: str | None = None
    """How often checkpoints are saved: see `Checkpoints`."""
    device: str | None = None
    deterministic: bool = False
    threads: int | None = None
    """TensorFlow threads per worker if several share the CPUs; None: TensorFlow's default."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended. Small, since it contains no pictures."""

    status: Status
    reason: str = ""
    """Why the job was skipped or failed; for painted jobs, the stop reason of the run."""
    seconds: float = 0.0
    """Total time, from the start of the job to the written file."""
    painting: float = 0.0
    """Of these, the seconds from the first evaluation to the last."""
    size: tuple[int, int] | None = None
    """(height, width) of the result in px."""
    tries: int = 1
    resident: int = 0
    """Resident memory of the worker afterwards, in bytes."""
    notes: tuple[str, ...] = ()
    """Remarks about the job for the user."""
    pid: int = 0
