"""The command `artistyle-batch`: flags in, progress while it paints, pictures and an exit status
out."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from artistyle_tf import files
from artistyle_tf.batch.flags import BatchCommand, parse
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import make_folder
from artistyle_tf.batch.plan import Durations, plan_lines, split_done
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.batch.run import paint_all, write_sheet
from artistyle_tf.cli.console import EXIT_INTERRUPTED, run_command
from artistyle_tf.text import clock, one_line

__all__ = ["Progress", "main"]

PAUSE = 10.0  # Minimum seconds between two lines in a log.


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which --help explains."""
    return run_command(
        "artistyle-batch", parse, lambda asked: (_plan if asked.dry_run else _run)(asked), argv
    )


def _plan(command: BatchCommand) -> int:
    todo, done = split_done(command.jobs)
    durations = Durations(command.output_dir)
    print("\n".join(plan_lines(todo, len(done), durations, command.workers or 1)))
    return 0


def _run(command: BatchCommand) -> int:
    if command.report:
        files.check_folder(command.report)
    make_folder(os.path.join(command.output_dir, "any"))
    durations = Durations(command.output_dir)
    with (
        Progress(len(command.jobs), command.quiet) as progress,
        open(os.devnull, "w") as nothing,
        contextlib.redirect_stdout(nothing),  # Ray's words about its processes: see the reasons
    ):

        def tell(job: Job, outcome: Outcome) -> None:
            if outcome.status == "done" and outcome.size:
                durations.learn(job, outcome.size, outcome.seconds, outcome.painting_seconds)
            progress(job, outcome)

        summary = paint_all(
            command.jobs,
            workers=command.workers,
            address=command.address,
            save_every=command.save_every,
            device=command.device,
            deterministic=command.deterministic,
            tell=tell,
        )
    durations.save()
    if command.report:
        summary.write(command.report)
    if command.contact_sheet:
        write_sheet(command.contact_sheet, command.jobs)
    if not command.quiet:
        print(summary.table())
    if summary.interrupted:
        print(
            "artistyle-batch: interrupted; finished pictures are in "
            f"{one_line(command.output_dir)}; run the same command again to resume",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    return int(summary.counts["failed"] > 0)


class Progress:
    """Shows each job's end: a bar over all jobs, or in a log a line every ten seconds; if quiet,
    only failures."""

    def __init__(self, total: int, quiet: bool = False):
        self._total, self._ended, self._painted = total, 0, 0
        self._quiet = quiet
        self._began = self._shown = time.monotonic()
        self._bar = tqdm(
            total=total, unit="picture", smoothing=0.1, dynamic_ncols=True, file=sys.stderr,
            disable=quiet or not sys.stderr.isatty(),
        )  # fmt: skip

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
        if not self._bar.disable:
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
        self._bar.write(f"artistyle-batch: {text}", file=sys.stderr)
        sys.stderr.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()
