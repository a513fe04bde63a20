"""Runs a batch: skips the jobs already done, gives the others to workers, makes a summary."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from artistyle_tf.batch.crew import RayCrew
from artistyle_tf.batch.dispatch import Crew, Tell, dispatch
from artistyle_tf.batch.finished import NEW, Digests, why_paint
from artistyle_tf.batch.job_files import texts
from artistyle_tf.batch.jobs import Job, make_job, placed
from artistyle_tf.batch.outcome import Options, Outcome
from artistyle_tf.batch.pace import Pace
from artistyle_tf.batch.places import is_url
from artistyle_tf.batch.plan import in_order
from artistyle_tf.batch.summary import Summary
from artistyle_tf.config.interval import Cadence
from artistyle_tf.errors import ArtistyleError, ConfigError

__all__ = ["Sorted", "pace_file", "paint_all", "run", "sort_out"]

logger = logging.getLogger("artistyle_tf")


class Sorted(NamedTuple):
    """Jobs, by whether they have to be painted."""

    todo: list[Job]
    """To be painted, in the best order."""
    done: list[Job]
    """Their outputs exist and are up to date."""
    why: dict[Job, str]
    """Why jobs have to be painted, except new ones."""


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
    listed = [job if isinstance(job, Job) else make_job(texts(job)) for job in jobs]
    listed = placed(listed, os.fspath(output_dir), extension)
    if save_every is not None:
        Cadence(save_every, "save_every")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers!r}; it must be 1 or more")
    every = None if save_every is None else str(save_every)
    options = Options(every, device, deterministic)
    return run(listed, lambda: RayCrew(options, workers, address), tell)


def run(
    jobs: Sequence[Job],
    make_crew: Callable[[], AbstractContextManager[Crew]],
    tell: Tell | None = None,
    pace: Pace | None = None,
) -> Summary:
    """As `paint_all`, for jobs whose outputs are set, and with any crew, which is only created if
    there is something to paint. `pace` learns from the painted jobs."""
    began = time.monotonic()
    outcomes: dict[Job, Outcome | None] = dict.fromkeys(jobs)

    def note(job: Job, outcome: Outcome) -> None:
        outcomes[job] = outcome
        if outcome.status == "done" and outcome.size and pace is not None:
            pace.learn(job, outcome.size, outcome.seconds, outcome.painting)
        if tell is not None:
            tell(job, outcome)

    complete = False
    try:
        todo, done, _ = sort_out(jobs)
        for job in done:
            note(job, Outcome("skipped", "already done"))
        complete = not todo
        if todo:
            with make_crew() as crew:
                complete = dispatch(todo, crew, note)
    except KeyboardInterrupt:  # while sorting, or while workers started
        complete = False
    return Summary(outcomes, time.monotonic() - began, interrupted=not complete)


def sort_out(jobs: Iterable[Job]) -> Sorted:
    """The jobs to paint, in order, and those already done. Outputs that can't be checked, such as
    pictures not made by artistyle, are left to the workers, which report the error."""
    digests = Digests()
    todo, done, reasons = [], [], {}
    for job in jobs:
        try:
            why = why_paint(job, digests)
        except ArtistyleError as error:
            why = str(error)
        if why is None:
            done.append(job)
            continue
        todo.append(job)
        if why != NEW:
            reasons[job] = why
    return Sorted(in_order(todo), done, reasons)


def pace_file(folder: str) -> str | None:
    """The file with the pace of earlier batches into this folder; None for a URL."""
    return None if is_url(folder) else os.path.join(folder, ".artistyle", "pace.json")
