"""Paints single frames with one network and one trace: the first of a shot, and later ones."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import Inputs, read_start
from artistyle_tf.engine.optimize import first_style_weights, optimize
from artistyle_tf.engine.painter import finish_image
from artistyle_tf.engine.problem import Earlier, Problem, Styles, load_network, make_problem
from artistyle_tf.engine.results import INTERRUPTED, STOPPED, Callbacks
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.engine.state import Clock
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.network_scale import unclipped
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.sizes import fill_cells, output_size
from artistyle_tf.objective.targets import StyleWeights
from artistyle_tf.text import reason
from artistyle_tf.vgg.precision import true_float32
from artistyle_tf.video.clip import Frame, Guides

__all__ = ["FramePainter"]

MOVED = "frame-before.png"
"""`Config.init` of later frames: a name only, since their start is given."""


class FramePainter:
    """Paints frames of one clip, which carry their masks. Raises as `Painter` does.

    `config` is for the first frame of a shot; the others have one level with so many `iterations`,
    since they begin with a painting.
    """

    def __init__(
        self,
        config: Config,
        styles: Sequence[Picture],
        iterations: int,
        guides: Guides,
        callback: Callbacks | None = None,
    ):
        self._config, self._callback = config, callback
        self._later = dataclasses.replace(
            config, init=MOVED, init_noise=0, levels=1, iterations=iterations, finer_iterations=0
        )
        self._styles, self._start = list(styles), read_start(config)
        self._style_masks = guides.styles
        self.weights = load_network(config)
        self._style_weights: StyleWeights | None = None
        self._made: Styles | None = None
        regions = len(guides.content)
        self._solvers = Solvers(config, self.weights, regions=regions, temporal=True)

    def paint_first(self, frame: Frame) -> np.ndarray:
        """Paints the first frame of a shot: float32 [h, w, 3] sRGB in grey levels, unclipped.

        KeyboardInterrupt: stopped by Ctrl-C or the callback. ArtistyleError: the run failed.
        """
        return self._paint(self._config, frame, self._start, None)

    def paint_next(
        self, frame: Frame, start: np.ndarray, weights: np.ndarray, strength: float
    ) -> np.ndarray:
        """Paints a later frame, beginning with `start`, float32 [h, w, 3] sRGB in grey levels, and
        held to it, see `problem.Earlier`. Returns and raises as `paint_first`."""
        moved = Picture(fill_cells(start), None, MOVED, ())
        return self._paint(self._later, frame, moved, Earlier(start, weights, strength))

    def weigh(self, frame: Frame) -> None:
        """Fixes the style's weight for all frames by this one, the clip's first."""
        with true_float32():
            problem = self._problem(self._config, frame, self._start)
            self._style_weights = first_style_weights(problem, self._solvers)

    def _problem(self, config: Config, frame: Frame, start: Picture | None) -> Problem:
        assert isinstance(config.size, int)
        content = Picture(frame.rgb, None, "frame", ())
        # Not by `read_masks`: in a clip, a mask may be all black for a while.
        each = [Picture(np.stack([mask] * 3, -1), None, "mask", ()) for mask in frame.masks]
        masks = Masks(each, self._style_masks)
        inputs = Inputs(content, self._styles, masks, output_size(content, config.size))
        problem = make_problem(config, inputs, start, self.weights, self._made)
        self._made = problem.styles
        return problem

    def _paint(
        self, config: Config, frame: Frame, start: Picture | None, earlier: Earlier | None
    ) -> np.ndarray:
        with true_float32():
            problem = self._problem(config, frame, start)
            problem = dataclasses.replace(
                problem, earlier=earlier, style_weights=self._style_weights
            )
            state = optimize(problem, self._solvers, Clock(), self._callback)
            ending, best = state.ending, state.best(problem.config)
        assert ending is not None
        assert best is not None
        if ending.reason in (INTERRUPTED, STOPPED):
            raise KeyboardInterrupt
        if ending.error:
            raise ArtistyleError(reason(ending.error)) from ending.error
        return unclipped(finish_image(problem, best.image))
