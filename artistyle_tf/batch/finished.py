"""Whether a job is already done, from the record inside its output. No TensorFlow, no Ray."""

import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import copy_local, exists
from artistyle_tf.config.config import INITS
from artistyle_tf.engine.events import INTERRUPTED, STOPPED
from artistyle_tf.engine.provenance import Provenance
from artistyle_tf.errors import InputError
from artistyle_tf.images.read import read, read_record
from artistyle_tf.text import one_line, reason
from artistyle_tf.vgg.weights import NAMES

__all__ = ["NEW", "why_paint", "with_depth"]

NEW = "new"
UNFINISHED = (INTERRUPTED, STOPPED, "a callback raised")
"""Prefixes of the stop reasons of runs that were stopped early."""


def why_paint(job: Job) -> str | None:
    """None if the output is up to date; otherwise the reason to paint it, for people to read.

    InputError: the output was not made by artistyle, or it or another picture can't be read.
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
    ended = str(outcome.get("stop_reason")) if isinstance(outcome, dict) else ""
    if ended.startswith(UNFINISHED):
        return "the earlier run was stopped"
    made = Provenance.of_record(record)
    changed = made.changed_settings(job.config)
    changed += ["depth"] if record.get("depth", 8) != job.depth else []
    changed = changed or made.changed_pictures(_digests(job)) + _changed_weights(job, made)
    return f"changed: {', '.join(changed)}" if changed else None


def with_depth(record: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """The record of a run plus the depth, which is not in it but determines the file too."""
    return dict(record) if depth == 8 else {**record, "depth": depth}


def _digests(job: Job) -> dict[str, list[str]]:
    """Those of the job's pictures, by kind."""
    kinds: dict[str, Sequence[str]] = {
        "content": [job.content] if job.content else [],
        "style": job.styles,
        "content_mask": job.content_masks,
        "style_mask": job.style_masks,
        "start": [] if job.config.init in INITS else [job.config.init],
    }
    return {kind: [_digest("pixels", path) for path in paths] for kind, paths in kinds.items()}


def _changed_weights(job: Job, made: Provenance) -> list[str]:
    if job.config.weights in NAMES:
        return []
    digest = _digest("bytes", os.path.expanduser(job.config.weights))
    return [] if digest == made.weights.get("sha256") else ["weights"]


def _digest(kind: str, path: str) -> str:
    """SHA-256 of the "pixels", as in records, or of the "bytes". InputError if unreadable."""
    try:
        status = os.stat(path)
    except OSError:  # missing, or a URL: what is there is assumed not to change
        return _compute_digest(kind, path)
    return _compute_digest(kind, path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=100_000)  # of digests only; the pictures would not fit into memory
def _compute_digest(kind: str, path: str, *version: int) -> str:
    with copy_local(path) as local:
        if kind == "pixels":
            return read(local[path]).digest
        try:
            with open(local[path], "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"can't read {one_line(path)}: {reason(error)}") from error
