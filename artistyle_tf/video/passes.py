"""Several passes over a shot, forward and backward, after Ruder, Dosovitskiy and Brox 2016.

"Artistic style transfer for videos", arXiv:1604.08610, section 5.3: what comes into sight at the
border in one direction is painted from what is known in the other.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.images.sizes import resize
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.engine import Motion, Paints, levels_of, painting_of, seen_in
from artistyle_tf.video.work import Frames, Work

__all__ = ["paint_in_passes", "paintings_left"]

BLEND = 0.5
"""δ: the share of the neighbour in what a frame begins with, where the flow is consistent."""


def paint_in_passes(
    frames: Iterable[Frame],
    painter: Paints,
    work: Work,
    motion: Motion,
    size: tuple[int, int],
    passes: int,
) -> Iterator[Frame]:
    """Yields every frame of a shot once the last pass has painted it.

    The first pass paints each frame on its own. Every other goes through the shot in the opposite
    direction of the one before; a frame begins with its own painting of that pass, blended with its
    neighbour's of this pass, moved along the flow. The second half of the passes has the temporal
    loss, too; earlier it would keep the frames from becoming alike.

    Args:
      frames: of one shot; they are held in a file in the work folder at the size of the painting.
      painter, work, motion, size: as for `engine.paint_shot`.
      passes: 2 or more.

    Raises:
      InputError: the folder can't be used.
    """
    with _Held(work.folder, size) as held:
        for frame in frames:
            held.add(frame)
        numbers = [frame.number for frame in held.frames]
        for one in range(_begun(numbers, work, passes), passes + 1):
            own, target = work.of_pass(one - 1), work if one == passes else work.of_pass(one)
            step = 1 if one % 2 else -1
            for index in range(len(numbers))[::step]:
                frame = held.frames[index]
                if not target.has(frame.number):
                    neighbour = index - step
                    painting = _painted(
                        held, index, neighbour if 0 <= neighbour < len(numbers) else None,
                        painter, own if one > 1 else None, target, motion, 2 * one > passes,
                    )  # fmt: skip
                    target.write(frame.number, levels_of(painting, held.deep))
                if one == passes:
                    yield frame
            own.remove(numbers)


def paintings_left(numbers: Sequence[int], work: Work, passes: int) -> int:
    """How many paintings of these frames are missing, in all passes; with one pass, too."""
    one = _begun(numbers, work, passes)
    frames = work if one == passes else work.of_pass(one)
    return (passes - one + 1) * len(numbers) - sum(map(frames.has, numbers))


def _begun(numbers: Sequence[int], work: Work, passes: int) -> int:
    """The pass to go on with: the last that has any of these frames. Those before it are over."""
    if any(map(work.has, numbers)):
        return passes
    begun = [one for one in range(1, passes) if any(map(work.of_pass(one).has, numbers))]
    return max(begun, default=1)


def _painted(
    held: "_Held",
    index: int,
    neighbour: int | None,
    painter: Paints,
    own: Frames | None,
    target: Frames,
    motion: Motion,
    tied: bool,
) -> np.ndarray:
    frame = held.whole(index)
    if own is None:
        return painter.first(frame)
    start = painting_of(own.read(frame.number))
    if neighbour is None:
        return painter.following(frame, start, start, np.zeros(start.shape[:2], np.float32), 0.0)
    other = held.whole(neighbour)
    there = painting_of(target.read(other.number))
    masks = zip(other.masks, frame.masks, strict=True)
    seen = seen_in(other.rgb8, there, frame.rgb8, motion, masks)
    start = start + BLEND * seen.weights[..., None] * (seen.picture - start)
    strength = motion.temporal_weight if tied else 0.0
    return painter.following(frame, start, seen.picture, seen.weights, strength)


class _Held:
    """The frames of a shot at one size, in a temporary file: a long shot may exceed the memory."""

    def __init__(self, folder: str, size: tuple[int, int]):
        self._folder, self._size = folder, size
        self.frames: list[Frame] = []
        """Without pixels and masks."""
        self.deep = False
        """Whether the frames are float32."""
        self._masks = 0
        self._file: Any = None

    def __enter__(self) -> "_Held":
        return self

    def add(self, frame: Frame) -> None:
        """InputError if it can't be written."""
        rgb = resize(frame.rgb, self._size)
        masks = [resize(mask, self._size) for mask in frame.masks]
        if not self.frames:
            self._path = os.path.join(self._folder, f"sources-{frame.number}-{os.getpid()}")
            self.deep, self._masks = rgb.dtype == np.float32, len(masks)
        try:
            if self._file is None:
                self._file = open(self._path, "w+b")  # noqa: SIM115 (closed by __exit__)
            for pixels in (rgb, *masks):
                self._file.write(pixels.tobytes())
            self._file.flush()
        except OSError as error:
            raise InputError(f"can't write {one_line(self._path)}: {reason(error)}") from error
        self.frames.append(frame._replace(rgb=rgb[:0], masks=()))

    def whole(self, index: int) -> Frame:
        """The frame with that place in the shot, with its pixels and masks."""
        height, width = self._size
        pixels = height * width
        dtype = np.dtype(np.float32 if self.deep else np.uint8)
        each = pixels * (3 * dtype.itemsize + self._masks)
        self._file.seek(index * each)
        data = self._file.read(each)
        rgb = np.frombuffer(data, dtype, 3 * pixels).reshape(height, width, 3)
        masks = np.frombuffer(data, np.uint8, self._masks * pixels, 3 * pixels * dtype.itemsize)
        return self.frames[index]._replace(
            rgb=rgb, masks=tuple(masks.reshape(self._masks, height, width))
        )

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is left to write, on a full disk
                self._file.close()
            with contextlib.suppress(OSError):
                os.remove(self._path)
