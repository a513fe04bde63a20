"""Painting from pictures to a result: `stylize`, and the `Painter` that it uses once."""

import logging
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.inputs import read_inputs, read_start
from artistyle_tf.engine.optimize import named_parts, optimize, within_memory
from artistyle_tf.engine.plan import peak_bytes
from artistyle_tf.engine.problem import Problem, Styles, load_network, make_problem
from artistyle_tf.engine.results import INTERRUPTED, Callbacks, Result
from artistyle_tf.engine.solvers import Solver, Solvers, let_memory_grow
from artistyle_tf.engine.state import Clock, Painted, RunState
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.network_scale import from_network, to_network, unclipped
from artistyle_tf.images.sizes import resample
from artistyle_tf.text import reason
from artistyle_tf.vgg.precision import true_float32
from artistyle_tf.vgg.weights import Weights

logger = logging.getLogger("artistyle_tf")


class Painter:
    """Paints any number of pictures with the same `Config`.

        painter = artistyle_tf.Painter(artistyle_tf.Config.preset("fast", size=384))
        for photo in photos:
            painter(photo, "painting.jpg").save(...)

    The network, the traced TensorFlow functions and what was computed of the latest style are kept
    for pictures of any size, so that only the first picture waits for loading and tracing. Threads
    may have a painter each or share one; calls to a shared painter run one at a time.

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
        self._styles: Styles | None = None
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
        each = callback if isinstance(callback, list | tuple) else [callback]
        if callback is not None and not all(map(callable, each)):
            raise ConfigError(
                f"callback is {callback!r}; it must be a function of a Step, or a list of functions"
            )
        with self._alone, true_float32():
            let_memory_grow()
            clock = Clock()
            inputs = read_inputs(self.config, content, style, content_masks, style_masks)
            start = read_start(self.config)
            if self._weights is None:
                self._weights = load_network(self.config)
            problem = make_problem(self.config, inputs, start, self._weights, self._styles)
            self._styles = problem.styles
            for note in problem.notes:
                logger.warning("%s", note)
            key = strategy, len(inputs.masks.content)
            if key not in self._solvers:
                self._solvers[key] = Solvers(self.config, self._weights, *key)
            solvers = self._solvers[key]
            state = optimize(problem, solvers, clock, callback, checkpoints)
            return make_result(problem, solvers, state, clock)

    def tuned(self, config: Config) -> "Painter":
        """A painter that shares this one's network and traces, whose `config` differs from this
        one's in strength, style_scale, color, seed, levels or iterations only."""
        other = Painter(config)
        other._alone, other._weights = self._alone, self._weights
        other._solvers = {key: each.tuned(config) for key, each in self._solvers.items()}
        return other


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
      content: path, PIL image, or array or tensor [H, W, 3] sRGB, uint8, uint16 or floats from 0
        to 1; None for task "texture".
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
      ConfigError: the settings are invalid, or a callback can't be called.
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


def make_result(problem: Problem, solvers: Solvers, state: RunState, clock: Clock) -> Result:
    """The best picture of a finished run with its losses, at exactly the requested size."""
    best, ending = state.best(problem.config), state.ending
    assert best is not None
    assert ending is not None
    parts, saved_parts = _losses(solvers, state, best)
    painted = finish_image(problem, best.image)
    content, error = problem.inputs.content, ending.error
    record = {
        **problem.provenance.record(),
        "convolutions": state.convolutions,
        "levels": [
            [*level.size, done] for level, done in zip(state.levels, state.done, strict=False)
        ],
        "plans": [
            {"tile": level.plan.tile, "history": level.plan.history} for level in state.levels
        ],
        "outcome": {
            "stop_reason": ending.reason,
            "iterations": state.iterations,
            "evaluations": state.evaluations,
            "objective": parts,
            "saved_objective": saved_parts,
        },
        "notes": list(problem.notes),
    }
    if state.style_weights:  # the number that followed from strength, which a rerun keeps
        record["config"]["style_weight"] = state.style_weights.beta
    return Result(
        image=from_network(painted),
        unclipped=unclipped(painted),
        alpha=content.alpha if content else None,
        trace=list(state.trace),
        stop_reason=ending.reason,
        seconds=state.trace[-1][1] if state.trace else 0.0,
        setup_seconds=clock.setup,
        objective=parts["value"],
        saved_objective=saved_parts.get("value", math.nan),
        record=record,
        error=error if isinstance(error, Exception) else None,
        content=content,
        styles=tuple(problem.inputs.styles),
        peak_memory=peak_bytes(),
        planned_memory=tuple(level.plan.estimate for level in state.levels),
    )


def _losses(
    solvers: Solvers, state: RunState, best: Painted
) -> tuple[dict[str, float], dict[str, float]]:
    """The objective's parts by name: for the best image, and for the same rounded and clipped.

    If memory runs out, the user interrupts, or the best image is of the level before the last, they
    are left out rather than the picture lost.
    """
    targets = state.targets
    if targets is None or state.previous:  # the best image is of the level before
        return {"value": best.value}, {}
    held = to_network(from_network(best.image))

    def compute(solver: Solver) -> list[dict[str, float]]:
        return [named_parts(solver.objective, one, targets) for one in (best.image, held)]

    try:
        parts, saved = within_memory(solvers, state, compute)[1]
        return parts, saved
    except KeyboardInterrupt:
        if state.ending and state.ending.reason == INTERRUPTED:
            raise  # a second Ctrl-C ends everything at once
    except Exception as error:
        logger.warning("the parts of the objective can't be computed: %s", reason(error))
    return {"value": best.value}, {}


def finish_image(problem: Problem, image: np.ndarray) -> np.ndarray:
    """An image float32 [1, h, w, 3] at the requested size, with the photo's own pixels restored."""
    height, width = problem.size
    try:
        return problem.shown(resample(image[0], problem.canvas)[None])[:, :height, :width]
    except MemoryError:
        logger.warning("memory ran out; the picture stays at the size of its level")
        return problem.shown(image)
