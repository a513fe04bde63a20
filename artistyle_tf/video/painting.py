"""Frames painted with one network and one trace: the first of a shot, and those that follow it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.network.precision import true_float32
from artistyle_tf.pictures.picture import Picture
from artistyle_tf.pictures.sizes import fill_cells
from artistyle_tf.run.clock import Clock
from artistyle_tf.run.events import Callbacks
from artistyle_tf.run.gpus import let_memory_grow
from artistyle_tf.run.painter import paint
from artistyle_tf.run.result import INTERRUPTED
from artistyle_tf.run.solvers import Solvers
from artistyle_tf.scene.inputs import read_inputs
from artistyle_tf.scene.scene import Earlier, load_network, make_scene
from artistyle_tf.scene.start import read_start
from artistyle_tf.settings.config import Config
from artistyle_tf.text import reason

__all__ = ["FramePainter"]

MOVED = "frame-before.png"
"""`Config.init` of frames that follow another: never opened, since a start is given."""


class FramePainter:
    """Paints the frames of a clip, all of one size.

    Args:
      config: the settings of a shot's first frame; of task "stylize".
      styles: the paintings.
      iterations: of every frame that follows another. It has one level, since it begins with a
        painting.
      callback: as of `stylize`.

    Raises:
      ConfigError, InputError: as a `Painter`.
    """

    def __init__(
        self,
        config: Config,
        styles: Sequence[Picture],
        iterations: int,
        callback: Callbacks | None = None,
    ):
        let_memory_grow()
        self._config, self._callback = config, callback
        self._later = dataclasses.replace(
            config, init=MOVED, init_noise=0, levels=1, iterations=iterations, finer_iterations=0
        )
        self._styles, self._start = list(styles), read_start(config)
        self._weights = load_network(config)
        self._solvers = Solvers(config, self._weights, temporal=True)

    @property
    def network(self) -> str:
        """The digest of its filters."""
        return self._weights.digest

    def first(self, rgb: np.ndarray) -> np.ndarray:
        """The painting of a frame that begins a shot.

        Args:
          rgb: [H, W, 3] sRGB, uint8 or float32.

        Returns:
          float32 [h, w, 3] sRGB in grey levels, unclipped.

        Raises:
          KeyboardInterrupt: it came before the frame was finished.
          ArtistyleError: something else did.
        """
        return self._painted(self._config, rgb, self._start, None)

    def following(
        self,
        rgb: np.ndarray,
        start: np.ndarray,
        picture: np.ndarray,
        weights: np.ndarray,
        strength: float,
    ) -> np.ndarray:
        """Likewise that of a frame that shows what another did.

        Args:
          rgb: as for `first`.
          start: float32 [h, w, 3] sRGB in grey levels, of the size of the painting.
          picture, weights, strength: what the painting shall resemble, see `scene.Earlier`.
        """
        moved = Picture(fill_cells(start), None, MOVED, ())
        return self._painted(self._later, rgb, moved, Earlier(picture, weights, strength))

    def _painted(
        self,
        config: Config,
        rgb: np.ndarray,
        start: Picture | None,
        earlier: Earlier | None,
    ) -> np.ndarray:
        with true_float32():
            inputs = read_inputs(self._config, rgb, [one.rgb for one in self._styles])
            scene = make_scene(config, inputs, start, self._weights)
            scene = dataclasses.replace(scene, earlier=earlier)
            result = paint(scene, self._solvers, Clock(), self._callback)
        if result.stop_reason == INTERRUPTED:
            raise KeyboardInterrupt
        if result.error:
            raise ArtistyleError(reason(result.error)) from result.error
        return result.unclipped
