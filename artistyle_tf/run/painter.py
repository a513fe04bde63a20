"""Painting, to be read from top to bottom: `paint` is the whole run, from a scene to a result."""

import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Any

from artistyle_tf.errors import ConfigError
from artistyle_tf.network.place import device_kind
from artistyle_tf.network.precision import true_float32
from artistyle_tf.network.weights import Weights
from artistyle_tf.run.autosave import Autosave
from artistyle_tf.run.checkpoints import Checkpoints
from artistyle_tf.run.clock import Clock
from artistyle_tf.run.events import Callbacks, consult
from artistyle_tf.run.execution import Execution, watching
from artistyle_tf.run.finish import make_result
from artistyle_tf.run.gpus import let_memory_grow
from artistyle_tf.run.planning import first_state, note_plans
from artistyle_tf.run.recovery import broken_off
from artistyle_tf.run.result import Result
from artistyle_tf.run.search import advanced
from artistyle_tf.run.solvers import Solvers
from artistyle_tf.run.state import State
from artistyle_tf.run.steps import make_step
from artistyle_tf.run.workers import is_chief
from artistyle_tf.scene.inputs import read_inputs, several
from artistyle_tf.scene.scene import Scene, load_network, make_scene
from artistyle_tf.scene.start import read_start
from artistyle_tf.settings.config import Config

__all__ = ["Painter", "paint", "stylize"]

logger = logging.getLogger("artistyle_tf")


def paint(
    scene: Scene,
    solvers: Solvers,
    clock: Clock,
    callback: Callbacks | None = None,
    checkpoints: Checkpoints | None = None,
) -> Result:
    """Paints a scene, coarse to fine; whatever ends the run, it hands back the best picture."""
    state = first_state(scene, solvers)  # sizes, iterations, tiles and pairs of every level
    execution = Execution(
        scene.config, device_kind(solvers.strategy), watching(callback, checkpoints)
    )
    with contextlib.closing(Autosave(checkpoints)) as autosave:
        try:
            state = autosave.begin(scene, solvers, state, writes=is_chief(solvers.strategy))
            note_plans(scene, state)
            while state.ending is None:
                steps = execution.steps(state.iterations)
                before, state = state, advanced(scene, solvers, state, clock, steps)
                execution.took(before, state)
                if state.iterations > before.iterations:  # and not just a level begun or left
                    autosave.reached(state)
                    state = _told(scene, solvers, state, before, clock, callback)
                    if state.ending is None:
                        autosave.save_if_due()
        except (Exception, KeyboardInterrupt) as error:
            if state.best(scene.config) is None:
                raise
            state = broken_off(state, error)
        if state.ending and state.ending.broken_off:
            autosave.save()
    return make_result(scene, solvers, state, clock)


def _told(
    scene: Scene,
    solvers: Solvers,
    state: State,
    before: State,
    clock: Clock,
    callback: Callbacks | None,
) -> State:
    """The state after its watchers have seen it, ended if one of them asks for that."""
    if callback is None:
        return state
    reason, error = consult(callback, make_step(scene, solvers, state, before, clock))
    return state.ended(reason, error, broken_off=True) if reason else state


class Painter:
    """Paints one picture after the other with the same `Config`.

        painter = artistyle_tf.Painter(artistyle_tf.Config.preset("fast", size=384))
        for photo in photos:
            painter(photo, "painting.jpg").save(...)

    It keeps the network and what TensorFlow traced, whatever the pictures' sizes, so that all but
    the first begin at once. Threads may have a painter each, or share one: then one of them paints
    and the others wait.

    Args:
      config: the settings; by default the `artistyle` preset.

    Raises:
      ConfigError: `config` is no `Config`.
    """

    def __init__(self, config: Config | None = None):
        self.config = config or Config()
        if not isinstance(self.config, Config):
            raise ConfigError(
                f"config is {config!r}; it must be a Config, like Config.preset('fast')"
            )
        self._alone = threading.RLock()
        self._weights: Weights | None = None
        self._solvers: dict[tuple[Any, int], Solvers] = {}

    def __call__(
        self,
        content: Any,
        style: Any,
        *,
        content_masks: Sequence[Any] = (),
        style_masks: Sequence[Any] = (),
        callback: Callbacks | None = None,
        strategy: Any = None,
        checkpoints: Checkpoints | None = None,
    ) -> Result:
        """Paints the content picture in the style of another: see `stylize`."""
        with self._alone, true_float32():
            let_memory_grow()
            clock = Clock()
            inputs = read_inputs(self.config, content, several(style), content_masks, style_masks)
            start = read_start(self.config)
            if self._weights is None:
                self._weights = load_network(self.config)
            scene = make_scene(self.config, inputs, start, self._weights)
            for note in scene.notes:
                logger.warning("%s", note)
            key = strategy, len(inputs.masks.content)
            if key not in self._solvers:
                self._solvers[key] = Solvers(self.config, self._weights, *key)
            return paint(scene, self._solvers[key], clock, callback, checkpoints)


def stylize(
    content: Any,
    style: Any,
    config: Config | None = None,
    *,
    content_masks: Sequence[Any] = (),
    style_masks: Sequence[Any] = (),
    callback: Callbacks | None = None,
    strategy: Any = None,
    checkpoints: Checkpoints | None = None,
) -> Result:
    """Paints the content picture in the style of another (or several): a `Painter` used once.

    Args:
      content: path, PIL image or uint8 or uint16 array [H, W, 3] sRGB; None for task
        "texture".
      style: one such picture or a list of them, blended as `config.style_blend` says; None for task
        "reconstruct".
      config: the settings; by default the `artistyle` preset.
      content_masks: one picture for each style, white where the style is to go, grey where in
        part, black where not; of the content's shape. Where all are black the content stays.
      style_masks: likewise one for each style, of its shape: what of it counts. None: all.
      callback: called with a `Step` after every iteration, or a list of such; returning False
        ends the run. So does an exception: see below.
      strategy: a `tf.distribute.Strategy` whose replicas share the tiles of every level
        (docs/tiles.md); every worker of several runs the same call and has the same result.
      checkpoints: where to keep what a killed run needs, and whether to go on from there.

    Returns:
      The picture at the best point found, at exactly the size asked for, whatever ended the run:
      Ctrl-C (stop reason "interrupted"), an exception in a callback, memory that runs out in the
      smallest tiles, an internal error of TensorFlow. Exceptions are logged with their traceback
      and kept in `Result.error`. Remarks for the user go to the logger "artistyle_tf" as warnings,
      which network `auto` stands for as information.

    Raises:
      ConfigError: settings that can't work.
      InputError: a picture or weights file that can't be used.
      ArtistyleError: an objective that is not finite anywhere, or a picture too large for the
        memory.
      Exception: what ended the run before there was any picture.
    """
    painter = Painter(config)
    return painter(
        content,
        style,
        content_masks=content_masks,
        style_masks=style_masks,
        callback=callback,
        strategy=strategy,
        checkpoints=checkpoints,
    )
