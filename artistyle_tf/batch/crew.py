"""Workers as Ray actors, on this machine or a cluster. The only module that uses Ray."""

import dataclasses
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from artistyle_tf.batch.dispatch import Task, WorkerDiedError
from artistyle_tf.batch.outcome import Options, Outcome
from artistyle_tf.batch.worker import Worker
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.text import one_line, reason

__all__ = ["RayCrew"]

STORE = 100_000_000
"""Size of Ray's object store on this machine in bytes: jobs and outcomes are small."""
START = 600.0
"""Timeout in seconds for a worker to start, for clusters that are busy with other work."""

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # send no usage statistics
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback only, on every system
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's future default; avoids a warning
    "RAY_DEDUP_LOGS": "0",
}
"""Environment for a Ray started here; variables that the user has set are kept."""


class RayCrew:
    """One worker per device, each a Ray actor. A context manager that implements `dispatch.Crew`.

    Starts Ray on this machine for the block, unless it is running in this process already or an
    address is given.

    Args:
      options: options that apply to all jobs.
      count: number of workers; by default one per GPU that Ray sees, or else one per machine.
      address: address of a cluster to join.
      make: creates a worker; called in the worker's process.

    Raises:
      ConfigError: Ray is not installed.
      ArtistyleError: Ray can't be started, or the cluster can't be joined.
    """

    def __init__(
        self,
        options: Options,
        count: int | None = None,
        address: str | None = None,
        make: Callable[[Options], Any] = Worker,
    ):
        self.count = count or 1
        self._asked, self._address = count, address
        self._options, self._make = options, make
        self._ray: Any = None
        self._started = False
        self._actor: Any = None

    def __enter__(self) -> "RayCrew":
        if self._address is None:
            for name, value in ENVIRONMENT.items():
                os.environ.setdefault(name, value)
        try:
            import ray
        except ImportError:
            raise ConfigError(
                'a batch needs Ray, not installed here: pip install "artistyle-tf[batch]"'
            ) from None
        self._ray = ray
        if not ray.is_initialized():
            self._start()
        there = ray.cluster_resources()
        gpus = int(there.get("GPU", 0))
        machines = sum(1 for node in ray.nodes() if node["Alive"])
        self.count = min(self._asked or gpus or machines, max(gpus, int(there.get("CPU", 0)), 1))
        # GPUs for all workers or for none: a worker without one would slow down the batch.
        shares = {"num_cpus": 0, "num_gpus": 1} if gpus >= self.count else {"num_cpus": 1}
        options = self._options
        if not gpus and self._address is None and self.count > 1:
            threads = max(1, (os.cpu_count() or 1) // self.count)
            options = dataclasses.replace(options, threads=threads)
        actor = ray.remote(_Actor).options(
            max_restarts=0, max_concurrency=2, scheduling_strategy="SPREAD", **shares
        )
        self._actor = lambda: actor.remote(self._make, options)
        return self

    def _start(self) -> None:
        ray = self._ray
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        own = {
            "include_dashboard": False,
            "num_cpus": self._asked or 1,
            "object_store_memory": STORE,
            "_node_ip_address": "127.0.0.1",
        }
        main = threading.current_thread() is threading.main_thread()
        before = signal.getsignal(signal.SIGTERM) if main else None
        try:
            if self._address is None:
                ray.init("local", **own, **quiet)
            else:
                ray.init(self._address, **quiet)
        except Exception as error:  # Ray raises several types
            where = f"join the cluster {one_line(self._address)}" if self._address else "start"
            raise ArtistyleError(f"Ray can't {where}: {_refusal(error)}") from error
        finally:
            if main:
                signal.signal(signal.SIGTERM, before)  # Ray replaces it
        self._started = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._started:
            self._ray.shutdown()

    def hire(self) -> Any:
        """See `Crew`. ArtistyleError if no worker can start."""
        worker = self._actor()
        try:
            self._ray.get(worker.begin.remote(), timeout=START)
        except self._ray.exceptions.GetTimeoutError:
            raise ArtistyleError(
                f"no worker could start within {START:.0f} s: no free device; try fewer --workers"
            ) from None
        except self._ray.exceptions.RayError as error:
            raise ArtistyleError(f"a worker can't start: {_why(error)}") from error
        return worker

    def give(self, worker: Any, job: Task) -> Any:
        """See `Crew`."""
        return worker.paint.remote(job)

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        """See `Crew`."""
        if not tickets:
            return []
        return list(self._ray.wait(list(tickets), num_returns=1, timeout=seconds)[0])

    def result(self, ticket: Any) -> Outcome:
        """See `Crew`."""
        try:
            outcome = self._ray.get(ticket)
        except self._ray.exceptions.RayError as error:
            raise WorkerDiedError(_why(error)) from None
        assert isinstance(outcome, Outcome)
        return outcome

    def stop(self, worker: Any) -> None:
        """See `Crew`."""
        worker.stop.remote()

    def dismiss(self, worker: Any) -> None:
        """See `Crew`."""
        self._ray.kill(worker)


class _Actor:
    """A worker in its own process. `stop` runs in a second thread, while `paint` is running."""

    def __init__(self, make: Callable[[Options], Any], options: Options):
        self._worker = make(options)

    def begin(self) -> int:
        return self._worker.begin()

    def paint(self, job: Any) -> Outcome:
        return self._worker.paint(job)

    def stop(self) -> None:
        self._worker.stop()


def _refusal(error: BaseException) -> str:
    """Ray's message, or that the cluster requires a token, which only the causes reveal."""
    cause: BaseException | None = error
    while cause is not None:
        if "AuthenticationError" in type(cause).__name__ or "InvalidAuthToken" in str(cause):
            return "it requires a token: set RAY_AUTH_MODE=token; see docs/batch.md"
        cause = cause.__cause__
    return reason(error)


def _why(error: BaseException) -> str:
    """Ray's explanation, without its advice and numbers."""
    text = " ".join(str(error).split())
    if "OutOfMemory" in type(error).__name__:
        return "the machine ran out of memory, and Ray killed the worker"
    found = re.search(r"Worker exit detail: (.*?)(?: Some common causes|$)", text)
    if found and "connection error code" in found[1]:
        return "its process ended without an error: killed, perhaps for lack of memory, or crashed"
    return one_line(found[1] if found else text)[:200]
