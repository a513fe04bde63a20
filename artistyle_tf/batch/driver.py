"""A batch from jobs to a summary: what is done already is skipped, the rest goes to workers."""

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
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.settings.interval import Cadence

__all__ = ["Sorted", "pace_file", "paint_all", "run", "sort_out"]

logger = logging.getLogger("artistyle_tf")


class Sorted(NamedTuple):
    """Jobs by whether there is anything to do."""

    todo: list[Job]
    """In the order in which they are best painted."""
    done: list[Job]
    """Their outputs are what they ask for."""
    why: dict[Job, str]
    """Of those to paint, why, unless they are new."""


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
    """Paints many pictures by workers of Ray, one a device.

        artistyle_tf.batch.paint_all(
            [{"content": photo, "style": "painting.jpg", "size": 384} for photo in photos], "out"
        )

    What is finished is skipped, unless its settings or pictures have changed: the record in the
    output tells. A job that fails stops no other; one whose worker is killed goes on from its
    checkpoint. Pictures never come to this process. Ctrl-C ends the batch with checkpoints of what
    is being painted.

    Args:
      jobs: mappings with `content`, `style` (one or several), `output`, `content_mask`,
        `style_mask`, `depth`, `preset`, `strength` and any setting of `Config`; or `Job`s.
      output_dir: where outputs go whose paths are relative, and those without names, which are
        called like photo--painting.png.
      extension: of these.
      workers: how many paint at once; by default one for each GPU, else one for each machine.
      address: of a cluster of Ray to join, like "auto"; None: Ray is started here for the call.
      save_every: how often checkpoints are written, as for `Checkpoints`.
      device: where workers compute, like "cpu".
      deterministic: use deterministic ops only.
      tell: called with every job and its outcome, as it ends.

    Raises:
      ConfigError: jobs that can't be, or Ray is not installed. No picture is painted then.
      ArtistyleError: Ray can't be started, or no worker can.
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
    """As `paint_all`, with jobs that have their outputs, and any crew, which is not made where
    there is nothing to do. `pace` learns from what is painted."""
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
            note(job, Outcome("skipped", "done already"))
        complete = not todo
        if todo:
            with make_crew() as crew:
                complete = dispatch(todo, crew, note)
    except KeyboardInterrupt:  # while it looked, or while the workers came
        complete = False
    return Summary(outcomes, time.monotonic() - began, interrupted=not complete)


def sort_out(jobs: Iterable[Job]) -> Sorted:
    """What there is to do, in order, and what is done. Outputs that can't be judged, like pictures
    that artistyle did not make, are left to the workers, who say what is wrong."""
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
    """Where batches into the folder keep their pace; None where it isn't a local one."""
    return None if is_url(folder) else os.path.join(folder, ".artistyle", "pace.json")
