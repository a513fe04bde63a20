"""The command `artistyle-batch`: flags in, pictures and an exit status out."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from artistyle_tf import files
from artistyle_tf.batch.board import Board
from artistyle_tf.batch.crew import RayCrew
from artistyle_tf.batch.driver import pace_file, run, sort_out
from artistyle_tf.batch.flags import BatchCommand, parse
from artistyle_tf.batch.outcome import Options
from artistyle_tf.batch.pace import Pace
from artistyle_tf.batch.places import make_folder
from artistyle_tf.batch.plan import plan_lines
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
    todo, done, _ = sort_out(command.jobs)
    pace = _pace(command)
    print("\n".join(plan_lines(todo, len(done), pace, command.workers or 1)))
    return 0


def _run(command: BatchCommand) -> int:
    if command.report:
        files.check_folder(command.report)
    make_folder(os.path.join(command.output_dir, "any"))
    options = Options(command.save_every, command.device, command.deterministic)
    pace = _pace(command)
    with Board(len(command.jobs), command.quiet) as board, _no_stdout():
        crew = RayCrew(options, command.workers, command.address)
        summary = run(command.jobs, lambda: crew, board, pace)
    place = pace_file(command.output_dir)
    if place and summary.counts["done"]:
        pace.write(place)
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


def _pace(command: BatchCommand) -> Pace:
    place = pace_file(command.output_dir)
    return Pace.read(place) if place else Pace()


@contextlib.contextmanager
def _no_stdout() -> Iterator[None]:
    """Hides what Ray prints about its processes; the reasons of failed jobs cover it."""
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        yield
