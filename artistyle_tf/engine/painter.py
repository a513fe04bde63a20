"""Painting, to be read from top to bottom: `paint` is a whole run, from scene to result."""

import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Any

from artistyle_tf.config.config import Config
from artistyle_tf.engine.autosave import Autosave
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.clock import Clock
from artistyle_tf.engine.events import Callbacks, consult
from artistyle_tf.engine.execution import Execution, watching
from artistyle_tf.engine.finish import make_result
from artistyle_tf.engine.gpus import let_memory_grow
from artistyle_tf.engine.inputs import read_inputs, several
from artistyle_tf.engine.planning import first_state, note_plans
from artistyle_tf.engine.recovery import broken_off
from artistyle_tf.engine.result import Result
from artistyle_tf.engine.scene import Scene, load_network, make_scene
from artistyle_tf.engine.search import advanced
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.engine.start import read_start
from artistyle_tf.engine.state import State
from artistyle_tf.engine.steps import make_step
from artistyle_tf.engine.workers import is_chief
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.place import device_kind
from artistyle_tf.vgg.precision import true_float32
from artistyle_tf.vgg.weights import Weights

__all__ = ["Painter", "paint", "stylize"]

logger = logging.getLogger("artistyle_tf")


def paint(
    scene: Scene,
    solvers: Solvers,
    clock: Clock,
    callback: Callbacks | None = None,
    checkpoints: Checkpoints | None = None,
) -> Result:
    """Paints a scene, coarse to fine; returns the best picture, however the run ends."""
    state = first_state(scene, solvers)  # sizes, iterations, tiles and history of every level
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
                if state.iterations > before.iterations:  # an iteration, not just a change of level
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
    """Passes the state to the callbacks, and returns it, ended if one of them asks for that."""
    if callback is None:
        return state
    reason, error = consult(callback, make_step(scene, solvers, state, before, clock))
    return state.ended(reason, error, broken_off=True) if reason else state


class Painter:
    """Paints any number of pictures with the same `Config`.

        painter = artistyle_tf.Painter(artistyle_tf.Config.preset("fast", size=384))
        for photo in photos:
            painter(photo, "painting.jpg").save(...)

    The network and the traced TensorFlow functions are kept for pictures of any size, so that only
    the first picture waits for loading and tracing. Threads may have a painter each or share one;
    calls to a shared painter run one at a time.

    Args:
      config: the settings; by default the `artistyle` preset.

    Raises:
      ConfigError: `config` is not a `Config`.
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
        """Paints the content picture in the style of another, like `stylize`."""
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
    """Paints the content picture in the style of one or more others, with a `Painter` used once.

    Args:
      content: path, PIL image or uint8 or uint16 array [H, W, 3] sRGB; None for task
        "texture".
      style: one such picture, or a list of them, blended in the proportions `config.style_blend`;
        None for task "reconstruct".
      config: the settings; by default the `artistyle` preset.
      content_masks: one picture per style, with the content's aspect ratio: white where that style
        applies, black where not, grey for in between. Where all are black, the content is kept.
      style_masks: one per style, with that style's aspect ratio: the part of it to use. None: all.
      callback: called with a `Step` after every iteration, or a list of such callables. If one
        returns False or raises an exception, the run ends; see below.
      strategy: a `tf.distribute.Strategy` whose replicas share the tiles of every level
        (docs/tiles.md). With several workers, each makes the same call and gets the same result.
      checkpoints: where to save the run's state, and whether to resume from there.

    Returns:
      The picture at the best point found, at exactly the requested size, even if the run ended
      early: by Ctrl-C (stop reason "interrupted"), an exception in a callback, memory exhausted
      even with the smallest tiles, or an internal error of TensorFlow. Exceptions are logged with a
      traceback and kept in `Result.error`. Messages for the user go to the logger "artistyle_tf" as
      warnings; the network chosen for `auto` is logged as information.

    Raises:
      ConfigError: the settings are invalid.
      InputError: a picture or weights file can't be used.
      ArtistyleError: the objective is never finite, or the picture is too large for
        the memory.
      Exception: whatever ended the run before there was a picture.
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
