"""The flags of `artistyle-batch`: its own, and those of `artistyle` that apply to every job."""

from collections.abc import Sequence
from typing import NamedTuple

from artistyle_tf.batch.jobs import COLUMNS, PICTURES, Job, combine, name_outputs, read_jobs
from artistyle_tf.batch.paths import under
from artistyle_tf.batch.run import check_sheet
from artistyle_tf.cli.devices import check_device
from artistyle_tf.cli.flags import FLAGS, cadence
from artistyle_tf.cli.parsing import (
    Flag,
    Program,
    checked,
    grouped,
    parse_flags,
    path,
    require,
    setting_flags,
    values_of,
    whole,
)
from artistyle_tf.config.validation import one_of
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.write import EXTENSIONS

__all__ = ["BatchCommand", "parse"]


def _extension(name: str, given: str) -> str:
    extension = given if given.startswith(".") else f".{given}"
    if extension not in EXTENSIONS:
        raise ConfigError(f"{name} is {extension!r}; it must be {one_of(EXTENSIONS)}")
    return extension


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
        "paintings, likewise; every photo is painted in the style of every painting",
        kind="list",
    ),
    Flag(
        "content_mask", "a folder of masks with the same names as the photos, or one mask for all"
    ),
    Flag(
        "style_mask", "a folder of masks with the same names as the paintings, or one mask for all"
    ),
    Flag("depth", "bits per channel of the results: 8, 16 or 32", "8"),
    *(flag for flag in FLAGS if flag.name == "preset"),
)
"""Columns of a job file, so each job can have its own."""

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
        _extension,
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
        "write thumbnails of all results to this .png or .jpg file",
        read=lambda name, given: checked(check_sheet)(name, path(name, given)),
    ),
    Flag(
        "save_every",
        "save checkpoints every N iterations, or every so many seconds, like 60s; by default about "
        "once a minute",
        read=cadence,
    ),
    Flag(
        "device",
        "device for workers to compute on, like cpu or gpu; by default TensorFlow chooses",
        read=checked(check_device),
    ),
    Flag("flagfile", "read flags from this file, one per line"),
    Flag(
        "dry_run",
        "print the jobs in order, with estimates of memory and time, and paint nothing",
        kind="switch",
    ),
    Flag("quiet", "print only warnings and errors", kind="switch"),
    *(flag for flag in FLAGS if flag.name == "deterministic"),
)

PROGRAM = Program(
    "artistyle-batch",
    "Paints many pictures: every photo in the style of every painting, or those of --jobs.",
    "artistyle-batch --content='photos/*.jpg' --style=paintings/ --output_dir=out [flags]",
    "Run the same command again to resume: finished pictures are skipped.\n"
    "Exit status: 0 done, 1 a job failed or a file can't be used, 2 wrong flags or jobs,\n"
    "130 interrupted, 143 terminated.",
    (*_JOBS, *_OWN, *setting_flags()),
)


class BatchCommand(NamedTuple):
    jobs: list[Job]
    output_dir: str
    workers: int | None
    address: str | None
    report: str | None
    contact_sheet: str | None
    save_every: str | None
    device: str | None
    dry_run: bool
    deterministic: bool
    quiet: bool


def parse(arguments: Sequence[str]) -> BatchCommand | str:
    """Returns the command, or a text to print. ConfigError: wrong flags or jobs. InputError: as
    `combine`."""
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
    return BatchCommand(jobs=name_outputs(jobs, own["output_dir"], extension), **own)
