"""The order of the jobs, their sizes, and estimates of memory and time. No TensorFlow, no Ray."""

import dataclasses
import functools
import math
from collections.abc import Iterable, Sequence

from PIL import Image

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.pace import Pace
from artistyle_tf.batch.places import is_url
from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import Plan, Room, free_bytes, make_plan
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.sizes import fit
from artistyle_tf.text import clock, gigabytes, one_line
from artistyle_tf.vgg.weights import load

__all__ = ["in_order", "plan_lines", "result_size"]

ITEMSIZE = {"bfloat16": 2, "float16": 2, "float64": 8}
"""Bytes per activation by `Config.precision`; 4 for others: only TensorFlow resolves "auto"."""
SHOWN = 40
"""Maximum number of jobs listed one by one."""

ROTATED = (5, 6, 7, 8)
"""EXIF orientations that swap height and width."""


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """The jobs, grouped by settings and size, so that networks are loaded and graphs traced or
    compiled only once. Groups are in the order of their first jobs."""
    jobs = list(jobs)
    kinds: dict[tuple[Config, int], int] = {}
    sizes: dict[tuple[Config, tuple[int, int] | None], int] = {}
    keys = []
    for job in jobs:
        kind, size = (job.config, len(job.content_masks)), (job.config, result_size(job))
        keys.append((kinds.setdefault(kind, len(kinds)), sizes.setdefault(size, len(sizes))))
    return [jobs[i] for i in sorted(range(len(jobs)), key=lambda i: keys[i])]


def result_size(job: Job) -> tuple[int, int] | None:
    """(height, width) of the result in px, from the picture's header; None if unknown."""
    asked = job.config.size
    if not isinstance(asked, int):
        return asked[1], asked[0]
    path = job.content or job.styles[0]
    if job.content is None and asked:
        return asked, asked
    size = None if is_url(path) else _header(path)
    return None if size is None else fit(*size, asked)


@functools.lru_cache(maxsize=100_000)
def _header(path: str) -> tuple[int, int] | None:
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112) in ROTATED
    except Exception:  # Pillow's plugins raise many types; the job will report the error
        return None
    return (width, height) if turned else (height, width)


@dataclasses.dataclass(frozen=True)
class _Taken:
    """Size, memory and time estimated for a job."""

    size: tuple[int, int] | None
    plan: Plan | None
    """Of the finest level."""
    seconds: float | None
    fault: str = ""


def plan_lines(jobs: Sequence[Job], skipped: int, pace: Pace, workers: int) -> list[str]:
    """The plan as text: the jobs in order with size, memory and time, and the totals.

    Args:
      jobs: the jobs to paint, in order.
      skipped: number of jobs already done.
      pace: durations of earlier jobs.
      workers: number of workers.
    """
    taken = [_taken(job, pace) for job in jobs]
    rows = [
        f"  {one_line(job.output)}: {_shown(one)}"
        for job, one in zip(jobs[:SHOWN], taken, strict=False)
    ]
    if len(jobs) > SHOWN:
        rows.append(f"  … and {len(jobs) - SHOWN} more")
    settings = len({job.config for job in jobs})
    lines = [
        f"{len(jobs)} to paint with {settings} {'set' if settings == 1 else 'sets'} of settings, "
        f"{skipped} already done",
        *rows,
    ]
    plans = [one.plan.estimate for one in taken if one.plan]
    if plans:
        lines.append(
            f"memory: about {gigabytes(max(plans))} per worker at most (estimated, assuming "
            "float32 activations where precision is auto)"
        )
    known = [one.seconds for one in taken if one.seconds is not None]
    if known:
        whole = math.fsum(known) / max(1, min(workers, len(jobs)))
        unknown = len(taken) - len(known)
        without = f"; {unknown} of kinds not painted before not included" if unknown else ""
        lines.append(
            f"time: about {clock(whole)} (estimated from earlier jobs in this folder{without})"
        )
    elif jobs:
        lines.append("time: unknown, since no jobs like these were painted in this folder before")
    return lines


def _taken(job: Job, pace: Pace) -> _Taken:
    size = result_size(job)
    if size is None:
        return _Taken(None, None, None)
    config = job.config
    try:
        plan = make_plan(
            config,
            size,
            _channels(config.weights, config.layers[-1]),
            ITEMSIZE.get(config.precision, 4),
            Room(config.memory_bytes or free_bytes(), asked=bool(config.memory)),
            len(job.content_masks),
        )
    except ArtistyleError as error:
        return _Taken(size, None, pace.seconds(job, size), str(error))
    return _Taken(size, plan, pace.seconds(job, size))


@functools.lru_cache(maxsize=8)
def _channels(weights: str, deepest: str) -> dict[str, int]:
    layers = load(weights, deepest).layers
    return {name: kernel.shape[-1] for name, (kernel, _) in layers.items()}


def _shown(taken: _Taken) -> str:
    if taken.size is None:
        return "size unknown before painting"
    parts = [f"{taken.size[1]}×{taken.size[0]} px"]
    if taken.plan:
        tiles = f" in tiles of {taken.plan.tile} px" if taken.plan.tile else ""
        parts.append(f"{gigabytes(taken.plan.estimate)}{tiles}")
    if taken.seconds is not None:
        parts.append(clock(taken.seconds))
    if taken.fault:
        parts.append(taken.fault)
    return ", ".join(parts)
