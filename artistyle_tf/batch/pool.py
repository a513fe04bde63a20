"""Workers as Ray actors, on this machine or a cluster. Ray restarts those that die, and retries
their tasks. The only module that uses Ray; it knows nothing of pictures."""

import collections
import contextlib
import dataclasses
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.text import one_line, reason

TRIES = 3  # A task is given up when this many workers have died doing it.
PATIENCE = 15  # How often a busy task is tried again; killed batches release locks with delay.
FAREWELL = 60.0  # Seconds that workers get for checkpoints when the user stops the batch.
START = 600.0  # Seconds that a busy cluster gets to start workers.
GROWTH = 2**30  # Bytes that a worker may grow after its first task before it is replaced.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # send no usage statistics
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's future default; avoids a warning
}
"""For a Ray started here; variables that the user has set are kept."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What workers are made with: `save_every` as for `Checkpoints`, `overwrite` as for
    `files.check_overwrite`, and TensorFlow's `threads` if several workers share the CPUs."""

    save_every: str | None = None
    device: str | None = None
    deterministic: bool = False
    overwrite: bool = False
    threads: int | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
      status: done: painted; skipped: nothing to do; busy: locked by another batch; stopped: by the
        user.
      reason: why it was skipped or failed; if painted, the stop reason of the run.
      seconds: from the start of the job to the written file.
      size: (height, width) of the result in px.
      resident_bytes: memory of the worker afterwards.
      notes: remarks for the user.
    """

    status: Literal["done", "skipped", "failed", "busy", "stopped"]
    reason: str = ""
    seconds: float = 0.0
    size: tuple[int, int] | None = None
    resident_bytes: int = 0
    notes: tuple[str, ...] = ()


Tell = Callable[[Any, Outcome], None]


def run_tasks(
    make: Callable[[Options], Any],
    tasks: Iterable[Any],
    tell: Tell,
    *,
    options: Options = Options(),
    count: int | None = None,
    address: str | None = None,
) -> None:
    """Has Ray workers do all tasks, one worker per device, each in its own process.

    Starts Ray for the call, unless this process has started it or `address` names a cluster. Busy
    tasks are tried again when all others are done, and finally skipped. After Ctrl-C workers get
    60 s for checkpoints.

    Args:
      make: makes a worker from `options`, in its process. Its method `paint` does a task; `stop`,
        called from another thread, ends that soon.
      tell: called with every task and its outcome, as it ends.
      count: of workers; by default one per GPU that Ray sees, or else one per machine.

    Raises:
      ConfigError: Ray is not installed.
      ArtistyleError: Ray or the workers can't start, or the cluster can't be joined.
      KeyboardInterrupt: Ctrl-C, after the workers have stopped.
    """
    queue = collections.deque((task, 0) for task in tasks)  # task, how often it was busy
    if not queue:
        return
    with _connect(address, count) as ray:
        idle = _start_actors(ray, make, options, count, len(queue), address is None)
        running: dict[Any, tuple[Any, Any, int]] = {}
        first: dict[Any, int] = {}  # actor → its resident bytes after the first one done

        def collect() -> None:
            for reply in ray.wait(list(running), timeout=0.5)[0]:
                actor, task, waited = running.pop(reply)
                idle.append(actor)
                outcome = _outcome(ray, reply)
                if outcome.status != "busy":
                    tell(task, outcome)
                elif waited < PATIENCE:
                    queue.append((task, waited + 1))
                else:
                    tell(task, dataclasses.replace(outcome, status="skipped"))
                if outcome.status == "done":
                    grown = outcome.resident_bytes - first.setdefault(actor, outcome.resident_bytes)
                    if grown > GROWTH:
                        ray.kill(actor, no_restart=False)
                        del first[actor]

        try:
            while queue or running:
                while queue and idle:
                    actor, (task, waited) = idle.pop(), queue.popleft()
                    running[actor.paint.remote(task)] = actor, task, waited
                collect()
        except KeyboardInterrupt:
            for actor, *_ in running.values():
                actor.stop.remote()
            until = time.monotonic() + FAREWELL
            while running and time.monotonic() < until:
                collect()
            raise


def _outcome(ray: Any, reply: Any) -> Outcome:
    try:
        outcome = ray.get(reply)
    except ray.exceptions.RayTaskError as error:  # raised by the worker
        return Outcome("failed", f"{type(error.cause).__name__}: {reason(error.cause)}")
    except ray.exceptions.RayError:
        why = "their processes were killed, perhaps for lack of memory, or crashed"
        return Outcome("failed", f"given up: {TRIES} workers died painting it ({why})")
    assert isinstance(outcome, Outcome)
    return outcome


class _Actor:
    """A worker in its own process. `stop` runs in a second thread, while `paint` is running."""

    def __init__(self, make: Callable[[Options], Any], options: Options):
        self._worker = make(options)
        gc.freeze()  # modules stay; spare every later collection the scan of them

    def paint(self, task: Any) -> Outcome:
        return self._worker.paint(task)

    def stop(self) -> None:
        self._worker.stop()


def _start_actors(
    ray: Any,
    make: Callable[[Options], Any],
    options: Options,
    asked: int | None,
    tasks: int,
    local: bool,
) -> list[Any]:
    gpus, cpus = (int(ray.cluster_resources().get(kind, 0)) for kind in ("GPU", "CPU"))
    machines = sum(node["Alive"] for node in ray.nodes())
    count = min(asked or gpus or machines, max(gpus, cpus, 1), tasks)
    # GPUs for all workers or for none: a worker without one would slow down the batch.
    shares = {"num_cpus": 0, "num_gpus": 1} if gpus >= count else {"num_cpus": 1}
    if not gpus and local and count > 1:
        threads = max(1, (os.cpu_count() or 1) // count)
        options = dataclasses.replace(options, threads=threads)
    actor = ray.remote(_Actor).options(
        max_restarts=-1,
        max_task_retries=TRIES - 1,
        max_concurrency=2,
        scheduling_strategy="SPREAD",
        **shares,
    )
    actors = [actor.remote(make, options) for _ in range(count)]
    try:
        ray.get([each.__ray_ready__.remote() for each in actors], timeout=START)
    except ray.exceptions.RayError as error:
        last = one_line((str(error).splitlines() or [""])[-1])[:200]
        raise ArtistyleError(f"not all workers can start; try fewer --workers: {last}") from error
    return actors


@contextlib.contextmanager
def _connect(address: str | None, count: int | None) -> Iterator[Any]:
    """Ray, connected to a cluster or started here; shut down after the block."""
    if address is None:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise ConfigError(
            'a batch needs Ray, not installed here: pip install "artistyle-tf[batch]"'
        ) from None
    if ray.is_initialized():
        yield ray
        return
    own = {
        "include_dashboard": False,
        "num_cpus": count or 1,
        "object_store_memory": 100_000_000,  # bytes: tasks and outcomes are small
        "_node_ip_address": "127.0.0.1",
    }
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address or "local", **quiet, **({} if address else own))
    except Exception as error:  # Ray raises several types
        where = f"join the cluster {one_line(address)}" if address else "start"
        raise ArtistyleError(f"Ray can't {where}: {reason(error)}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray replaces it
    try:
        yield ray
    finally:
        ray.shutdown()
