"""Paints shots with workers of Ray, several at once. TensorFlow is only in the workers."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from artistyle_tf.batch.pool import Options as Sharing
from artistyle_tf.batch.pool import Outcome, run_tasks
from artistyle_tf.batch.worker import computing
from artistyle_tf.engine.events import Step
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.text import reason
from artistyle_tf.video.flags import Options
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.session import Session

__all__ = ["ShotWorker", "paint_with_workers"]


class _Task(NamedTuple):
    output: str
    """Tells shots apart."""
    numbers: Sequence[int]
    """Of its frames."""


def paint_with_workers(
    options: Options, shots: Iterable[Sequence[int]], store: FrameStore, tell: Callable[[], None]
) -> None:
    """Has all shots painted into the store; what is there already is not painted again.

    A shot whose worker dies goes to another one, and is given up after three.

    Args:
      options: with `workers`, how many at most; they share the machine's CPUs.
      shots: the numbers of the frames of each.
      store: where the paintings go.
      tell: called about twice a second, in another thread.

    Raises:
      KeyboardInterrupt: the user stopped it; frames that are finished stay.
      ArtistyleError: Ray is not installed or can't start; or after all others, a shot failed.
    """
    tasks = [_Task(f"shot at frame {numbers[0] + 1}", numbers) for numbers in shots]
    failures: list[str] = []

    def note(task: _Task, outcome: Outcome) -> None:
        if outcome.status == "failed":
            failures.append(f"the {task.output} failed: {outcome.reason}")

    make = functools.partial(ShotWorker, options, store)
    sharing = Sharing(device=options.device)
    with _calling(tell):
        run_tasks(make, tasks, note, options=sharing, count=options.workers)
    if failures:
        raise ArtistyleError("; ".join(failures))


class ShotWorker:
    """Paints one shot after the other, as `batch.worker.Worker` paints jobs."""

    def __init__(self, options: Options, store: FrameStore, sharing: Sharing):
        self._store = store
        self._stop = threading.Event()
        self._sharing = sharing
        self._session = Session(options, self._goes_on)

    def stop(self) -> None:
        """Ends the shot that is being painted after an iteration."""
        self._stop.set()

    def paint(self, task: _Task) -> Outcome:
        """Paints a shot."""
        try:
            with computing(self._sharing):
                self._session.paint(task.numbers, self._store)
        except KeyboardInterrupt:
            return Outcome("stopped")
        except (MemoryError, ArtistyleError) as error:
            return Outcome("failed", reason(error) if str(error) else "out of memory")
        return Outcome("done")

    def _goes_on(self, step: Step) -> bool:
        return not self._stop.is_set()


@contextlib.contextmanager
def _calling(tell: Callable[[], None]) -> Iterator[None]:
    """Calls it twice a second while the block waits for Ray, and once at the end."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.5):
            tell()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        tell()
