"""Which jobs are to be painted, in which order, with how much memory and time. No TensorFlow."""

import contextlib
import functools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import copy_local, exists, is_url
from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import Room, free_bytes, make_plan, schedule
from artistyle_tf.engine.provenance import Provenance
from artistyle_tf.engine.results import INTERRUPTED, STOPPED
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.read import read, read_record
from artistyle_tf.images.sizes import fit
from artistyle_tf.text import clock, gigabytes, one_line
from artistyle_tf.vgg.weights import NAMES, load

__all__ = [
    "NEW",
    "Durations",
    "in_order",
    "plan_lines",
    "result_size",
    "split_done",
    "why_paint",
    "with_depth",
]

NEW = "new"
UNFINISHED = (INTERRUPTED, STOPPED, "a callback raised")
"""How stop reasons of unfinished runs begin."""
ITEMSIZE = {"bfloat16": 2, "float16": 2, "float64": 8}
"""Bytes per activation; 4 for "auto", which only TensorFlow resolves."""
SHOWN = 40  # Jobs listed one by one.

Size = tuple[int, int]  # (height, width) in px.


def split_done(jobs: Iterable[Job]) -> tuple[list[Job], list[Job]]:
    """Splits jobs into those to paint, in order, and those done. Workers report outputs that can't
    be read."""
    todo: list[Job] = []
    done: list[Job] = []
    for job in jobs:
        try:
            new = why_paint(job) is not None
        except ArtistyleError:
            new = True
        (todo if new else done).append(job)
    return in_order(todo), done


def why_paint(job: Job) -> str | None:
    """Why the output has to be painted, for people to read; None: it is up to date.

    InputError: artistyle didn't make the output, or it or another picture can't be read.
    """
    if not exists(job.output):
        return NEW
    with copy_local(job.output) as local:
        record = read_record(local[job.output])
    if record is None or record.get("program") != "artistyle_tf":
        raise InputError(
            f"{one_line(job.output)} exists, but has no record of being made by artistyle; "
            "remove it or choose another output"
        )
    outcome = record.get("outcome")
    if isinstance(outcome, dict) and str(outcome.get("stop_reason")).startswith(UNFINISHED):
        return "the earlier run was stopped"
    made = Provenance.of_record(record)
    changed = made.changed_settings(job.config)
    changed += ["depth"] if record.get("depth", 8) != job.depth else []
    if not changed:
        pictures = {kind: [*map(_digest, paths)] for kind, paths in job.pictures.items()}
        changed = made.changed_pictures(pictures)
        weights = job.config.weights
        if weights not in NAMES and _digest(weights, load_weights=True) != made.weights.get(
            "sha256"
        ):
            changed += ["weights"]
    return f"changed: {', '.join(changed)}" if changed else None


def with_depth(record: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """The run's record plus the depth, which determines the file too."""
    return dict(record) if depth == 8 else {**record, "depth": depth}


def _digest(path: str, load_weights: bool = False) -> str:
    """SHA-256 of a picture's pixels or a weights file, as in records. InputError if unreadable."""
    version: tuple[int, ...] = ()
    with contextlib.suppress(OSError):  # missing, or a URL: what is there is taken not to change
        status = os.stat(os.path.expanduser(path))
        version = status.st_size, status.st_mtime_ns
    return _compute_digest(path, load_weights, version)


@functools.lru_cache(maxsize=100_000)  # of digests only; the pictures would not fit into memory
def _compute_digest(path: str, load_weights: bool, version: tuple[int, ...]) -> str:
    if load_weights:
        return load(path, "block1_conv1").digest
    with copy_local(path) as local:
        return read(local[path]).digest


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """Groups jobs by settings and size, so that each network is loaded and each graph traced once.
    Groups are in the order of their first jobs."""
    groups: dict[tuple[Config, int], dict[Size | None, list[Job]]] = {}
    for job in jobs:
        sizes = groups.setdefault((job.config, len(job.content_masks)), {})
        sizes.setdefault(result_size(job), []).append(job)
    return [job for sizes in groups.values() for group in sizes.values() for job in group]


def result_size(job: Job) -> Size | None:
    """(height, width) of the result in px, from the picture's header; None if unknown."""
    asked = job.config.size
    if not isinstance(asked, int):
        return asked[1], asked[0]
    if job.content is None and asked:
        return asked, asked
    size = _header_size(job.content or job.styles[0])
    return None if size is None else fit(*size, asked)


@functools.lru_cache(maxsize=100_000)
def _header_size(path: str) -> Size | None:
    try:
        with Image.open(path) as image:  # a URL is no file
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            return image.size if orientation >= 5 else image.size[::-1]  # rotated or upright
    except Exception:  # Pillow's plugins raise many types; the job will report the error
        return None


class Durations:
    """How long the latest job of each kind took: seconds per megapixel and iteration, and the
    overhead. Kept in the output folder, unless it is at a URL."""

    def __init__(self, folder: str):
        self._path = "" if is_url(folder) else os.path.join(folder, ".artistyle", "times.json")
        self._kinds: dict[str, tuple[float, float]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            read = json.loads(Path(self._path).read_text("utf-8")).items()
            self._kinds = {kind: (float(rate), float(overhead)) for kind, (rate, overhead) in read}

    def save(self) -> None:
        """Writes the file if that is possible."""
        if self._path and self._kinds:
            with contextlib.suppress(OSError, InputError):
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
                files.write_bytes(self._path, json.dumps(self._kinds, indent=1).encode())

    def learn(self, job: Job, size: Size, seconds: float, painting: float) -> None:
        """Notes a job's seconds, in total and from the first evaluation to the last."""
        self._kinds[_kind(job)] = painting / _work(job, size), seconds - painting

    def estimate(self, job: Job, size: Size) -> float | None:
        """Estimated seconds; None if no job of its kind was painted."""
        rate, overhead = self._kinds.get(_kind(job), (None, 0.0))
        return None if rate is None else overhead + rate * _work(job, size)


def _work(job: Job, size: Size) -> float:
    """Megapixels times iterations, over all levels."""
    levels = schedule(job.config, size)
    return sum(height * width * iterations for (height, width), iterations in levels) / 1e6


def _kind(job: Job) -> str:
    config, weights = job.config, os.path.basename(job.config.weights)
    counts = f"{len(job.styles)} styles/{len(job.content_masks)} masks"
    return f"{weights}/{config.optimizer}/{config.precision}/{counts}"


def plan_lines(jobs: Sequence[Job], done: int, durations: Durations, workers: int) -> list[str]:
    """The jobs to paint with size, memory and time, and the totals."""
    rows, memory, times = [], [], []
    for job in jobs:
        size = result_size(job)
        parts = [f"{size[1]}×{size[0]} px" if size else "size unknown before painting"]
        if size:
            try:
                need, tile = _memory(job, size)
                memory.append(need)
                parts.append(gigabytes(need) + (f" in tiles of {tile} px" if tile else ""))
            except ArtistyleError as error:
                parts.append(str(error))
            seconds = durations.estimate(job, size)
            if seconds is not None:
                parts.append(clock(seconds))
                times.append(seconds)
        rows.append(f"  {one_line(job.output)}: {', '.join(parts)}")
    if len(rows) > SHOWN:
        rows[SHOWN:] = [f"  … and {len(jobs) - SHOWN} more"]
    settings = len({job.config for job in jobs})
    lines = [
        f"{len(jobs)} to paint with {settings} {'set' if settings == 1 else 'sets'} of settings, "
        f"{done} already done",
        *rows,
    ]
    if memory:
        lines.append(
            f"memory: about {gigabytes(max(memory))} per worker at most (estimated, assuming "
            "float32 activations where precision is auto)"
        )
    if times:
        unknown = len(jobs) - len(times)
        without = f"; {unknown} of kinds not painted before not included" if unknown else ""
        whole = sum(times) / min(workers, len(jobs))
        lines.append(
            f"time: about {clock(whole)} (estimated from earlier jobs in this folder{without})"
        )
    elif jobs:
        lines.append("time: unknown, since no jobs like these were painted in this folder before")
    return lines


def _memory(job: Job, size: Size) -> tuple[int, int]:
    """(bytes, side of tiles or 0) at the finest level. ArtistyleError: more than there is."""
    config = job.config
    room = Room(config.memory_bytes or free_bytes(), asked=bool(config.memory))
    channels = _channels(config.weights, config.layers[-1])
    itemsize = ITEMSIZE.get(config.precision, 4)
    plan = make_plan(config, size, channels, itemsize, room, len(job.content_masks))
    return plan.estimate, plan.tile


@functools.lru_cache(maxsize=8)
def _channels(weights: str, deepest: str) -> dict[str, int]:
    layers = load(weights, deepest).layers
    return {name: kernel.shape[-1] for name, (kernel, _) in layers.items()}
