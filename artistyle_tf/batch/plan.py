"""Which jobs are to be painted, in which order, with how much memory and time. No TensorFlow."""

import contextlib
import functools
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import ExifTags, Image

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import copy_local, exists, is_url
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.engine import plan
from artistyle_tf.engine.plan import Room, free_bytes, schedule
from artistyle_tf.engine.provenance import Provenance
from artistyle_tf.engine.results import INTERRUPTED, STOPPED
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.read import read, read_record
from artistyle_tf.images.sizes import fit
from artistyle_tf.text import clock, gigabytes, one_line
from artistyle_tf.vgg.weights import NAMES, load

NEW = "new"
UNFINISHED = (INTERRUPTED, STOPPED, "a callback raised")
"""How stop reasons of unfinished runs begin."""
SHOWN = 40  # Jobs listed one by one.
RATES = (".artistyle", "times.json")

Size = tuple[int, int]  # (height, width) in px.


def why_paint(job: Job, overwrite: bool = False) -> str | None:
    """Why the output has to be painted, for people to read; None: it is up to date.

    InputError: as `files.check_overwrite`, or a picture can't be read.
    """
    record = None
    if exists(job.output):
        with copy_local(job.output) as local:
            files.check_overwrite(local[job.output], overwrite, job.output)
            with contextlib.suppress(InputError):  # a damaged one is painted anew
                record = read_record(local[job.output])
    if record is None:
        return NEW
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
        if weights not in NAMES and _digest(weights, True) != made.weights.get("sha256"):
            changed += ["weights"]
    return f"changed: {', '.join(changed)}" if changed else None


def _digest(path: str, is_weights: bool = False) -> str:
    """SHA-256 of a picture's pixels or a weights file, as in records. InputError if unreadable."""
    version = None
    with contextlib.suppress(OSError):  # missing, or a URL: what is there is taken not to change
        version = os.stat(path).st_mtime_ns
    return _compute_digest(path, is_weights, version)


@functools.lru_cache(maxsize=100_000)  # of digests only; the pictures would not fit into memory
def _compute_digest(path: str, is_weights: bool, version: int | None) -> str:
    if is_weights:
        return load(path, "block1_conv1").digest
    with copy_local(path) as local:
        return read(local[path]).digest


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """Groups jobs by settings and size, so that no network is loaded and no graph traced twice.
    Groups are in the order of their first jobs."""
    seen: dict[object, int] = {}

    def first(*group: object) -> int:
        return seen.setdefault(group, len(seen))

    def rank(job: Job) -> tuple[int, int]:
        settings = job.config, len(job.content_masks)
        return first(settings), first(settings, result_size(job))

    return sorted(jobs, key=rank)


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


def read_rates(folder: str) -> dict[str, float]:
    """Seconds per megapixel and iteration by kind of job, as `write_rates` left them, if it did."""
    try:
        read = json.loads(Path(folder, *RATES).read_text("utf-8"))
        return {kind: float(rate) for kind, rate in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_rates(folder: str, outcomes: Mapping[Job, Outcome | None]) -> None:
    """Keeps the rates of the painted jobs in the output folder, unless it is at a URL."""
    rates = {
        _kind(job): outcome.seconds / _work(job, outcome.size)
        for job, outcome in outcomes.items()
        if outcome and outcome.status == "done" and outcome.size
    }
    if rates and not is_url(folder):
        path = os.path.join(folder, *RATES)
        with contextlib.suppress(OSError, InputError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            text = json.dumps(read_rates(folder) | rates, indent=1)
            files.write_bytes(path, text.encode())


def _work(job: Job, size: Size) -> float:
    """Megapixels times iterations, over all levels."""
    levels = schedule(job.config, size)
    return sum(height * width * iterations for (height, width), iterations in levels) / 1e6


def _kind(job: Job) -> str:
    config, weights = job.config, os.path.basename(job.config.weights)
    counts = f"{len(job.styles)} styles/{len(job.content_masks)} masks"
    return f"{weights}/{config.optimizer}/{config.precision}/{counts}"


def make_plan(
    jobs: Iterable[Job], rates: Mapping[str, float], workers: int = 1, overwrite: bool = False
) -> tuple[list[str], list[str]]:
    """The jobs to paint, in order with size, memory and time, and totals; and what is wrong with
    the others: lines for people to read."""
    rows, faults, memory, times = [], [], [0], []
    done, disk, settings = 0, 0, set()
    for job in in_order(jobs):
        try:
            if why_paint(job, overwrite) is None:
                done += 1
                continue
            for path in job.paths:
                if not exists(path):
                    raise InputError(f"{one_line(path)} does not exist")
                if not is_url(path) and _header_size(path) is None:
                    read(path)  # says what is wrong
            size = result_size(job)
            parts = [f"{size[1]}×{size[0]} px" if size else "size unknown before painting"]
            if size:
                need, tile = _memory(job, size)
                memory.append(need)
                disk += size[0] * size[1] * 3 * job.depth // 8
                parts.append(gigabytes(need) + (f" in tiles of {tile} px" if tile else ""))
                if _kind(job) in rates:
                    times.append(rates[_kind(job)] * _work(job, size))
                    parts.append(clock(times[-1]))
            rows.append(f"  {one_line(job.output)}: {', '.join(parts)}")
            settings.add(job.config)
        except ArtistyleError as error:
            faults.append(f"{one_line(job.output)}: {error}")
    sets = "1 set" if len(settings) == 1 else f"{len(settings)} sets"
    lines = [
        f"{len(rows)} to paint with {sets} of settings, {done} already done",
        *rows[:SHOWN],
    ]
    if len(rows) > SHOWN:
        lines.append(f"  … and {len(rows) - SHOWN} more")
    if rows:
        lines.append(
            f"memory: about {gigabytes(max(memory))} per worker at most (estimated, assuming "
            "float32 activations where precision is auto)"
        )
        lines.append(f"disk: at most {disk:,} bytes")
        unknown = len(rows) - len(times)
        without = f"; {unknown} of kinds not painted before not included" if unknown else ""
        total = clock(sum(times) / min(workers, len(rows)))
        lines.append(
            f"time: about {total} (estimated from earlier jobs in this folder{without})"
            if times
            else "time: unknown, since no jobs like these were painted in this folder before"
        )
    return lines, faults


def _memory(job: Job, size: Size) -> tuple[int, int]:
    """(bytes, side of tiles or 0) at the finest level. ArtistyleError: it needs more than there is,
    or its weights can't be read."""
    config = job.config
    room = Room(config.memory_bytes or free_bytes(), asked=bool(config.memory))
    channels = _channels(config.weights, config.layers[-1])
    itemsize = 2 if config.precision == "bfloat16" else 4  # "auto" only TensorFlow resolves
    level = plan.make_plan(config, size, channels, itemsize, room, len(job.content_masks))
    return level.estimate, level.tile


@functools.lru_cache(maxsize=8)
def _channels(weights: str, deepest: str) -> dict[str, int]:
    layers = load(weights, deepest).layers
    return {name: kernel.shape[-1] for name, (kernel, _) in layers.items()}
