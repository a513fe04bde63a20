"""A job: one picture to paint, with everything that determines it. No TensorFlow, no Ray."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistyle_tf.batch.places import base_name, joined, same_place
from artistyle_tf.cli.parsing import config_of
from artistyle_tf.config.config import INITS, Config
from artistyle_tf.engine.inputs import check_inputs
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.write import DEPTHS, check_depth
from artistyle_tf.text import one_line

__all__ = ["COLUMNS", "Job", "make_job", "placed"]

PICTURES = ("content", "style", "content_mask", "style_mask")
COLUMNS = (
    *PICTURES,
    "output",
    "depth",
    "preset",
    *(field.name for field in dataclasses.fields(Config)),
)
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
    """Empty until `placed` assigns a name."""
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
        stems = ["+".join(_stem(path) for path in paths) for paths in names if paths]
        return "--".join(stems)

    @property
    def key(self) -> str:
        """Eight hex digits: a hash of all that determines the picture, with paths as written."""
        settings = [self.pictures, self.config.to_dict(), self.depth]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:8]


def make_job(given: Mapping[str, Sequence[str]], folder: str = "", where: str = "") -> Job:
    """Makes a job from the texts of flags or columns.

    Args:
      given: name → texts, as for flags. Several styles or masks are several texts, or one text
        separated by commas.
      folder: folder that relative paths of pictures start from.
      where: see `Job`.

    Raises:
      ConfigError: an unknown column or an invalid setting.
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
    """The jobs with outputs inside `folder`; outputs without a name are given one.

    Names depend on the jobs alone: photo--painting.png, or photo--painting-1a2b3c4d.png if several
    jobs would have the same name, with a hash of the pictures' paths and the settings.

    Raises:
      ConfigError: two jobs with the same output, an output that is one of the pictures to read, or
        a format that does not support the depth.
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
                raise ConfigError(f"two jobs have the same output {one_line(job.output)}{first}")
    return named


class _told:  # noqa: N801 (a context manager)
    """Adds the origin of the job to a ConfigError raised in the block."""

    def __init__(self, job: Job):
        self._where = job.where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, ConfigError) and self._where:
            raise ConfigError(f"{self._where}: {error}") from None


def _paths(texts: Sequence[str], folder: str) -> tuple[str, ...]:
    """A single text is a comma-separated list unless it names a file; several are one path each."""
    if len(texts) == 1 and not os.path.exists(joined(folder, texts[0])):
        texts = [text.strip() for text in texts[0].split(",")]
    if not all(texts):
        raise ConfigError("a list of pictures contains an empty name")
    return tuple(joined(folder, text) for text in texts)


def _stem(path: str) -> str:
    stem = os.path.splitext(base_name(path))[0]
    return stem[:LONGEST]


def _near() -> str:
    listed = ", ".join(COLUMNS[: COLUMNS.index("preset") + 1])
    return f"columns are {listed} and the settings (artistyle --helpfull)"
