"""Assigns jobs to workers, which may die. Independent of Ray, which implements `Crew`."""

import collections
import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from artistyle_tf.batch.outcome import Outcome

__all__ = ["Crew", "Task", "Tell", "WorkerDiedError", "dispatch"]

TRIES = 3
"""Attempts per job: it is given up when this many workers have died painting it."""
PATIENCE = 15.0
"""Seconds to wait at the end for jobs of other runs; killed ones release their locks with delay."""
FAREWELL = 60.0
"""Seconds that workers get to write checkpoints when the user stops the batch."""
GROWTH = 2**30
"""Bytes by which a worker's memory may grow after its first job before it is replaced."""

Tell = Callable[[Any, Outcome], None]
"""Called once for every job, with its outcome, as the job ends."""


class Task(Protocol):
    """What a worker is given: a `Job`, or a shot of a clip."""

    @property
    def output(self) -> str:
        """Tells tasks apart."""


class WorkerDiedError(Exception):
    """The worker died; the message says why, as far as known."""


class Crew(Protocol):
    """A pool of workers, which are started as needed."""

    count: int
    """Maximum number of workers at a time."""

    def hire(self) -> Any:
        """Starts a worker, and returns it when it is ready."""

    def give(self, worker: Any, job: Task) -> Any:
        """Gives the worker a job; returns a ticket for `wait` and `result`."""

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        """The tickets whose jobs have ended; waits at most `seconds` for one."""

    def result(self, ticket: Any) -> Outcome:
        """The outcome of the ticket's job. WorkerDiedError if the worker died."""

    def stop(self, worker: Any) -> None:
        """Asks the worker to stop its job soon, with a checkpoint."""

    def dismiss(self, worker: Any) -> None:
        """Kills the worker's process, if it is still running."""


def dispatch(
    jobs: Iterable[Task],
    crew: Crew,
    tell: Tell,
    *,
    tries: int = TRIES,
    patience: float = PATIENCE,
) -> bool:
    """Paints all jobs. Returns True if all have ended, False if Ctrl-C stopped the batch.

    A job whose worker dies is retried at once by another worker, which resumes from its checkpoint;
    after the third death the job is given up. Jobs that another run is painting are tried again
    when all others are done.

    Args:
      jobs: in the order in which they are started.
      crew: the workers.
      tell: see `Tell`.
      tries: attempts per job, including those whose worker died.
      patience: seconds to wait for other runs at the end.
    """
    return _Dispatch(crew, tell, tries, patience).run(jobs)


class _Dispatch:
    def __init__(self, crew: Crew, tell: Tell, tries: int, patience: float):
        self._crew, self._tell = crew, tell
        self._tries, self._patience = tries, patience
        self._queue: collections.deque[Task] = collections.deque()
        self._busy: list[tuple[Task, Outcome]] = []
        self._idle: list[Any] = []
        self._running: dict[Any, tuple[Any, Task]] = {}
        self._deaths: collections.Counter[str] = collections.Counter()
        self._first: dict[Any, int] = {}

    def run(self, jobs: Iterable[Task]) -> bool:
        self._queue.extend(jobs)
        try:
            while self._queue or self._running:
                self._hand_out()
                self._collect(0.5)
                if not self._queue and not self._running:
                    self._ask_again()
        except KeyboardInterrupt:
            self._say_goodbye()
            return False
        return True

    def _hand_out(self) -> None:
        while self._queue and len(self._running) < self._crew.count:
            worker = self._idle.pop() if self._idle else self._crew.hire()
            job = self._queue.popleft()
            self._running[self._crew.give(worker, job)] = worker, job

    def _collect(self, seconds: float) -> None:
        for ticket in self._crew.wait(list(self._running), seconds):
            worker, job = self._running.pop(ticket)
            try:
                outcome = self._crew.result(ticket)
            except WorkerDiedError as error:
                self._crew.dismiss(worker)
                self._mourn(job, str(error))
                continue
            if outcome.status == "busy":
                self._busy.append((job, outcome))
            else:
                tries = self._deaths[job.output] + 1
                self._tell(job, dataclasses.replace(outcome, tries=tries))
            first = self._first.setdefault(worker, outcome.resident)
            if outcome.resident - first > GROWTH:
                self._crew.dismiss(worker)
            else:
                self._idle.append(worker)

    def _mourn(self, job: Task, why: str) -> None:
        self._deaths[job.output] += 1
        deaths = self._deaths[job.output]
        if deaths < self._tries:
            self._queue.appendleft(job)
        else:
            text = f"given up: {deaths} workers died painting it ({why})"
            self._tell(job, Outcome("failed", text, tries=deaths))

    def _ask_again(self) -> None:
        """Requeues the jobs of other runs while there is patience left, then skips them."""
        if not self._busy:
            return
        if self._patience > 0:
            began = time.monotonic()
            time.sleep(min(1.0, self._patience))
            self._queue.extend(job for job, _ in self._busy)
            self._busy.clear()
            self._patience -= time.monotonic() - began
            return
        for job, outcome in self._busy:
            self._tell(job, dataclasses.replace(outcome, status="skipped"))
        self._busy.clear()

    def _say_goodbye(self) -> None:
        for worker, _ in self._running.values():
            self._crew.stop(worker)
        self._queue.clear()
        until = time.monotonic() + FAREWELL
        while self._running and time.monotonic() < until:
            self._collect(0.5)
            self._queue.clear()  # no retries now
