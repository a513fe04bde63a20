"""When a run writes its state, and how it comes back from a checkpoint."""

import logging

from artistyle_tf.errors import InputError
from artistyle_tf.run.checkpoints import Checkpoints, Saved
from artistyle_tf.run.record import make_identity
from artistyle_tf.run.snapshot import arrays_of, header_of, state_of
from artistyle_tf.run.solvers import Solvers
from artistyle_tf.run.state import State
from artistyle_tf.scene.scene import Scene

__all__ = ["Autosave"]

logger = logging.getLogger("artistyle_tf")


class Autosave:
    """Writes the states of a run to its checkpoints, if it has any.

    A run doesn't end because a checkpoint can't be written: a warning says so.
    """

    def __init__(self, checkpoints: Checkpoints | None):
        self._checkpoints = checkpoints
        self._reached: State | None = None
        self._written: State | None = None

    def begin(self, scene: Scene, solvers: Solvers, state: State, *, writes: bool = True) -> State:
        """The newest state that was saved of this very run, or the one given.

        Raises:
          InputError: the folder can't be used, or has another run's checkpoints.
        """
        if self._checkpoints is None:
            return state
        found = [state]

        def accept(saved: Saved) -> None:
            found.append(state_of(saved, state, scene, solvers))

        identity = make_identity(scene.sources, state.convolutions)
        self._checkpoints.begin(identity, accept, writes=writes)
        for note in self._checkpoints.notes:
            logger.warning("%s", note)
        return found[-1]

    def reached(self, state: State) -> None:
        """After an iteration; from here on `save` would write that."""
        self._reached = state

    def save_if_due(self) -> None:
        """Saves if it is time."""
        state = self._reached
        if self._checkpoints and state and self._checkpoints.due(state.iterations):
            self.save()

    def save(self) -> None:
        """Writes what was reached last, unless it is written already."""
        state = self._reached
        if self._checkpoints is None or state is None or state is self._written:
            return
        try:
            self._checkpoints.save(state.iterations, header_of(state), arrays_of(state.search))
            self._written = state
        except InputError as error:
            logger.warning("%s; the run continues", error)

    def close(self) -> None:
        """Lets other processes use the folder."""
        if self._checkpoints is not None:
            self._checkpoints.close()
