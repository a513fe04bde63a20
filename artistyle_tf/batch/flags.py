"""The flags of `artistyle-batch`: its own, and those of `artistyle` that hold for every job."""

import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from artistyle_tf.batch.expand import crossed
from artistyle_tf.batch.job_files import read_jobs
from artistyle_tf.batch.jobs import COLUMNS, PICTURES, Job, placed
from artistyle_tf.batch.places import joined
from artistyle_tf.batch.sheet import check_sheet
from artistyle_tf.command.arguments import parsed
from artistyle_tf.command.devices import check_device
from artistyle_tf.command.flag_table import all_flags
from artistyle_tf.command.values import LISTS, named_as_flags
from artistyle_tf.errors import ConfigError
from artistyle_tf.pictures.write import EXTENSIONS
from artistyle_tf.settings.interval import Cadence
from artistyle_tf.settings.validation import one_of
from artistyle_tf.text import one_line

__all__ = ["BatchCommand", "help_text", "parse"]

USAGE = "artistyle-batch --content='photos/*.jpg' --style=paintings/ --output_dir=out [flags]"

OWN = {
    "content": "photos: files, folders, patterns like 'photos/*.jpg', URLs; the flag repeated, or "
    "commas between",
    "style": "paintings, likewise; each photo is painted in the style of each",
    "jobs": "instead of both: a file of jobs, .csv with a head or .jsonl with an object a line; "
    "its columns are content, style, output, content_mask, style_mask, depth, preset, strength and "
    "every setting below, and flags hold where they are empty",
    "output_dir": "the folder for the results, called like photo--painting.png; or a URL",
    "extension": "of results without a name: " + " ".join(EXTENSIONS),
    "content_mask": "a folder of masks called like the photos; or one mask for all",
    "style_mask": "a folder of masks called like the paintings; or one mask for all",
    "depth": "bits a channel of the results: 8, 16 or 32",
    "workers": "how many paint at once; none: one for each GPU, else one for each machine",
    "address": "a cluster of Ray to join, like auto or 10.0.0.1:6379, with pictures in a folder "
    "that all its machines have, or at URLs; none: Ray is started on this machine for the batch",
    "report": "write how each job ended as JSON here",
    "contact_sheet": "write small pictures of all results to this .png or .jpg",
    "save_every": "how often a checkpoint is written: iterations, or seconds like 60s; none: about "
    "every minute",
    "device": "where workers compute, like cpu or gpu; none: TensorFlow chooses",
    "flagfile": "read flags from this file, one a line",
}
SWITCHES = {
    "dry_run": "print what would be painted, in which order, with estimates of time and memory, "
    "and paint nothing",
    "deterministic": next(flag.help for flag in all_flags() if flag.name == "deterministic"),
    "quiet": "print warnings and errors only",
}
SETTINGS = tuple(name for name in COLUMNS if name not in (*PICTURES, "output"))
REPEATED = ("content", "style", *LISTS)


class BatchCommand(NamedTuple):
    """What the command line asks for."""

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
    """The command of these arguments (without the program's name), or a text to print.

    Raises:
      ConfigError: flags or jobs that can't be.
      InputError: a file of jobs that can't be read, or no pictures where some should be.
    """
    names = [name for name in dict.fromkeys((*OWN, *SETTINGS)) if name != "flagfile"]
    values, rest = parsed("artistyle-batch", arguments, names, ("help", "version", *SWITCHES))
    if values["help"].value:
        return help_text()
    if values["version"].value:
        from artistyle_tf import __version__

        return f"artistyle-batch {__version__}"
    if rest:
        raise ConfigError(
            f"{one_line(rest[0])!r} is no flag; write --content=FILES (patterns in quotes)"
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

    output_dir = joined("", _needed(one("output_dir")))
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
            check_sheet(joined("", sheet))
    workers = one("workers")
    if workers is not None and not (workers.isdecimal() and int(workers)):
        raise ConfigError(f"--workers is {workers!r}; it must be a whole number, 1 or more")
    return BatchCommand(
        jobs=placed(_jobs(given, one("jobs")), output_dir, extension),
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
        return crossed({**base, **{name: given[name] for name in PICTURES if name in given}})
    for name in PICTURES:
        if name in given:
            raise ConfigError(f"--{name} and --jobs are both given; the file has a column for it")
    return read_jobs(os.path.expanduser(file), base)


def help_text() -> str:
    """All flags, those of the batch first."""
    lines = ["Paints many pictures: every photo in the style of every painting.", ""]
    lines += [f"  {USAGE}", "  artistyle-batch --jobs=jobs.csv --output_dir=out [flags]", ""]
    lines += ["A second run skips what is done, and goes on with what is not.", "", "Batch:"]
    defaults = {"extension": ".png", "depth": "8"}
    for name, text in {**OWN, **SWITCHES}.items():
        lines += _entry(name, text + (f" [{defaults[name]}]" if name in defaults else ""))
    group = None
    for flag in all_flags():
        if flag.name in SETTINGS and flag.name not in OWN:
            if flag.group != group:
                lines += ["", f"{flag.group}:"]
                group = flag.group
            lines += _entry(flag.name, flag.help + (f" [{flag.default}]" if flag.default else ""))
    lines += [
        "",
        "Exit status: 0 all done, 1 a job failed or a file is no good, 2 bad flags or jobs,",
        "130 interrupted, 143 terminated.",
    ]
    return "\n".join(lines)


def _entry(name: str, text: str) -> list[str]:
    wrapped = textwrap.wrap(text, 72, break_on_hyphens=False)
    return [f"  --{name}", *(f"      {line}" for line in wrapped)]
