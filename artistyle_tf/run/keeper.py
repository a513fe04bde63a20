"""Between a run and its checkpoints: what was reached last, and what came back."""

import logging
from collections.abc import Callable, Sequence

import tensorflow as tf

from artistyle_tf.errors import InputError
from artistyle_tf.minimize import Minimizer, State
from artistyle_tf.run.checkpoints import Checkpoints, Saved
from artistyle_tf.run.memory import Plan
from artistyle_tf.run.snapshot import Snapshot

__all__ = ["Keeper", "restored"]

logger = logging.getLogger("artistyle_tf")


class Keeper:
    """Knows what a run reached last, and writes it when it is time, or when the run is broken off.

    A run doesn't end because a checkpoint can't be written: a warning says so.
    """

    def __init__(self, checkpoints: Checkpoints | None):
        self._checkpoints = checkpoints
        self.active = checkpoints is not None
        """Whether anything is to be kept."""
        self._reached: tuple[Snapshot, State] | None = None
        self._written: Snapshot | None = None

    def reached(self, snapshot: Snapshot, state: State) -> None:
        """After an iteration; from here on `save` would write that."""
        self._reached = snapshot, state

    def save_if_due(self) -> None:
        """Saves if it is time."""
        if self._checkpoints and self._reached and self._checkpoints.due(self._iteration()):
            self.save()

    def save(self) -> None:
        """Writes what was reached last, unless it is written already."""
        if not self._checkpoints or not self._reached or self._reached[0] is self._written:
            return
        snapshot, state = self._reached
        try:
            self._checkpoints.save(self._iteration(), snapshot.header(), tf.nest.flatten(state))
            self._written = snapshot
        except InputError as error:
            logger.warning("%s; the run goes on", error)

    def _iteration(self) -> int:
        assert self._reached is not None
        snapshot, state = self._reached
        return snapshot.before[0] + int(state.iterations)


def restored(
    saved: Saved,
    sizes: Sequence[tuple[int, int]],
    layers: Sequence[str],
    minimizer: Callable[[Plan, str], Minimizer],
) -> tuple[Snapshot, State]:
    """What was saved, if it can be of this run.

    Args:
      saved: with the identity of this very run, but else with all that a file may say.
      sizes: (height, width) of all levels.
      layers: the run's style layers.
      minimizer: of a level's plan and dtype; its fresh state has the structure of the saved one.

    Raises:
      ValueError: it can't be.
    """
    snapshot = Snapshot.parse(saved.header, sizes, layers)
    height, width = sizes[snapshot.level]
    fresh = minimizer(snapshot.plans[snapshot.level], snapshot.dtype).start(
        tf.zeros([height * width * 3])
    )
    kinds = [(tuple(one.shape), one.dtype.as_numpy_dtype) for one in tf.nest.flatten(fresh)]
    if kinds != [(array.shape, array.dtype.type) for array in saved.arrays]:
        raise ValueError("its arrays are not those of this run's minimiser")
    tensors = [tf.constant(array) for array in saved.arrays]
    return snapshot, tf.nest.pack_sequence_as(fresh, tensors)
