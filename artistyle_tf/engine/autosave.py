"""Saves a run's state to checkpoints, and restores it."""

import logging

from artistyle_tf.engine.checkpoints import Checkpoints, Saved
from artistyle_tf.engine.record import make_identity
from artistyle_tf.engine.scene import Scene
from artistyle_tf.engine.snapshot import arrays_of, header_of, state_of
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.engine.state import State
from artistyle_tf.errors import InputError

__all__ = ["Autosave"]

logger = logging.getLogger("artistyle_tf")


class Autosave:
    """Writes a run's state to its checkpoints, if it has any.

    A checkpoint that can't be written only causes a warning; the run continues.
    """

    def __init__(self, checkpoints: Checkpoints | None):
        self._checkpoints = checkpoints
        self._reached: State | None = None
        self._written: State | None = None

    def begin(self, scene: Scene, solvers: Solvers, state: State, *, writes: bool = True) -> State:
        """The newest saved state of the same run, or else the state passed in.

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
        """Notes the state after an iteration; `save` writes the state noted last."""
        self._reached = state

    def save_if_due(self) -> None:
        """Saves if a checkpoint is due."""
        state = self._reached
        if self._checkpoints and state and self._checkpoints.due(state.iterations):
            self.save()

    def save(self) -> None:
        """Writes the state noted last, unless it has been written already."""
        state = self._reached
        if self._checkpoints is None or state is None or state is self._written:
            return
        try:
            self._checkpoints.save(state.iterations, header_of(state), arrays_of(state.search))
            self._written = state
        except InputError as error:
            logger.warning("%s; the run continues", error)

    def close(self) -> None:
        """Releases the folder for other processes."""
        if self._checkpoints is not None:
            self._checkpoints.close()
