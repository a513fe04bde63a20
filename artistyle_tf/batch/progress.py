"""The progress of a batch, and its summary at the end. No TensorFlow, no Ray."""

import collections
import dataclasses
import json
import os
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.text import clock, one_line

__all__ = ["Progress", "Summary"]

PAUSE = 10.0
"""Minimum seconds between two lines in a log."""


class Progress:
    """Is called with every job as it ends (see `pool.Tell`), and shows the progress: a bar over the
    jobs, or in a log a line every ten seconds.

    Args:
      total: number of jobs.
      quiet: show failures only.
    """

    def __init__(self, total: int, quiet: bool = False):
        self._total, self._ended, self._painted = total, 0, 0
        self._quiet = quiet
        self._began = self._shown = time.monotonic()
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=total, unit="picture", smoothing=0.1, dynamic_ncols=True, file=sys.stderr
            )

    def __call__(self, job: Job, outcome: Outcome) -> None:
        name = one_line(os.path.basename(job.output))
        self._ended += 1
        self._painted += outcome.status == "done"
        if outcome.status == "failed":
            self._line(f"{name}: {outcome.reason}")
        elif not self._quiet:
            if outcome.status == "skipped" and outcome.reason != "already done":
                self._line(f"{name}: skipped: {outcome.reason}")
            for note in outcome.notes if outcome.status == "done" else ():
                self._line(f"{name}: {note}")
        if self._bar is not None:
            if outcome.status == "skipped":
                self._bar.initial += 1  # the bar's rate counts painted jobs only
            self._bar.set_postfix_str(name, refresh=False)
            self._bar.update()
        elif not self._quiet and time.monotonic() - self._shown >= PAUSE:
            self._shown = time.monotonic()
            left = ""
            if self._painted:
                rate = (self._shown - self._began) / self._painted
                left = f", about {clock(rate * (self._total - self._ended))} left"
            self._line(f"{self._ended}/{self._total}{left}")

    def _line(self, text: str) -> None:
        """Prints a permanent line, above the bar."""
        text = f"artistyle-batch: {text}"
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


@dataclasses.dataclass(frozen=True)
class Summary:
    """All jobs of a batch with their outcomes, in the order requested."""

    outcomes: Mapping[Job, Outcome | None]
    """None: not started when the user stopped the batch."""
    seconds: float
    """Duration of the whole batch."""
    interrupted: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of jobs by status; "left": stopped or not started."""
        found = collections.Counter(
            "left" if outcome is None or outcome.status == "stopped" else outcome.status
            for outcome in self.outcomes.values()
        )
        return {name: found[name] for name in ("done", "skipped", "failed", "left")}

    @property
    def rate(self) -> float:
        """Painted pictures per hour."""
        return self.counts["done"] * 3600 / self.seconds if self.seconds else 0.0

    def table(self) -> str:
        """Text for people: the failed jobs with their reasons, then the counts."""
        lines = [
            f"failed: {one_line(job.output)}{f' ({job.where})' if job.where else ''}: {one.reason}"
            for job, one in self.outcomes.items()
            if one and one.status == "failed"
        ]
        cells = {name: str(n) for name, n in self.counts.items() if name != "left" or n}
        cells |= {"time": clock(self.seconds), "pictures/h": f"{self.rate:.0f}"}
        widths = {name: max(len(name), len(cell)) for name, cell in cells.items()}
        lines.append("  ".join(name.rjust(widths[name]) for name in cells))
        lines.append("  ".join(cell.rjust(widths[name]) for name, cell in cells.items()))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "program": "artistyle-batch",
            **self.counts,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "pictures_per_hour": round(self.rate, 2),
            "jobs": [_row(job, outcome) for job, outcome in self.outcomes.items()],
        }

    def write(self, path: str) -> None:
        """Writes the report as JSON. InputError if it can't be written."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        files.write_bytes(path, f"{text}\n".encode())


def _row(job: Job, outcome: Outcome | None) -> dict[str, Any]:
    row = {"output": job.output, "content": job.content, "styles": job.styles, "where": job.where}
    return row | (dataclasses.asdict(outcome) if outcome else {"status": "left"})
