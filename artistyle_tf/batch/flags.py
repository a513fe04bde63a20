"""The flags of `artistyle-batch`: its own, and those of `artistyle` that apply to every job."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from artistyle_tf.batch.jobs import COLUMNS, PICTURES, Job, combine, name_outputs, read_jobs
from artistyle_tf.batch.paths import under
from artistyle_tf.batch.sheet import check_sheet
from artistyle_tf.cli.arguments import answered, parsed
from artistyle_tf.cli.devices import check_device
from artistyle_tf.cli.flag_table import all_flags, listed
from artistyle_tf.cli.values import LISTS, named_as_flags
from artistyle_tf.config.interval import Cadence
from artistyle_tf.config.validation import one_of
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.write import EXTENSIONS
from artistyle_tf.text import one_line

__all__ = ["BatchCommand", "help_text", "parse"]

USAGE = "artistyle-batch --content='photos/*.jpg' --style=paintings/ --output_dir=out [flags]"

OWN = {
    "content": "photos: files, folders, patterns like 'photos/*.jpg' or URLs; several are "
    "separated by commas or given by repeating the flag",
    "style": "paintings, likewise; every photo is painted in the style of every painting",
    "jobs": "a job file, instead of --content and --style: .csv with a header line, or .jsonl with "
    "one object per line. Columns are content, style, output, content_mask, style_mask, depth, "
    "preset and every setting below; empty cells take the value of the flag",
    "output_dir": "the folder or URL for the results, which are named like photo--painting.png",
    "extension": "format of results without a name of their own: " + ", ".join(EXTENSIONS),
    "content_mask": "a folder of masks with the same names as the photos, or one mask for all",
    "style_mask": "a folder of masks with the same names as the paintings, or one mask for all",
    "depth": "bits per channel of the results: 8, 16 or 32",
    "workers": "number of workers, each painting one picture at a time; by default one per GPU, or "
    "without GPUs one per machine",
    "address": "join the Ray cluster at this address, like auto or 10.0.0.1:6379; pictures must be "
    "in a folder shared by its machines, or at URLs. By default Ray is started on this machine",
    "report": "write how each job ended to this file, as JSON",
    "contact_sheet": "write thumbnails of all results to this .png or .jpg file",
    "save_every": "save checkpoints every N iterations, or every so many seconds, like 60s; by "
    "default about once a minute",
    "device": "device for workers to compute on, like cpu or gpu; by default TensorFlow chooses",
    "flagfile": "read flags from this file, one per line",
}
SWITCHES = {
    "dry_run": "print the jobs in order, with estimates of memory and time, and paint nothing",
    "deterministic": next(flag.help for flag in all_flags() if flag.name == "deterministic"),
    "quiet": "print only warnings and errors",
}
SETTINGS = tuple(name for name in COLUMNS if name not in (*PICTURES, "output"))
REPEATED = ("content", "style", *LISTS)


class BatchCommand(NamedTuple):
    """The parsed command line."""

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
    """The command for these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: invalid flags or jobs.
      InputError: a job file that can't be read, or a pattern or folder without pictures.
    """
    names = [name for name in dict.fromkeys((*OWN, *SETTINGS)) if name != "flagfile"]
    values, rest = parsed("artistyle-batch", arguments, names, ("help", "version", *SWITCHES))
    answer = answered("artistyle-batch", values, help_text)
    if answer is not None:
        return answer
    if rest:
        raise ConfigError(
            f"{one_line(rest[0])!r} is not a flag; write --content=FILES, with patterns in quotes"
        )
    given = {name: values[name].value for name in names if values[name].value}
    for name in given.keys() - {*REPEATED}:
        del given[name][:-1]
    return _command(given, {name: bool(values[name].value) for name in SWITCHES})


def _command(given: dict[str, list[str]], switches: dict[str, bool]) -> BatchCommand:
    def one(name: str) -> str | None:
        if name in given and not given[name][0]:
            raise ConfigError(f"--{name} is empty")
        return given[name][0] if name in given else None

    output_dir = under("", _needed(one("output_dir")))
    extension = one("extension") or ".png"
    extension = extension if extension.startswith(".") else f".{extension}"
    if extension not in EXTENSIONS:
        raise ConfigError(f"--extension is {extension!r}; it must be {one_of(EXTENSIONS)}")
    save_every, device, sheet = one("save_every"), one("device"), one("contact_sheet")
    with named_as_flags():
        if save_every is not None:
            Cadence(save_every, "save_every")
        if device is not None:
            check_device(device)
        if sheet is not None:
            check_sheet(under("", sheet))
    workers = one("workers")
    if workers is not None and not (workers.isdecimal() and int(workers)):
        raise ConfigError(f"--workers is {workers!r}; it must be a whole number, 1 or more")
    return BatchCommand(
        jobs=name_outputs(_jobs(given, one("jobs")), output_dir, extension),
        output_dir=output_dir,
        workers=int(workers) if workers else None,
        address=one("address"),
        report=_path(one("report")),
        contact_sheet=_path(sheet),
        save_every=save_every,
        device=device,
        dry_run=switches["dry_run"],
        deterministic=switches["deterministic"],
        quiet=switches["quiet"],
    )


def _needed(output_dir: str | None) -> str:
    if output_dir is None:
        raise ConfigError(f"--output_dir is missing: {USAGE}")
    return output_dir


def _path(text: str | None) -> str | None:
    return None if text is None else os.path.expanduser(text)


def _jobs(given: Mapping[str, list[str]], file: str | None) -> list[Job]:
    base = {name: given[name] for name in SETTINGS if name in given}
    if file is None:
        return combine({**base, **{name: given[name] for name in PICTURES if name in given}})
    for name in PICTURES:
        if name in given:
            raise ConfigError(f"--{name} and --jobs are both given; the file has a column for it")
    return read_jobs(os.path.expanduser(file), base)


def help_text() -> str:
    """All flags, those specific to batches first."""
    lines = ["Paints many pictures: every photo in the style of every painting.", ""]
    lines += [f"  {USAGE}", "  artistyle-batch --jobs=jobs.csv --output_dir=out [flags]", ""]
    lines += ["Run the same command again to resume: finished pictures are skipped."]
    defaults = {"extension": ".png", "depth": "8"}
    own = {**OWN, **SWITCHES}
    rows = [("Batch", name, text, defaults.get(name, "")) for name, text in own.items()]
    rows += [
        (flag.group, flag.name, flag.help, flag.default)
        for flag in all_flags()
        if flag.name in SETTINGS and flag.name not in OWN
    ]
    lines += listed(rows)
    lines += [
        "",
        "Exit status: 0 done, 1 a job failed or a file can't be used, 2 wrong flags or jobs,",
        "130 interrupted, 143 terminated.",
    ]
    return "\n".join(lines)
