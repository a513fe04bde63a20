"""What a worker does with a job: paints it unless it is done. Independent of Ray; loads TensorFlow
when it is first needed."""

import contextlib
import dataclasses
import functools
import gc
import hashlib
import logging.handlers
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import copy_local, is_url, local_output
from artistyle_tf.batch.plan import NEW, why_paint
from artistyle_tf.batch.pool import Options, Outcome
from artistyle_tf.cli.console import quiet_import
from artistyle_tf.cli.devices import on_device
from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.plan import resident_bytes
from artistyle_tf.engine.results import STOPPED, Result
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.text import reason

PAINTERS = 2  # Painters kept, each with its network and graphs; jobs are sorted by settings.


@functools.cache
def _load_tensorflow(options: Options) -> None:
    """Loads and sets up TensorFlow, once per process. ArtistyleError if it can't be loaded."""
    with quiet_import():
        from artistyle_tf.engine import painter, solvers  # noqa: F401 (what jobs need)
    import tensorflow as tf

    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    solvers.let_memory_grow()
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def computing(options: Options) -> Iterator[None]:
    """Computes with TensorFlow in the block. ArtistyleError: it can't be loaded, or memory is
    short."""
    _load_tensorflow(options)
    import tensorflow as tf

    with on_device(options.device):
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            raise ArtistyleError("there is not enough memory; a smaller size needs less") from error


def _make_painter(config: Config) -> Any:
    from artistyle_tf.engine.painter import Painter

    return Painter(config)


class Worker:
    """Paints one job after another; keeps networks and traced graphs for the latest settings.
    `make_painter` makes something like a `Painter` without TensorFlow."""

    def __init__(self, options: Options, make_painter: Callable[..., Any] | None = None):
        self._options = options
        self._painter = functools.lru_cache(maxsize=PAINTERS)(make_painter or _make_painter)
        self._block = contextlib.nullcontext if make_painter else lambda: computing(options)
        self._stop = threading.Event()

    def stop(self) -> None:
        """Stops the current job after its iteration, with a checkpoint."""
        self._stop.set()

    def paint(self, job: Job) -> Outcome:
        """Paints a job unless it is up to date or locked. Its errors become a "failed" outcome."""
        began = time.monotonic()
        logger, warnings = logging.getLogger("artistyle_tf"), logging.handlers.BufferingHandler(99)
        warnings.setLevel(logging.WARNING)
        logger.addHandler(warnings)
        try:
            outcome = self._paint_if_needed(job)
        except (MemoryError, ArtistyleError) as error:
            outcome = Outcome("failed", reason(error) if str(error) else "out of memory")
        except Exception as error:
            outcome = Outcome("failed", f"{type(error).__name__}: {reason(error)}")
        finally:
            logger.removeHandler(warnings)
        notes = dict.fromkeys(record.getMessage() for record in warnings.buffer[:10])
        gc.collect()  # a run's arrays are in reference cycles; the next run needs the memory
        return dataclasses.replace(
            outcome,
            seconds=time.monotonic() - began,
            resident_bytes=resident_bytes(),
            notes=(*outcome.notes, *notes),
        )

    def _paint_if_needed(self, job: Job) -> Outcome:
        with holding(job.output) as alone:
            if not alone:
                time.sleep(1)  # before it is tried again
                return Outcome("busy", "another run is painting it")
            why = why_paint(job, self._options.overwrite)  # another run may have finished it
            if why is None:
                return Outcome("skipped", "already done")
            with copy_local(*job.paths) as local, self._block():
                result, notes = self._paint(job, local)
            return self._finish(job, result, notes if why == NEW else (why, *notes))

    def _paint(self, job: Job, local: dict[str, str]) -> tuple[Result, tuple[str, ...]]:
        """The result, painted from local files, with a note if a checkpoint was resumed."""
        folder, init = checkpoint_folder(job), local.get(job.config.init, job.config.init)
        painter = self._painter(dataclasses.replace(job.config, init=init))
        resume = os.path.isdir(folder)
        while True:
            try:
                checkpoints = Checkpoints(folder, every=self._options.save_every, resume=resume)
                result = painter(
                    local[job.content] if job.content else None,
                    [local[style] for style in job.styles],
                    content_masks=[local[mask] for mask in job.content_masks],
                    style_masks=[local[mask] for mask in job.style_masks],
                    callback=lambda step: not self._stop.is_set(),
                    checkpoints=checkpoints,
                )
                resumed = resume and not checkpoints.notes
                return result, ("resumed from its checkpoint",) if resumed else ()
            except InputError:
                if not resume:
                    raise
                shutil.rmtree(folder)  # for other settings or pictures, or of another version
                resume = False

    def _finish(self, job: Job, result: Result, notes: tuple[str, ...]) -> Outcome:
        """Saves the picture, unless the run failed or was stopped."""
        outcome = Outcome(
            "done",
            result.stop_reason,
            size=(result.image.shape[0], result.image.shape[1]),
            notes=notes,
        )
        if result.error is not None:
            fault = f"{result.stop_reason}: {reason(result.error)}"
            return dataclasses.replace(outcome, status="failed", reason=fault)
        if self._stop.is_set() and result.stop_reason == STOPPED:
            return dataclasses.replace(outcome, status="stopped")
        if job.depth != 8:  # it determines the file, too
            result = dataclasses.replace(result, record={**result.record, "depth": job.depth})
        with local_output(job.output) as path:
            result.save(path, job.depth)
        shutil.rmtree(checkpoint_folder(job), ignore_errors=True)
        return outcome


def checkpoint_folder(job: Job) -> str:
    """In .artistyle next to the output; if that is at a URL, in this machine's temporary folder."""
    folder, name = os.path.split(job.output)
    if is_url(job.output):
        user = os.getuid() if hasattr(os, "getuid") else 0
        folder = os.path.join(tempfile.gettempdir(), f"artistyle-batch-{user}")
        name = f"{name}-{hashlib.sha256(job.output.encode()).hexdigest()[:8]}"
    return os.path.join(folder, ".artistyle", name)
