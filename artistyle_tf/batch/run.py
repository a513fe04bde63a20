"""Runs a batch: skips the jobs already done, gives the others to workers, makes a summary."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistyle_tf.batch.jobs import Job, make_job, name_outputs
from artistyle_tf.batch.plan import split_done
from artistyle_tf.batch.pool import Options, Outcome, Tell, run_tasks
from artistyle_tf.batch.progress import Summary
from artistyle_tf.batch.worker import Worker
from artistyle_tf.config.choices import Cadence
from artistyle_tf.errors import ConfigError

__all__ = ["paint_all", "run"]


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
      tell: called with every job and its outcome, as the job ends.

    Raises:
      ConfigError: invalid jobs, or Ray is not installed; nothing is painted.
      ArtistyleError: Ray or the workers can't be started.
    """
    listed = [job if isinstance(job, Job) else make_job(job) for job in jobs]
    listed = name_outputs(listed, os.fspath(output_dir), extension)
    if save_every is not None:
        Cadence(save_every, "save_every")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers!r}; it must be 1 or more")
    every = None if save_every is None else str(save_every)
    return run(listed, Options(every, device, deterministic), workers, address, tell)


def run(
    jobs: Sequence[Job],
    options: Options,
    workers: int | None = None,
    address: str | None = None,
    tell: Tell | None = None,
) -> Summary:
    """As `paint_all`, for jobs whose outputs are set. Ray is started only if there is something to
    paint."""
    began = time.monotonic()
    outcomes: dict[Job, Outcome | None] = dict.fromkeys(jobs)

    def note(job: Job, outcome: Outcome) -> None:
        outcomes[job] = outcome
        if tell is not None:
            tell(job, outcome)

    interrupted = False
    try:
        todo, done = split_done(jobs)
        for job in done:
            note(job, Outcome("skipped", "already done"))
        run_tasks(Worker, todo, note, options=options, count=workers, address=address)
    except KeyboardInterrupt:
        interrupted = True
    return Summary(outcomes, time.monotonic() - began, interrupted)
