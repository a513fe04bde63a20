"""Shows the progress of a batch: a bar over its jobs, or a line every ten seconds in a log."""

import sys
import time
from types import TracebackType
from typing import Any

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.outcome import Outcome
from artistyle_tf.batch.places import base_name
from artistyle_tf.text import clock, one_line

__all__ = ["Board"]

PAUSE = 10.0
"""Minimum seconds between two lines in a log."""


class Board:
    """Is called with every job as it ends (see `dispatch.Tell`), and shows the progress.

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
        name = one_line(base_name(job.output))
        self._ended += 1
        self._painted += outcome.status == "done"
        if outcome.status == "failed":
            self.line(f"{name}: {outcome.reason}")
        elif not self._quiet:
            if outcome.status == "skipped" and outcome.reason != "already done":
                self.line(f"{name}: skipped: {outcome.reason}")
            for note in outcome.notes if outcome.status == "done" else ():
                self.line(f"{name}: {note}")
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
            self.line(f"{self._ended}/{self._total}{left}")

    def line(self, text: str) -> None:
        """Prints a permanent line, above the bar."""
        text = f"artistyle-batch: {text}"
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
