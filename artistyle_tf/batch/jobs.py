"""A job: one picture to paint, with everything that determines it. No TensorFlow, no Ray."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistyle_tf.batch.places import base_name, joined, same_place
from artistyle_tf.command.values import config_of
from artistyle_tf.errors import ConfigError
from artistyle_tf.pictures.write import DEPTHS, check_depth
from artistyle_tf.scene.inputs import check_inputs
from artistyle_tf.settings.config import INITS, Config
from artistyle_tf.text import one_line

__all__ = ["COLUMNS", "Job", "make_job", "placed"]

PICTURES = ("content", "style", "content_mask", "style_mask")
COLUMNS = (
    *PICTURES,
    "output",
    "depth",
    "preset",
    "strength",
    *(field.name for field in dataclasses.fields(Config)),
)
"""What a job may have."""

LONGEST = 80
"""Characters that each picture's name gives to the name of an output."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to paint. Paths are local or URLs of fsspec."""

    content: str | None
    """None where the task has none."""
    styles: tuple[str, ...]
    output: str = ""
    """Empty until `placed` gives it a name."""
    config: Config = dataclasses.field(default_factory=Config)
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str, ...] = ()
    depth: int = 8
    """Bits a channel of the output."""
    where: str = ""
    """Where it was asked for, for messages: a file of jobs and the line."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """All that are read."""
        content = (self.content,) if self.content else ()
        start = () if self.config.init in INITS else (self.config.init,)
        return (*content, *self.styles, *self.content_masks, *self.style_masks, *start)

    @property
    def stem(self) -> str:
        """The output's name without folder and ending, if the job has none: photo--painting."""
        names = [[self.content] if self.content else [], self.styles]
        stems = ["+".join(_stem(path) for path in paths) for paths in names if paths]
        return "--".join(stems)

    @property
    def key(self) -> str:
        """Eight hexadecimal digits of all that determines the picture, with paths as written."""
        settings = [self.pictures, self.config.to_dict(), self.depth]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:8]


def make_job(given: Mapping[str, Sequence[str]], folder: str = "", where: str = "") -> Job:
    """The job of these flags' or columns' texts.

    Args:
      given: name → texts as flags have them. Several styles and masks: several texts, or one text
        with commas.
      folder: what relative paths of pictures start from.
      where: see `Job`.

    Raises:
      ConfigError: a column or a setting that can't be.
    """
    texts = {name: [str(text) for text in value] for name, value in given.items() if any(value)}
    for name in texts:
        if name not in COLUMNS:
            raise ConfigError(f"there is no column {one_line(name)!r}; {_near()}")
    for name, named in (("init", INITS), ("weights", ())):
        if name in texts and texts[name][0] not in named and "." in texts[name][0]:
            texts[name] = [joined(folder, texts[name][0])]
    config = config_of(texts)
    content = texts.get("content", [None])[0]
    pictures = {name: _paths(texts.get(name, []), folder) for name in PICTURES[1:]}
    depth = texts.get("depth", ["8"])[0]
    if depth not in map(str, DEPTHS):
        raise ConfigError(f"--depth is {depth!r}; it must be 8, 16 or 32")
    job = Job(
        content=joined(folder, content) if content else None,
        styles=pictures["style"],
        output=texts.get("output", [""])[0],
        config=config,
        content_masks=pictures["content_mask"],
        style_masks=pictures["style_mask"],
        depth=int(depth),
        where=where,
    )
    counts = len(job.styles), len(job.content_masks), len(job.style_masks)
    check_inputs(config, content is not None, *counts)
    return job


def placed(jobs: Iterable[Job], folder: str, extension: str = ".png") -> list[Job]:
    """The jobs with their outputs below `folder`; those without a name are given one.

    Names follow from the jobs alone: photo--painting.png, and where several would have the same,
    photo--painting-1a2b3c4d.png, whose digits stand for the pictures' paths and the settings.

    Raises:
      ConfigError: two jobs with one output, an output that is a picture to read, or one that can't
        have its depth.
    """
    jobs = list(jobs)
    count: dict[str, int] = {}
    for job in jobs:
        count[job.stem.casefold()] = count.get(job.stem.casefold(), 0) + (not job.output)
    named = []
    for job in jobs:
        several = count[job.stem.casefold()] > 1
        own = f"{job.stem}-{job.key}" if several else job.stem
        output = joined(folder, job.output or own + extension)
        with _told(job):
            check_depth(base_name(output), job.depth)
        named.append(dataclasses.replace(job, output=output))
    read = {same_place(path): path for job in named for path in job.pictures}
    taken: dict[str, Job] = {}
    for job in named:
        place = same_place(job.output)
        with _told(job):
            if place in read:
                raise ConfigError(
                    f"the output {one_line(job.output)} is one of the pictures to read"
                )
            other = taken.setdefault(place.casefold(), job)
            if other is not job:
                first = f" (the other: {other.where})" if other.where else ""
                raise ConfigError(f"two jobs have the output {one_line(job.output)}{first}")
    return named


class _told:  # noqa: N801 (a context manager)
    """A ConfigError in the block says where its job comes from."""

    def __init__(self, job: Job):
        self._where = job.where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, ConfigError) and self._where:
            raise ConfigError(f"{self._where}: {error}") from None


def _paths(texts: Sequence[str], folder: str) -> tuple[str, ...]:
    """One text holds a list, unless a file has that very name; several hold one each."""
    if len(texts) == 1 and not os.path.exists(joined(folder, texts[0])):
        texts = [text.strip() for text in texts[0].split(",")]
    if not all(texts):
        raise ConfigError("a list of pictures has an empty name")
    return tuple(joined(folder, text) for text in texts)


def _stem(path: str) -> str:
    stem = os.path.splitext(base_name(path))[0]
    return stem[:LONGEST]


def _near() -> str:
    listed = ", ".join(COLUMNS[: COLUMNS.index("strength") + 1])
    return f"there are {listed} and the settings (artistyle --help)"
