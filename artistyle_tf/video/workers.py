"""Paints shots with workers of Ray, several at once. TensorFlow is only in the workers."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from artistyle_tf.batch.computing import Computing
from artistyle_tf.batch.crew import RayCrew
from artistyle_tf.batch.dispatch import dispatch
from artistyle_tf.batch.outcome import Options as Sharing
from artistyle_tf.batch.outcome import Outcome
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
    with (
        RayCrew(Sharing(device=options.device), options.workers, make=make) as crew,
        _calling(tell),
    ):
        complete = dispatch(tasks, crew, note)
    if not complete:
        raise KeyboardInterrupt
    if failures:
        raise ArtistyleError("; ".join(failures))


class ShotWorker:
    """Paints one shot after the other, as `batch.worker.Worker` paints jobs."""

    def __init__(self, options: Options, store: FrameStore, sharing: Sharing):
        self._store = store
        self._stop = threading.Event()
        self._computing = Computing(sharing)
        self._session = Session(options, self._goes_on)

    def begin(self) -> int:
        """Called before the first shot."""
        return 0

    def stop(self) -> None:
        """Ends the shot that is being painted after an iteration."""
        self._stop.set()

    def paint(self, task: _Task) -> Outcome:
        """Paints a shot."""
        try:
            with self._computing():
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
