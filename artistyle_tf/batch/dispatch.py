"""Who paints what: jobs to workers that may die. Knows nothing of Ray, which is one `Crew`."""

import collections
import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from artistyle_tf.batch.outcome import Outcome

__all__ = ["Crew", "Task", "Tell", "WorkerDiedError", "dispatch"]

TRIES = 3
"""Workers that a job may take with it."""
PATIENCE = 15.0
"""Seconds that one waits in the end for jobs of other runs: killed ones take a while to let go."""
FAREWELL = 60.0
"""Seconds that workers have for their checkpoints when the user stops the batch."""
GROWTH = 2**30
"""Bytes that a worker may hold more than after its first job; then another takes its place."""

Tell = Callable[[Any, Outcome], None]
"""Gets every job with how it ended, each once, as it ends."""


class Task(Protocol):
    """What a worker is given: a `Job`, or a shot of a clip."""

    @property
    def output(self) -> str:
        """Tells tasks apart."""


class WorkerDiedError(Exception):
    """The worker is gone; the text says what is known of why."""


class Crew(Protocol):
    """Workers that are hired as they are needed."""

    count: int
    """How many may work at once."""

    def hire(self) -> Any:
        """A worker that is ready."""

    def give(self, worker: Any, job: Task) -> Any:
        """Has it paint; a ticket for `wait` and `result`."""

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        """Those that are done within so many seconds."""

    def result(self, ticket: Any) -> Outcome:
        """How its job ended. WorkerDiedError: the worker did."""

    def stop(self, worker: Any) -> None:
        """Asks it to end its job soon, with a checkpoint."""

    def dismiss(self, worker: Any) -> None:
        """Ends its process, if it is still there."""


def dispatch(
    jobs: Iterable[Task],
    crew: Crew,
    tell: Tell,
    *,
    tries: int = TRIES,
    patience: float = PATIENCE,
) -> bool:
    """Has all jobs painted; whether it came to the end: Ctrl-C ends it before.

    A job whose worker dies is tried again at once, by another worker, which goes on from its
    checkpoint; with the third worker it is given up. What another run is painting is asked for
    again when all else is done.

    Args:
      jobs: in the order in which they are begun.
      crew: who paints.
      tell: see `Tell`.
      tries: workers that a job may cost.
      patience: seconds to wait for other runs in the end.
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
            text = f"given up: {deaths} workers died of it ({why})"
            self._tell(job, Outcome("failed", text, tries=deaths))

    def _ask_again(self) -> None:
        """What other runs had, as long as there is patience; then it is theirs."""
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
            self._queue.clear()  # nobody mourns now
