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
from artistyle_tf.optimizers.base import MOST_STEPS
from artistyle_tf.text import reason
from artistyle_tf.vgg.precision import true_float32
from artistyle_tf.video.reader import Frame, Guides

MOVED = "frame-before.png"
"""`Config.init` of later frames: a name only, since their start is given."""

MARGIN = 24  # px around what is new that are computed with it.
LOOSELY = 0.04
"""Part of the temporal weight that holds what is around new places, and is not kept: full weight
would slow down the search and leave a seam."""


class FramePainter:
    """Paints frames of one video, which carry their masks. Raises as `Painter` does.

    `config` is for first frames and for what comes into sight; whole later frames have one level
    with so many `iterations`, since they begin nearly finished.
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
        more = max(iterations, config.iterations // 4)
        self._ahead = dataclasses.replace(self._later, iterations=more)
        self._styles, self._start = list(styles), read_start(config)
        self._style_masks = guides.styles
        self.weights = load_network(config)
        self._style_weights: StyleWeights | None = None
        shares = tuple(2 * config.shares(len(styles)))
        self._new = dataclasses.replace(config, init=MOVED, init_noise=0, style_blend=shares)
        self._made: dict[int, Styles] = {}  # By the number of regions.
        self._solvers = self._make_solvers(config, len(guides.content))
        # What is new is a region of its own beside the rest: see `paint_new`.
        self._new_solvers = self._make_solvers(self._new, len(shares))

    def _make_solvers(self, config: Config, regions: int) -> Solvers:
        if config.steps_per_execution == "auto":  # As many as take a second, on CPUs too.
            config = dataclasses.replace(config, steps_per_execution=MOST_STEPS)
        return Solvers(config, self.weights, regions=regions, temporal=True)

    def paint_first(self, frame: Frame) -> np.ndarray:
        """Paints the first frame of a shot: float32 [h, w, 3] sRGB in grey levels, unclipped.

        KeyboardInterrupt: stopped by Ctrl-C or the callback. ArtistyleError: the run failed.
        """
        problem = self._problem(self._config, frame, self._start)
        return self._paint(problem, self._solvers, None, self._style_weights)

    def paint_next(
        self,
        frame: Frame,
        start: np.ndarray,
        weights: np.ndarray,
        strength: float,
        *,
        ahead: bool = False,
    ) -> np.ndarray:
        """Paints a later frame, which begins with `start`, float32 [h, w, 3] sRGB in grey levels,
        and is held to it, see `problem.Earlier`. One that is painted `ahead` of others gets more
        iterations: it moved far, which blurs. Returns and raises as `paint_first`."""
        moved = Picture(fill_cells(start), None, MOVED, ())
        problem = self._problem(self._ahead if ahead else self._later, frame, moved)
        earlier = Earlier(start, weights, strength)
        return self._paint(problem, self._solvers, earlier, self._style_weights)

    def paint_new(
        self,
        frame: Frame,
        start: np.ndarray,
        weights: np.ndarray,
        strength: float,
        new: np.ndarray,
    ) -> np.ndarray:
        """Paints what is new in a frame of the result's size, where `new`, float32 [h, w], is 1.

        New places have the whole style as their target, each by itself. Else, since the style is
        compared in sums over the frame, they would make up for what the others lack. Only a part
        of the frame around them is computed, unless the styles' colours are to follow the frame's.
        Otherwise as `paint_next`.
        """
        inside = _window(new) if self._new.color == "style" else np.s_[:, :]
        rgb, *masks = (one[inside] for one in (frame.rgb, *frame.masks))
        masks = masks or [np.full(rgb.shape[:2], 255, np.uint8)] * len(self._styles)
        parts = ((mask * part) for part in (new[inside], 1 - new[inside]) for mask in masks)
        part = frame._replace(rgb=rgb, masks=tuple(np.rint(one).astype(np.uint8) for one in parts))
        longer = max(rgb.shape)
        scale = self._new.style_scale * max(frame.rgb.shape) / longer
        config = dataclasses.replace(self._new, size=longer, style_scale=scale)
        moved = Picture(fill_cells(start[inside]), None, MOVED, ())
        problem = self._problem(config, part, moved)
        earlier = Earlier(start[inside], weights[inside], LOOSELY * strength)
        painting = start.copy()
        painting[inside] = self._paint(problem, self._new_solvers, earlier)
        return start + (painting - start) * new[..., None]

    def weigh(self, frame: Frame) -> None:
        """Fixes the style's weight for all frames by this one, the video's first."""
        masks = tuple(mask if mask.any() else mask + np.uint8(255) for mask in frame.masks)
        with true_float32():
            problem = self._problem(self._config, frame._replace(masks=masks), self._start)
            self._style_weights = first_style_weights(problem, self._solvers)
        if self._style_weights:
            beta = self._style_weights.beta
            config = dataclasses.replace(self._new, strength=None, style_weight=beta)
            self._new_solvers = self._make_solvers(config, len(self._new.style_blend))

    def _problem(self, config: Config, frame: Frame, start: Picture | None) -> Problem:
        assert isinstance(config.size, int)
        content = Picture(frame.rgb, None, "frame", ())
        # Not by `read_masks`: in a video, a mask may be all black for a while.
        each = [Picture(np.stack([mask] * 3, -1), None, "mask", ()) for mask in frame.masks]
        regions, times = len(each), max(1, len(each) // len(self._styles))
        masks = Masks(each, times * list(self._style_masks))
        inputs = Inputs(content, times * self._styles, masks, output_size(content, config.size))
        problem = make_problem(config, inputs, start, self.weights, self._made.get(regions))
        self._made[regions] = problem.styles
        return problem

    def _paint(
        self,
        problem: Problem,
        solvers: Solvers,
        earlier: Earlier | None,
        style_weights: StyleWeights | None = None,
    ) -> np.ndarray:
        problem = dataclasses.replace(problem, earlier=earlier, style_weights=style_weights)
        with true_float32():
            state = optimize(problem, solvers, Clock(), self._callback)
        ending, best = state.ending, state.best(problem.config)
        assert ending is not None
        assert best is not None
        if ending.reason in (INTERRUPTED, STOPPED):
            raise KeyboardInterrupt
        if ending.error:
            raise ArtistyleError(reason(ending.error)) from ending.error
        return unclipped(finish_image(problem, best.image))


def _window(new: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns around what is new, float32 [h, w], with a margin on every side."""
    rows, columns = (np.flatnonzero(new.any(axis)).tolist() for axis in (1, 0))
    return (
        slice(max(0, rows[0] - MARGIN), rows[-1] + 1 + MARGIN),
        slice(max(0, columns[0] - MARGIN), columns[-1] + 1 + MARGIN),
    )
