"""A job: one picture to paint, with everything that determines it. From mappings, job files (CSV or
JSON lines), or every photo combined with every style. No TensorFlow, no Ray."""

import collections
import csv
import dataclasses
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from artistyle_tf.batch.paths import find_pictures, normal, split_list, under
from artistyle_tf.cli.flags import depth
from artistyle_tf.cli.parsing import named_as_flags, setting
from artistyle_tf.config.choices import INITS
from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.write import check_depth
from artistyle_tf.text import one_line, reason

PICTURES = ("content", "style", "content_mask", "style_mask")
SETTINGS = dataclasses.fields(Config)
COLUMNS = (*PICTURES, "output", "depth", "preset", *(field.name for field in SETTINGS))

LONGEST = 80  # Characters of each picture's name in an output's name.


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to paint. Paths are local paths or fsspec URLs.

    Attributes:
      output: empty until `name_outputs` assigns a name.
      depth: bits per channel of the output.
      where: origin of the job, for messages: the job file and the line.
    """

    content: str | None
    styles: tuple[str, ...]
    output: str = ""
    config: Config = dataclasses.field(default_factory=Config)
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str, ...] = ()
    depth: int = 8
    where: str = ""

    @property
    def pictures(self) -> dict[str, tuple[str, ...]]:
        """All pictures that the job reads, by kind as in `Provenance`."""
        return {
            "content": (self.content,) if self.content else (),
            "style": self.styles,
            "content_mask": self.content_masks,
            "style_mask": self.style_masks,
            "start": () if self.config.init in INITS else (self.config.init,),
        }

    @property
    def paths(self) -> tuple[str, ...]:
        return (*itertools.chain(*self.pictures.values()),)

    @property
    def stem(self) -> str:
        """Default name of the output, without folder and extension: photo--painting."""
        sources = filter(None, (self.pictures["content"], self.styles))
        return "--".join("+".join(Path(path).stem[:LONGEST] for path in some) for some in sources)


def make_job(
    row: Mapping[str, Any], base: Mapping[str, Any] = {}, folder: str = "", where: str = ""
) -> Job:
    """Makes a job from a mapping of `COLUMNS`, name → value. ConfigError: an unknown or invalid
    one.

    Settings are values of `Config` or texts as for flags; styles and masks one path or several, in
    a list or separated by commas, relative to `folder`. Where the row has None, "" or [], `base`
    counts, and then the default.
    """
    own = {name: value for name, value in row.items() if value not in (None, "", [], (), {})}
    replaced = {"strength": "style_weight", "style_weight": "strength"}  # one replaces the other
    given = {name: value for name, value in base.items() if replaced.get(name) not in own} | own
    for name in given:
        if name not in COLUMNS:
            listed = ", ".join(COLUMNS[: COLUMNS.index("preset") + 1])
            raise ConfigError(
                f"there is no column {one_line(str(name))!r}; columns are {listed} and the "
                "settings (artistyle --helpfull)"
            )

    def texts(name: str) -> list[str]:
        value = given.get(name, [])
        return [str(one) for one in (value if isinstance(value, list | tuple) else [value])]

    def text(name: str, default: str = "") -> str:
        several = texts(name) or [default]
        if len(several) > 1:
            raise ConfigError(f"{name} is {several}; it must be one text")
        return several[0]

    overrides = {field.name: _value(field, given) for field in SETTINGS if field.name in given}
    for name in ("init", "weights"):
        if "." in str(overrides.get(name, "")):  # a file, not the name of a choice
            overrides[name] = under(folder, text(name))
    config = Config.preset(text("preset", "artistyle"), **overrides)
    content = under(folder, text("content")) if "content" in given else None
    several = [tuple(split_list(texts(name), folder)) for name in PICTURES[1:]]
    check_inputs(config, content is not None, *map(len, several))
    styles, content_masks, style_masks = several
    bits = depth("depth", text("depth", "8"))
    return Job(content, styles, text("output"), config, content_masks, style_masks, bits, where)


def _value(field: dataclasses.Field[Any], given: Mapping[str, Any]) -> Any:
    """A setting's value; texts are parsed like those of flags."""
    value = given[field.name]
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return setting(field, texts)
    return tuple(value) if isinstance(value, list) else value


def combine(given: Mapping[str, Sequence[str]]) -> list[Job]:
    """Pairs every content with every style, content by content, from flags: name → texts.

    InputError: a text that names no picture. Of a folder of masks, each job gets the one with the
    picture's name, whatever its extension, or none.
    """
    lists = [split_list(given[name]) if given.get(name) else [] for name in PICTURES[:2]]
    contents, styles = (find_pictures(texts) or [""] for texts in lists)
    masks = [given.get(name, [""])[0] for name in PICTURES[2:]]
    base = {name: texts for name, texts in given.items() if name not in PICTURES}
    jobs = []
    for content, style in itertools.product(contents, styles):
        content_mask = _mask(masks[0], content)
        row = {"content": content, "style": style and [style], "content_mask": content_mask}
        row["style_mask"] = _mask(masks[1], style) if content_mask else []
        with named_as_flags():
            jobs.append(make_job(row, base))
    return jobs


def _mask(mask: str, picture: str) -> list[str]:
    """The mask of a picture: in the folder `mask`, or that file itself."""
    mask = under("", mask)
    if not picture or not os.path.isdir(mask):
        return [mask] if mask else []
    names = [name for name in sorted(os.listdir(mask)) if Path(name).stem == Path(picture).stem]
    return [os.path.join(mask, name) for name in names[:1]]


def read_jobs(path: str, base: Mapping[str, Sequence[str]] = {}) -> list[Job]:
    """Reads a .csv file with a header line of `COLUMNS`, or a .jsonl file.

    Empty cells take their value from `base`, the flags; paths are relative to the file's folder.
    ConfigError: an invalid line, with its number. InputError: the file can't be read.
    """
    kind, shown = os.path.splitext(path)[1].lower(), one_line(path)
    if kind not in (".csv", ".jsonl"):
        raise ConfigError(f"--jobs is {shown!r}; it must end in .csv or .jsonl")
    jobs, line = [], 1
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line, row in (_read_csv if kind == ".csv" else _read_json)(file):
                if isinstance(row, str):
                    raise ConfigError(row)
                where = f"{shown}, line {line}"
                jobs.append(make_job(row, base, os.path.dirname(path), where))
    except ConfigError as error:
        raise ConfigError(f"{shown}, line {line}: {error}") from None
    except OSError as error:
        raise InputError(f"can't read {shown}: {reason(error)}") from error
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text") from None
    if not jobs:
        raise InputError(f"{shown} has no jobs")
    return jobs


def _read_csv(file: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yields the line's number, and its cells by column or what is wrong with it. Cells are
    separated by commas, or whatever the header has more of: semicolons or tabs."""
    header = next(file, "")
    between = max(",;\t", key=header.count)
    lines = itertools.chain([header], file)
    reader = csv.DictReader(lines, delimiter=between, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                fault = "it has more or fewer cells than the header"
                yield reader.line_num, f"{fault}; lists with commas must be quoted"
            else:
                yield reader.line_num, {name.strip(): row[name].strip() for name in row}
    except csv.Error as error:
        yield reader.reader.line_num, one_line(str(error))


def _read_json(file: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for line, text in enumerate(file, start=1):
        if text.strip():
            try:
                row = json.loads(text)
                yield line, row if isinstance(row, dict) else "it must be an object, like {...}"
            except (ValueError, RecursionError) as error:  # also of endless numbers, deep lists
                yield line, f"invalid JSON: {reason(error)}"


def name_outputs(jobs: Iterable[Job], folder: str, extension: str = ".png") -> list[Job]:
    """Puts outputs into `folder` ("": anywhere), and names those without a name.

    Names depend on the names of the pictures only: photo--painting.png, and for the next job with
    such pictures photo--painting-2.png. ConfigError: outputs that are equal, outside the folder or
    among the pictures to read, or whose format lacks the depth.
    """
    jobs = list(jobs)
    read = {normal(path) for job in jobs for path in job.paths}
    counts: dict[str, int] = collections.Counter()
    named: dict[str, Job] = {}
    for job in jobs:
        output = under(folder, job.output or f"{job.stem}{extension}")
        while not job.output and normal(output).casefold() in named:
            counts[job.stem.casefold()] += 1
            number = counts[job.stem.casefold()] + 1
            output = under(folder, f"{job.stem}-{number}{extension}")
        file, shown = normal(output), one_line(output)
        other = named.get(file.casefold())
        try:
            check_depth(os.path.basename(output), job.depth)
            if folder and not file.startswith(os.path.join(normal(folder), "")):
                raise ConfigError(f"the output {shown} is outside {one_line(folder)}")
            if file in read:
                raise ConfigError(f"the output {shown} is one of the pictures to read")
            if other is not None:
                first = f" (the other: {other.where})" if other.where else ""
                raise ConfigError(f"two jobs have the same output {shown}{first}")
        except ConfigError as error:
            raise ConfigError(f"{job.where}: {error}" if job.where else str(error)) from None
        named[file.casefold()] = dataclasses.replace(job, output=output)
    return list(named.values())
