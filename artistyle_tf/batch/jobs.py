"""A job: one picture to paint, with everything that determines it. From mappings, job files (CSV or
JSON lines), or every photo combined with every style. No TensorFlow, no Ray."""

import collections
import csv
import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from artistyle_tf.batch.paths import find_pictures, same_file, split_list, under
from artistyle_tf.cli.parsing import named_as_flags, setting
from artistyle_tf.config.config import INITS, Config
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.write import DEPTHS, check_depth
from artistyle_tf.text import one_line, reason

__all__ = ["COLUMNS", "PICTURES", "Job", "combine", "make_job", "name_outputs", "read_jobs"]

PICTURES = ("content", "style", "content_mask", "style_mask")
SETTINGS = dataclasses.fields(Config)
COLUMNS = (*PICTURES, "output", "depth", "preset", *(field.name for field in SETTINGS))
"""Everything a job may specify."""

LONGEST = 80
"""Maximum number of characters of each picture's name in the name of an output."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to paint. Paths are local paths or fsspec URLs."""

    content: str | None
    """None if the task has none."""
    styles: tuple[str, ...]
    output: str = ""
    """Empty until `name_outputs` assigns a name."""
    config: Config = dataclasses.field(default_factory=Config)
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str, ...] = ()
    depth: int = 8
    """Bits per channel of the output."""
    where: str = ""
    """Origin of the job, for messages: the job file and the line."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """All pictures that the job reads."""
        content = (self.content,) if self.content else ()
        start = () if self.config.init in INITS else (self.config.init,)
        return (*content, *self.styles, *self.content_masks, *self.style_masks, *start)

    @property
    def stem(self) -> str:
        """Default name of the output, without folder and extension: photo--painting."""
        names = [[self.content] if self.content else [], self.styles]
        return "--".join("+".join(_stem(path)[:LONGEST] for path in some) for some in names if some)

    @property
    def key(self) -> str:
        """Eight hex digits: a hash of all that determines the picture, with paths as written."""
        settings = [self.pictures, self.config.to_dict(), self.depth]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:8]


def make_job(values: Mapping[str, Any], folder: str = "", where: str = "") -> Job:
    """Makes a job from its columns.

    Args:
      values: name → value. Settings are values of `Config` or texts as for flags; styles and masks
        are one path or several, in a list or separated by commas. None, "" and [] are the default.
      folder: folder that relative paths of pictures start from.
      where: see `Job`.

    Raises:
      ConfigError: an unknown column or an invalid value.
    """
    given = {name: value for name, value in values.items() if _is_given(value)}
    for name in given:
        if name not in COLUMNS:
            listed = ", ".join(COLUMNS[: COLUMNS.index("preset") + 1])
            raise ConfigError(
                f"there is no column {one_line(str(name))!r}; columns are {listed} and the "
                "settings (artistyle --helpfull)"
            )
    overrides = {field.name: _value(field, given) for field in SETTINGS if field.name in given}
    for name in ("init", "weights"):
        if "." in str(overrides.get(name, "")):  # a file, not the name of a choice
            overrides[name] = under(folder, _text(name, overrides[name]))
    config = Config.preset(_text("preset", given.get("preset", "artistyle")), **overrides)
    depth = str(_single(given.get("depth", "8")))
    if depth not in map(str, DEPTHS):
        raise ConfigError(f"depth is {depth!r}; it must be 8, 16 or 32")
    content = under(folder, _text("content", given["content"])) if "content" in given else None
    styles, content_masks, style_masks = (_paths(name, given, folder) for name in PICTURES[1:])
    check_inputs(config, content is not None, len(styles), len(content_masks), len(style_masks))
    output = _text("output", given.get("output", ""))
    return Job(content, styles, output, config, content_masks, style_masks, int(depth), where=where)


def _is_given(value: Any) -> bool:
    return value is not None and value not in ("", [], (), {}, [""])


def _value(field: dataclasses.Field[Any], given: Mapping[str, Any]) -> Any:
    """A setting's value; texts are parsed like those of flags."""
    value = given[field.name]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return setting(field, texts)
    return tuple(value) if isinstance(value, list) else value


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _text(name: str, value: Any) -> str:
    value = _single(value)
    if not isinstance(value, str | os.PathLike):
        raise ConfigError(f"{name} is {value!r}; it must be text")
    return os.fspath(value)


def _paths(name: str, given: Mapping[str, Any], folder: str) -> tuple[str, ...]:
    value = given.get(name, ())
    values = value if isinstance(value, list | tuple) else [value]
    texts = [_text(name, one) for one in values]
    return tuple(split_list(texts, folder)) if texts else ()


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def combine(given: Mapping[str, Sequence[str]]) -> list[Job]:
    """The jobs for these flags (name → texts): every content in every style, content by content.

    If a mask is a folder, the mask of each job is the file in it with the picture's name, whatever
    its extension; if there is none, the job has no mask.

    Raises:
      ConfigError: invalid settings.
      InputError: a file, folder or pattern without any picture.
    """
    lists = [split_list(given[name]) if given.get(name) else [] for name in PICTURES[:2]]
    contents, styles = (find_pictures(texts) or [""] for texts in lists)
    masks = [given.get(name, [""])[0] for name in PICTURES[2:]]
    jobs = []
    for content, style in itertools.product(contents, styles):
        content_mask = _mask(masks[0], content)
        row = {"content": content, "style": [style] if style else [], "content_mask": content_mask}
        row["style_mask"] = _mask(masks[1], style) if content_mask else []
        with named_as_flags():
            jobs.append(make_job({**given, **row}))
    return jobs


def _mask(mask: str, picture: str) -> list[str]:
    """The mask of a picture: in the folder `mask`, or that file itself."""
    mask = under("", mask)
    if not picture or not os.path.isdir(mask):
        return [mask] if mask else []
    names = [name for name in sorted(os.listdir(mask)) if _stem(name) == _stem(picture)]
    return [os.path.join(mask, name) for name in names[:1]]


def read_jobs(path: str, base: Mapping[str, Sequence[str]] | None = None) -> list[Job]:
    """The jobs of a .csv file with a header line, or of a .jsonl file with an object per line.

    Columns are named like the flags of `artistyle`: content, style, output, content_mask,
    style_mask, depth, preset and every setting. Empty cells take their value from `base`, flags.
    Paths of pictures are relative to the file's folder, those of outputs to the output folder.

    Raises:
      ConfigError: an invalid line; the message has its number.
      InputError: the file can't be read.
    """
    kind = os.path.splitext(path)[1].lower()
    if kind not in (".csv", ".jsonl", ".ndjson"):
        raise ConfigError(f"--jobs is {one_line(path)!r}; it must end in .csv or .jsonl")
    shown, jobs = one_line(path), []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line, row in _csv_rows(file) if kind == ".csv" else _json_rows(file):
                rest = dict(base or {})
                for name, other in (("strength", "style_weight"), ("style_weight", "strength")):
                    if _is_given(row.get(name)):
                        rest.pop(other, None)  # one replaces the other
                rest |= {name: value for name, value in row.items() if _is_given(value)}
                try:
                    jobs.append(make_job(rest, os.path.dirname(path), f"{shown}, line {line}"))
                except ConfigError as error:
                    raise ConfigError(f"line {line}: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{shown}, {error}") from None
    except OSError as error:
        raise InputError(f"can't read {shown}: {reason(error)}") from error
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text") from None
    if not jobs:
        raise InputError(f"{shown} has no jobs")
    return jobs


def _csv_rows(file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(file, strict=True, skipinitialspace=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"line 1: the column {name!r} appears twice")
        for cells in filter(None, reader):
            if len(cells) != len(names):
                raise ConfigError(
                    f"line {reader.line_num}: it has {len(cells)} cells, and the header has "
                    f"{len(names)}; lists with commas must be quoted"
                )
            values = (cell.strip() for cell in cells)
            yield reader.line_num, dict(zip(names, values, strict=True))
    except csv.Error as error:
        raise ConfigError(f"line {reader.line_num}: {one_line(str(error))}") from None


def _json_rows(file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            fault = one_line(getattr(error, "msg", "nested too deeply"))
            raise ConfigError(f"line {line}: invalid JSON: {fault}") from None
        if not isinstance(row, dict):
            raise ConfigError(f"line {line}: it must be an object, like {{...}}")
        yield line, row


def name_outputs(jobs: Iterable[Job], folder: str, extension: str = ".png") -> list[Job]:
    """The jobs with outputs inside `folder`; outputs without a name are given one.

    Names depend on the jobs alone: photo--painting.png, or photo--painting-1a2b3c4d.png if several
    jobs would have the same name, with a hash of the pictures' paths and the settings.

    Raises:
      ConfigError: two jobs with the same output, an output that is one of the pictures to read, or
        a format that does not support the depth.
    """
    jobs = list(jobs)
    count = collections.Counter(job.stem.casefold() for job in jobs if not job.output)
    read = {same_file(path) for job in jobs for path in job.pictures}
    named: dict[str, Job] = {}
    for job in jobs:
        suffix = f"-{job.key}" if count[job.stem.casefold()] > 1 else ""
        output = under(folder, job.output or f"{job.stem}{suffix}{extension}")
        file, origin = same_file(output), f"{job.where}: " if job.where else ""
        try:
            check_depth(os.path.basename(output), job.depth)
        except ConfigError as error:
            raise ConfigError(f"{origin}{error}") from None
        if file in read:
            raise ConfigError(
                f"{origin}the output {one_line(output)} is one of the pictures to read"
            )
        other = named.get(file.casefold())
        if other is not None:
            first = f" (the other: {other.where})" if other.where else ""
            raise ConfigError(f"{origin}two jobs have the same output {one_line(output)}{first}")
        named[file.casefold()] = dataclasses.replace(job, output=output)
    return list(named.values())
