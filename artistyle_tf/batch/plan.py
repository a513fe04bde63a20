"""The jobs to paint, their order, and estimates of memory and time. No TensorFlow, no Ray."""

import contextlib
import functools
import json
import os
from collections.abc import Iterable, Sequence

from PIL import ExifTags, Image

from artistyle_tf import files
from artistyle_tf.batch.finished import why_paint
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import is_url
from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import Plan, Room, free_bytes, make_plan, schedule
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.sizes import fit
from artistyle_tf.text import clock, gigabytes, one_line
from artistyle_tf.vgg.weights import load

__all__ = ["Durations", "in_order", "plan_lines", "result_size", "split_done"]

ITEMSIZE = {"bfloat16": 2, "float16": 2, "float64": 8}
"""Bytes per activation by `Config.precision`; 4 for others: only TensorFlow resolves "auto"."""
SHOWN = 40
"""Maximum number of jobs listed one by one."""
REMEMBERED = 20
"""Approximate number of jobs in the running means of durations: machines change."""


def split_done(jobs: Iterable[Job]) -> tuple[list[Job], list[Job]]:
    """(jobs to paint, in order; those already done). Outputs that can't be checked, such as
    pictures not made by artistyle, are left to the workers, which report the error."""
    todo: list[Job] = []
    done: list[Job] = []
    for job in jobs:
        try:
            new = why_paint(job) is not None
        except ArtistyleError:
            new = True
        (todo if new else done).append(job)
    return in_order(todo), done


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """The jobs, grouped by settings and size, so that networks are loaded and graphs traced or
    compiled only once. Groups are in the order of their first jobs."""
    groups: dict[tuple[Config, int], dict[tuple[int, int] | None, list[Job]]] = {}
    for job in jobs:
        sizes = groups.setdefault((job.config, len(job.content_masks)), {})
        sizes.setdefault(result_size(job), []).append(job)
    return [job for sizes in groups.values() for group in sizes.values() for job in group]


def result_size(job: Job) -> tuple[int, int] | None:
    """(height, width) of the result in px, from the picture's header; None if unknown."""
    asked = job.config.size
    if not isinstance(asked, int):
        return asked[1], asked[0]
    if job.content is None and asked:
        return asked, asked
    size = _header_size(job.content or job.styles[0])
    return None if size is None else fit(*size, asked)


@functools.lru_cache(maxsize=100_000)
def _header_size(path: str) -> tuple[int, int] | None:
    if is_url(path):
        return None
    try:
        with Image.open(path) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            return image.size if orientation >= 5 else image.size[::-1]  # rotated or upright
    except Exception:  # Pillow's plugins raise many types; the job will report the error
        return None


class Durations:
    """How long jobs of each kind take: seconds per megapixel and iteration, and an overhead for
    reading, setup and writing, as running means over the painted ones. Kept in the output folder
    for later batches, unless it is at a URL.
    """

    def __init__(self, folder: str):
        self._path = None if is_url(folder) else os.path.join(folder, ".artistyle", "times.json")
        self._kinds: dict[str, list[float]] = {}
        if self._path:
            with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
                with open(self._path, encoding="utf-8") as file:
                    read = {kind: [*map(float, row)] for kind, row in json.load(file).items()}
                if all(len(row) == 3 for row in read.values()):
                    self._kinds = read

    def save(self) -> None:
        """Writes the file, if it can be written."""
        if self._path and self._kinds:
            with contextlib.suppress(OSError, InputError):
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
                files.write_bytes(self._path, json.dumps(self._kinds, indent=1).encode())

    def learn(self, job: Job, size: tuple[int, int], seconds: float, painting: float) -> None:
        """Updates the means with a painted job: its (height, width) in px, and how long it took,
        in total and from the first evaluation to the last."""
        rate, overhead, count = self._kinds.get(_kind(job), [0.0, 0.0, 0.0])
        if count == 1:
            overhead = seconds - painting  # the first job's includes loading and tracing; drop it
        weight = 1 / min(count + 1, REMEMBERED)
        rate += weight * (painting / _work(job, size) - rate)
        overhead += weight * (seconds - painting - overhead)
        self._kinds[_kind(job)] = [rate, overhead, count + 1]

    def estimate(self, job: Job, size: tuple[int, int]) -> float | None:
        """Estimated seconds for the job; None if no job of its kind has been painted."""
        if _kind(job) not in self._kinds:
            return None
        rate, overhead, _ = self._kinds[_kind(job)]
        return overhead + rate * _work(job, size)


def _work(job: Job, size: tuple[int, int]) -> float:
    """Megapixels times iterations, over all levels."""
    levels = schedule(job.config, size)
    return sum(height * width * iterations for (height, width), iterations in levels) / 1e6


def _kind(job: Job) -> str:
    """What affects speed."""
    config, weights = job.config, os.path.basename(job.config.weights)
    counts = f"{len(job.styles)} styles/{len(job.content_masks)} masks"
    return f"{weights}/{config.optimizer}/{config.precision}/{counts}"


def plan_lines(jobs: Sequence[Job], done: int, durations: Durations, workers: int) -> list[str]:
    """The plan as text: the jobs to paint with size, memory and time, and the totals."""
    rows, memory, times = [], [], []
    for job in jobs:
        size = result_size(job)
        parts = [f"{size[1]}×{size[0]} px" if size else "size unknown before painting"]
        if size:
            try:
                plan = _memory_plan(job, size)
                tiles = f" in tiles of {plan.tile} px" if plan.tile else ""
                parts.append(f"{gigabytes(plan.estimate)}{tiles}")
                memory.append(plan.estimate)
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


def _memory_plan(job: Job, size: tuple[int, int]) -> Plan:
    """How the finest level is computed. ArtistyleError if there is not enough memory."""
    config = job.config
    room = Room(config.memory_bytes or free_bytes(), asked=bool(config.memory))
    channels = _channels(config.weights, config.layers[-1])
    itemsize = ITEMSIZE.get(config.precision, 4)
    return make_plan(config, size, channels, itemsize, room, len(job.content_masks))


@functools.lru_cache(maxsize=8)
def _channels(weights: str, deepest: str) -> dict[str, int]:
    layers = load(weights, deepest).layers
    return {name: kernel.shape[-1] for name, (kernel, _) in layers.items()}
