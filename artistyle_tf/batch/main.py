"""The command `artistyle-batch`: flags in, pictures and an exit status out."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from artistyle_tf import files
from artistyle_tf.batch.flags import BatchCommand, parse
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import make_folder
from artistyle_tf.batch.plan import Durations, plan_lines, split_done
from artistyle_tf.batch.pool import Options, Outcome
from artistyle_tf.batch.progress import Progress
from artistyle_tf.batch.run import run
from artistyle_tf.batch.sheet import write_sheet
from artistyle_tf.cli.console import EXIT_INTERRUPTED, run_command
from artistyle_tf.text import one_line

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0 done, 1 a job failed or a file can't be
    used, 2 a wrong flag, 130 interrupted by Ctrl-C, 143 terminated by SIGTERM."""
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
    options = Options(command.save_every, command.device, command.deterministic)
    durations = Durations(command.output_dir)
    with Progress(len(command.jobs), command.quiet) as progress, _no_stdout():

        def tell(job: Job, outcome: Outcome) -> None:
            if outcome.status == "done" and outcome.size:
                durations.learn(job, outcome.size, outcome.seconds, outcome.painting_seconds)
            progress(job, outcome)

        summary = run(command.jobs, options, command.workers, command.address, tell)
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


@contextlib.contextmanager
def _no_stdout() -> Iterator[None]:
    """Hides what Ray prints about its processes; the reasons of failed jobs cover it."""
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        yield
