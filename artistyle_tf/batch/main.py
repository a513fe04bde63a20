"""The command `artistyle-batch`: flags in, progress while it paints, pictures and an exit status
out. Its flags are its own, and those of `artistyle` that apply to every job."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace

from tqdm import tqdm

from artistyle_tf import files
from artistyle_tf.batch.jobs import COLUMNS, PICTURES, Job, combine, name_outputs, read_jobs
from artistyle_tf.batch.paths import check_folder, under
from artistyle_tf.batch.plan import make_plan, read_rates, write_rates
from artistyle_tf.batch.pool import Outcome, Tell
from artistyle_tf.batch.run import paint_all
from artistyle_tf.batch.sheet import write_sheet
from artistyle_tf.cli.console import EXIT_INTERRUPTED, run_command
from artistyle_tf.cli.flags import FLAGS, cadence
from artistyle_tf.cli.parsing import (
    Flag,
    Program,
    grouped,
    parse_flags,
    path,
    require,
    setting_flags,
    values_of,
    whole,
)
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.write import EXTENSIONS, check_output
from artistyle_tf.text import one_line

_JOBS = grouped(
    "Batch",
    Flag(
        "content",
        "photos: files, folders, patterns like 'photos/*.jpg' or URLs; several are separated by "
        "commas or given by repeating the flag",
        kind="list",
    ),
    Flag(
        "style",
        "style images, likewise; every photo is painted in the style of each",
        kind="list",
    ),
    Flag("content_mask", "a folder of masks named like the photos, or one mask for all"),
    Flag(
        "style_mask",
        "a folder of masks named like the style images, or one mask for all",
    ),
    *(flag for flag in FLAGS if flag.name in ("depth", "preset")),
)
"""Columns of a job file, so each job can have its own."""

_SHARED = ("deterministic", "device", "flagfile", "overwrite", "quiet")

_OWN = grouped(
    "Batch",
    Flag(
        "jobs",
        "a job file, instead of --content and --style: .csv with a header line, or .jsonl with one "
        "object per line. Columns are content, style, output, content_mask, style_mask, depth, "
        "preset and every setting below; empty cells take the value of the flag",
        read=path,
    ),
    Flag(
        "output_dir",
        "the folder or URL for the results, which are named like photo--painting.png",
        read=lambda name, given: under("", given),
    ),
    Flag(
        "extension",
        "format of results without a name of their own: " + ", ".join(EXTENSIONS),
        ".png",
        lambda name, given: f".{given.removeprefix('.')}",
    ),
    Flag(
        "workers",
        "number of workers, each painting one picture at a time; by default one per GPU, or "
        "without GPUs one per machine",
        read=whole(1, 10**6),
    ),
    Flag(
        "address",
        "join the Ray cluster at this address, like auto or 10.0.0.1:6379; pictures must be in a "
        "folder shared by its machines, or at URLs. By default Ray is started on this machine",
    ),
    Flag("report", "write how each job ended to this file, as JSON", read=path),
    Flag(
        "contact_sheet",
        "write thumbnails of all results to this picture file, such as sheet.jpg",
        read=path,
    ),
    Flag(
        "save_every",
        "save checkpoints every N iterations, or every so many seconds, like 60s; by default about "
        "once a minute",
        read=cadence,
    ),
    Flag(
        "dry_run",
        "print the jobs in order, with estimates of memory, disk and time, and what can't be "
        "painted; paint nothing",
        kind="switch",
    ),
    *(flag for flag in FLAGS if flag.name in _SHARED),
)

PROGRAM = Program(
    "artistyle-batch",
    "Paints many pictures: every photo in every style, or those of --jobs.",
    "artistyle-batch --content='photos/*.jpg' --style=styles/ --output_dir=out [flags]",
    "Run the same command again to resume: finished pictures are skipped.\n"
    "Exit status: 0 done, 1 a job failed or a file can't be used, 2 wrong flags or jobs,\n"
    "130 interrupted, 143 terminated.",
    (*_JOBS, *_OWN, *setting_flags()),
)


def parse(arguments: Sequence[str]) -> SimpleNamespace | str:
    """The jobs and the batch's own flags, or a text to print. ConfigError: wrong flags or jobs.
    InputError: as `combine`."""
    given = parse_flags(PROGRAM, arguments)
    if isinstance(given, str):
        return given
    require(PROGRAM, given, "output_dir")
    own = values_of(_OWN, given)
    of_jobs = {name: given[name] for name in COLUMNS if name in given}
    file, extension = own.pop("jobs"), own.pop("extension")
    both = [name for name in PICTURES if name in given]
    if file is not None and both:
        raise ConfigError(f"--{both[0]} and --jobs are both given; the file has a column for it")
    jobs = combine(of_jobs) if file is None else read_jobs(file, of_jobs)
    own["jobs"] = name_outputs(jobs, own["output_dir"], extension)
    return SimpleNamespace(**own)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which --help explains."""
    return run_command("artistyle-batch", parse, _run, argv)


def _run(command: SimpleNamespace) -> int:
    if command.contact_sheet:
        check_output(command.contact_sheet)
    for file in filter(None, (command.contact_sheet, command.report)):
        files.check_folder(file)
        files.check_overwrite(file, command.overwrite)
    for folder in {os.path.dirname(job.output) for job in command.jobs}:
        check_folder(folder)
    return (_plan if command.dry_run else _paint)(command)


def _plan(command: SimpleNamespace) -> int:
    """Prints what would be painted; the status is 1 if something can't be."""
    rates = read_rates(command.output_dir)
    lines, faults = make_plan(command.jobs, rates, command.workers or 1, command.overwrite)
    print("\n".join(lines), flush=True)
    for fault in faults:
        print(f"artistyle-batch: {fault}", file=sys.stderr)
    return int(bool(faults))


def _paint(command: SimpleNamespace) -> int:
    with (
        _progress(len(command.jobs), command.quiet) as tell,
        open(os.devnull, "w") as nothing,
        contextlib.redirect_stdout(nothing),  # Ray's words about its processes: see the reasons
    ):
        summary = paint_all(
            command.jobs,
            workers=command.workers,
            address=command.address,
            save_every=command.save_every,
            device=command.device,
            deterministic=command.deterministic,
            overwrite=command.overwrite,
            tell=tell,
        )
    write_rates(command.output_dir, summary.outcomes)
    if command.report:
        summary.write(command.report)
    if command.contact_sheet:
        write_sheet(command.contact_sheet, summary.outcomes)
    if not command.quiet:
        print(summary)
    if summary.interrupted:
        print(
            "artistyle-batch: interrupted; finished pictures are in "
            f"{one_line(command.output_dir)}; run the same command again to resume",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    return int(summary.counts["failed"] > 0)


@contextlib.contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Tell]:
    """Shows each job's end: a bar over all jobs and remarks above it, or in a log a line for each
    job; if quiet, only failures."""
    is_log, numbers = not sys.stderr.isatty(), itertools.count(1)
    bar = tqdm(
        total=total, unit="picture", smoothing=0.1, dynamic_ncols=True, file=sys.stderr,
        disable=quiet or is_log,
    )  # fmt: skip

    def show(job: Job, outcome: Outcome) -> None:
        name, number = one_line(os.path.basename(job.output)), next(numbers)
        where = f" ({job.where})" if job.where else ""
        told = "; ".join(outcome.notes) if outcome.status == "done" else outcome.reason
        new = told != "already done" and bool(told or is_log)
        if outcome.status == "failed" or (new and not quiet):
            line = ": ".join(filter(None, (name + where, outcome.status, told)))
            bar.write(f"artistyle-batch: {number}/{total} {line}", file=sys.stderr)
        bar.set_postfix_str(name, refresh=False)
        bar.update()

    with bar:
        yield show
