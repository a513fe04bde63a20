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
from artistyle_tf.batch.paths import copy_local, is_url, make_folder, store
from artistyle_tf.batch.plan import NEW, why_paint, with_depth
from artistyle_tf.batch.pool import Options, Outcome
from artistyle_tf.cli.console import quiet_import
from artistyle_tf.cli.devices import on_device
from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.plan import resident_bytes
from artistyle_tf.engine.results import STOPPED, Result
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.text import one_line, reason

__all__ = ["Worker", "checkpoint_folder", "computing"]

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
            outcome = Outcome("failed", f"{type(error).__name__}: {_first_line(error)}")
        finally:
            logger.removeHandler(warnings)
        notes = dict.fromkeys(record.getMessage() for record in warnings.buffer[:10])
        gc.collect()  # a run's arrays are in reference cycles; the next run needs the memory
        return dataclasses.replace(
            outcome,
            seconds=time.monotonic() - began,
            resident_bytes=resident_bytes(),
            notes=(*outcome.notes, *notes),
            pid=os.getpid(),
        )

    def _paint_if_needed(self, job: Job) -> Outcome:
        make_folder(job.output)
        with holding(job.output) as alone:
            if not alone:
                return Outcome("busy", "another run is painting it")
            why = why_paint(job)  # another run may have finished it
            if why is None:
                return Outcome("skipped", "already done")
            if self._stop.is_set():
                return Outcome("stopped", "stopped before it started")
            try:
                with copy_local(*job.paths) as local, self._block():
                    outcome = self._paint_files(job, local)
            finally:
                with contextlib.suppress(OSError):  # missing, or not empty
                    os.rmdir(checkpoint_folder(job))
            reasons = () if why == NEW else (why,)
            return dataclasses.replace(outcome, notes=(*reasons, *outcome.notes))

    def _paint_files(self, job: Job, local: dict[str, str]) -> Outcome:
        """Paints from local files, resuming from a checkpoint if there is one."""
        folder = checkpoint_folder(job)
        resumed = os.path.isdir(folder) and any(
            name.endswith(".npz") for name in os.listdir(folder)
        )
        try:
            result, notes = self._run(job, local, folder, resumed)
        except InputError:
            if not resumed:
                raise
            shutil.rmtree(folder)  # for other settings or pictures, or of another version
            result, notes = self._run(job, local, folder, False)
        outcome = Outcome(
            "done",
            result.stop_reason,
            painting_seconds=result.seconds,
            size=(result.image.shape[0], result.image.shape[1]),
            notes=notes,
        )
        if result.error is not None:
            fault = f"{result.stop_reason}: {_first_line(result.error)}"
            return dataclasses.replace(outcome, status="failed", reason=fault)
        if self._stop.is_set() and result.stop_reason == STOPPED:
            return dataclasses.replace(outcome, status="stopped")
        _save(dataclasses.replace(result, record=with_depth(result.record, job.depth)), job)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome

    def _run(
        self, job: Job, local: dict[str, str], folder: str, resume: bool
    ) -> tuple[Result, tuple[str, ...]]:
        """Returns the result, with a note if the run was resumed."""
        checkpoints = Checkpoints(folder, every=self._options.save_every, resume=resume)
        init = local.get(job.config.init, job.config.init)
        result = self._painter(dataclasses.replace(job.config, init=init))(
            local[job.content] if job.content else None,
            [local[style] for style in job.styles],
            content_masks=[local[mask] for mask in job.content_masks],
            style_masks=[local[mask] for mask in job.style_masks],
            callback=lambda step: not self._stop.is_set(),
            checkpoints=checkpoints,
        )
        resumed = resume and not checkpoints.notes
        return result, ("resumed from its checkpoint",) if resumed else ()


def checkpoint_folder(job: Job) -> str:
    """In .artistyle next to the output; if that is at a URL, in this machine's temporary folder."""
    digest = hashlib.sha256(job.output.encode()).hexdigest()[:8]
    name = f"{os.path.basename(job.output)}-{digest}"
    if is_url(job.output):
        user = os.getuid() if hasattr(os, "getuid") else 0
        return os.path.join(tempfile.gettempdir(), f"artistyle-batch-{user}", name)
    return os.path.join(os.path.dirname(job.output), ".artistyle", name)


def _save(result: Result, job: Job) -> None:
    if not is_url(job.output):
        result.save(job.output, job.depth)
        return
    with tempfile.TemporaryDirectory(prefix="artistyle-") as folder:
        path = os.path.join(folder, os.path.basename(job.output))
        result.save(path, job.depth)
        store(path, job.output)


def _first_line(error: BaseException) -> str:
    return one_line((str(error).splitlines() or [type(error).__name__])[0])[:200]
