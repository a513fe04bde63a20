"""A whole batch: `paint_all`, and its table and report. No TensorFlow, no Ray."""

import collections
import dataclasses
import json
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job, make_job, name_outputs
from artistyle_tf.batch.plan import in_order
from artistyle_tf.batch.pool import Options, Outcome, Tell, run_tasks
from artistyle_tf.batch.worker import Worker
from artistyle_tf.config.choices import Cadence
from artistyle_tf.config.validation import integer
from artistyle_tf.text import clock


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

    def __str__(self) -> str:
        counts = ", ".join(f"{n} {name}" for name, n in self.counts.items() if name != "left" or n)
        return f"{counts} in {clock(self.seconds)}, {self.rate:.0f} pictures/h"

    def write(self, path: str) -> None:
        """Writes a report as JSON. InputError if it can't be written."""
        report = {
            "program": "artistyle_tf",
            **self.counts,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "pictures_per_hour": round(self.rate, 2),
            "jobs": [
                {name: getattr(job, name) for name in ("output", "content", "styles", "where")}
                | (dataclasses.asdict(outcome) if outcome else {"status": "left"})
                for job, outcome in self.outcomes.items()
            ],
        }
        text = json.dumps(report, indent=1, ensure_ascii=False)
        files.write_bytes(path, f"{text}\n".encode())


def paint_all(
    jobs: Iterable[Job | Mapping[str, Any]],
    output_dir: str | os.PathLike[str] = "",
    *,
    extension: str = ".png",
    workers: int | None = None,
    address: str | None = None,
    save_every: int | str | None = None,
    device: str | None = None,
    deterministic: bool = False,
    overwrite: bool = False,
    tell: Tell | None = None,
) -> Summary:
    """Paints many pictures with Ray workers, one per device.

        artistyle_tf.batch.paint_all(
            [{"content": photo, "style": "painting.jpg", "size": 384} for photo in photos], "out"
        )

    Finished jobs are skipped, unless the record in the output shows that their settings or
    pictures have changed. A failed job does not stop the others; a job whose worker is killed
    resumes from its checkpoint. Pictures never pass through this process. Ctrl-C stops the batch
    and saves checkpoints of the jobs in progress.

    Args:
      jobs: mappings with `content`, `style` (one or several), `output`, `content_mask`,
        `style_mask`, `depth`, `preset` and any setting of `Config`; or `Job`s.
      output_dir: folder or URL for outputs with relative paths, and for outputs without a name,
        which are named like photo--painting.png.
      extension: extension of outputs without a name.
      workers: number of workers; by default one per GPU, or else one per machine.
      address: address of a Ray cluster to join, like "auto"; None starts Ray on this machine for
        the duration of the call.
      save_every: how often checkpoints are saved, as for `Checkpoints`.
      device: device for the workers to compute on, like "cpu".
      deterministic: use deterministic ops only.
      overwrite: whether outputs may replace files that other programs made.
      tell: called with every job and its outcome, as the job ends.

    Raises:
      ConfigError: invalid jobs, or Ray is not installed; nothing is painted.
      ArtistyleError: Ray or the workers can't be started.
    """
    began = time.monotonic()
    listed = [job if isinstance(job, Job) else make_job(job) for job in jobs]
    listed = name_outputs(listed, os.fspath(output_dir), extension)
    if save_every is not None:
        Cadence(save_every, "save_every")
        save_every = str(save_every)
    if workers is not None:
        integer("workers", workers, 1, 10**6)
    outcomes: dict[Job, Outcome | None] = dict.fromkeys(listed)

    def note(job: Job, outcome: Outcome) -> None:
        outcomes[job] = outcome
        if tell is not None:
            tell(job, outcome)

    interrupted = False
    try:
        options = Options(save_every, device, deterministic, overwrite)
        run_tasks(Worker, in_order(listed), note, options=options, count=workers, address=address)
    except KeyboardInterrupt:
        interrupted = True
    return Summary(outcomes, time.monotonic() - began, interrupted)
