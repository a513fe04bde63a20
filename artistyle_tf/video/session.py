"""What one process needs to paint the shots of a clip. TensorFlow loads with the first shot."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from artistyle_tf.engine.events import Callbacks
from artistyle_tf.engine.inputs import read_start
from artistyle_tf.engine.provenance import Provenance, kinds_of
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import output_size
from artistyle_tf.video.clip import Frame, digest, frames_with_masks, read_clip, read_guides
from artistyle_tf.video.flags import Options
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.shots import ShotPainter, Temporal

if TYPE_CHECKING:
    from artistyle_tf.video.painting import FramePainter

__all__ = ["Session"]

LONGEST_WARM_UP = 10
"""How often, at most, a pixel is painted before it is held fully, however few iterations it has."""


class Session:
    """A clip with its styles and masks, and what paints its shots.

    Args:
      options: what was asked for.
      callback: as for `stylize`, for every frame.

    Raises:
      ConfigError, InputError: a file can't be used; TensorFlow isn't loaded to know.
    """

    def __init__(self, options: Options, callback: Callbacks | None = None):
        self.options, self._callback = options, callback
        self.clip = read_clip(options.content)
        self._styles = [read(path) for path in options.styles]
        masks = options.content_masks, options.style_masks
        self._guides = read_guides(*masks, self.clip, self._styles)
        self._start = read_start(options.config)
        assert isinstance(options.config.size, int)
        self.size = output_size(self.clip.blank(), options.config.size)
        """(height, width) of the paintings."""
        warm_up = math.ceil(options.config.iterations / options.frame_iterations)
        self._temporal = Temporal(
            options.temporal_weight,
            options.look_back,
            options.flow,
            options.static_threshold,
            min(LONGEST_WARM_UP, warm_up),
        )
        self._painter: FramePainter | None = None

    @property
    def painter(self) -> "FramePainter":
        """The network and its traces, for all shots."""
        if self._painter is None:
            from artistyle_tf.video.painting import FramePainter

            config, later = self.options.config, self.options.frame_iterations
            if self.options.passes > 1:  # which no pass shall bring to an end
                config = dataclasses.replace(config, iterations=later, finer_iterations=0)
            given = config, self._styles, later, self._guides, self._callback
            self._painter = FramePainter(*given)
            self._painter.weigh(next(self.frames()))
        return self._painter

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The frames that are to be painted, with their masks, see `Clip.frames`; of these numbers,
        beginning with the first of them."""
        frames = frames_with_masks(self.clip, self._guides, first, stop)
        return itertools.islice(frames, 0, None, self.options.preview_every)

    def paint(self, numbers: Sequence[int], store: FrameStore) -> None:
        """Paints the frames of a shot into the store, but for those that are there.

        Raises:
          KeyboardInterrupt, ArtistyleError: as `FramePainter`.
        """
        frames = self.frames(numbers[0], numbers[-1] + 1)
        shots = ShotPainter(self.painter, store, self._temporal, self.size)
        if self.options.passes == 1:
            shots.paint(frames, numbers)
        else:
            shots.paint_in_passes(frames, numbers, self.options.passes)

    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to resume another; plain values."""
        options, masks = self.options, Masks((), self._guides.styles)
        pictures = kinds_of(None, self._styles, self._start, masks)
        own = options._asdict()
        for name in ("styles", "style_masks", "output", "config", "quiet", "workers", "device"):
            del own[name]
        return {
            **Provenance.of(options.config, pictures, self.painter.weights).identity(),
            **own,
            "content": digest(options.content),
            "content_masks": [digest(path) for path in options.content_masks],
        }
