"""What one process needs to paint shots of a clip, from the options. TensorFlow loads with the
first shot."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from artistyle_tf.engine.events import Callbacks
from artistyle_tf.engine.start import read_start
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import output_size
from artistyle_tf.video.clip import Frame, digest, read_clip
from artistyle_tf.video.engine import Motion, paint_shot
from artistyle_tf.video.flags import Options
from artistyle_tf.video.flow import flow_of
from artistyle_tf.video.guides import read_guides, with_masks
from artistyle_tf.video.passes import paint_in_passes
from artistyle_tf.video.survey import Shot
from artistyle_tf.video.work import Work

if TYPE_CHECKING:
    from artistyle_tf.video.painting import FramePainter

__all__ = ["Session"]

LONGEST = 10
"""Frames after which what came into sight is held fully, however few iterations they have."""


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
        self._guides = read_guides(
            options.content_masks, options.style_masks, self.clip, self._styles
        )
        self._start = read_start(options.config)
        assert isinstance(options.config.size, int)
        self.size = output_size(self.clip.blank(), options.config.size)
        """(height, width) of the paintings."""
        self._motion = Motion(
            options.temporal_weight,
            options.look_back,
            flow_of(options.flow),
            options.static_threshold,
            min(LONGEST, math.ceil(options.config.iterations / options.frame_iterations)),
        )
        self._made: FramePainter | None = None

    @property
    def painter(self) -> "FramePainter":
        """The network and its traces, for all shots."""
        if self._made is None:
            from artistyle_tf.video.painting import FramePainter

            config, later = self.options.config, self.options.frame_iterations
            if self.options.passes > 1:  # which no pass shall bring to an end
                config = dataclasses.replace(config, iterations=later, finer_iterations=0)
            self._made = FramePainter(config, self._styles, later, self._callback, self._guides)
            self._made.weigh(next(self.frames()))
        return self._made

    def frames(self) -> Iterator[Frame]:
        """All frames that are to be painted, with their masks; BrokenClipError as `with_masks`."""
        every = self.options.preview_every
        return itertools.islice(with_masks(self.clip, self._guides), 0, None, every)

    def paint(self, shot: Shot, work: Work) -> Iterator[Frame]:
        """Yields every frame of a shot as its painting is in the folder.

        Raises:
          KeyboardInterrupt, ArtistyleError: as `FramePainter`.
        """
        first, stop, every = shot.numbers[0], shot.numbers[-1] + 1, self.options.preview_every
        frames = with_masks(self.clip, self._guides, first, stop)
        frames = itertools.islice(frames, 0, None, every)
        if self.options.passes == 1:
            return paint_shot(frames, self.painter, work, self._motion, self.size)
        return paint_in_passes(
            frames, self.painter, work, self._motion, self.size, self.options.passes
        )

    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to resume another; plain values."""
        from artistyle_tf import __version__

        options = self.options
        settings = options.config.to_dict()
        start: Picture | None = self._start
        settings["weights"] = self.painter.network
        settings["init"] = start.digest if start else settings["init"]
        own = options._asdict()
        for name in ("content", "styles", "output", "config", "quiet", "workers", "device"):
            del own[name]
        own["content_masks"] = [digest(path) for path in options.content_masks]
        own["style_masks"] = [one.digest for one in self._guides.styles]
        return {
            "version": __version__,
            "clip": digest(options.content),
            "styles": [style.digest for style in self._styles],
            "config": settings,
            **own,
        }
