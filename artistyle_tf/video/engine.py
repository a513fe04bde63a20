"""A shot from its first frame to its last: each begins with the one before, moved by the flow."""

import collections
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from artistyle_tf.pictures.sizes import resize
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.consistency import consistency, long_term, merged
from artistyle_tf.video.flow import Flow, dense_flow
from artistyle_tf.video.light import relit
from artistyle_tf.video.still import Still, mixed
from artistyle_tf.video.warp import kept_sharp, warped
from artistyle_tf.video.work import Frames

__all__ = ["Motion", "Paints", "levels_of", "paint_shot", "painting_of", "seen_in"]

ANOTHER_MASK = 127
"""Levels by which a mask may differ from itself moved along the flow: half, at a hard border."""


class Motion(NamedTuple):
    """How frames are held together."""

    temporal_weight: float
    """λ of the temporal loss."""
    look_back: Sequence[int] = (1,)
    """Distances in frames of the earlier ones in that loss, ascending from 1."""
    flow: Flow = dense_flow
    static: float = 0.0
    """The threshold of `still.Still`."""


class Paints(Protocol):
    """What `painting.FramePainter` does."""

    def first(self, frame: Frame) -> np.ndarray: ...

    def following(
        self,
        frame: Frame,
        start: np.ndarray,
        picture: np.ndarray,
        weights: np.ndarray,
        strength: float,
    ) -> np.ndarray: ...


class _Done(NamedTuple):
    number: int
    """Of the frame; its painting stays in the work folder, as there may be many."""
    rgb: np.ndarray
    """uint8 [h, w, 3], the frame at the size of the painting."""
    masks: Sequence[np.ndarray]
    """uint8 [h, w] each, those of the frame at that size."""


def paint_shot(
    frames: Iterator[Frame], painter: Paints, work: Frames, motion: Motion, size: tuple[int, int]
) -> Iterator[Frame]:
    """Yields every frame of a shot once its painting is in the work folder.

    Paintings that are there already are kept, and the others come out as if all were new.

    Args:
      frames: those to paint, in order.
      painter: paints one of them.
      work: where the paintings go.
      motion: how they are held together.
      size: (height, width) of the paintings.

    Raises:
      InputError: the folder can't be used.
    """
    furthest = max(motion.look_back)
    past: collections.deque[_Done] = collections.deque(maxlen=furthest)
    still = Still(motion.static)
    for missing, frame in _with_missing(frames, work, furthest):
        now = resize(frame.rgb8, size)
        masks = [resize(mask, size) for mask in frame.masks]
        kept = still.kept(np.dstack([now, *masks]))
        if missing > furthest:
            yield frame  # no painting that is missing depends on it
            continue
        if not work.has(frame.number):
            if past:
                painting = _following(frame, now, masks, past, painter, work, motion)
                painting = mixed(painting, painting_of(work.read(past[-1].number)), kept)
            else:
                painting = painter.first(frame)
            work.write(frame.number, levels_of(painting, frame.rgb.dtype == np.float32))
        past.append(_Done(frame.number, now, masks))
        yield frame


def levels_of(painting: np.ndarray, deep: bool) -> np.ndarray:
    """float32 [H, W, 3] in grey levels as uint8, or uint16 of 0 to 65535, rounded and clipped."""
    if deep:
        return np.clip(np.rint(painting * 257), 0, 65535).astype(np.uint16)
    return np.clip(np.rint(painting), 0, 255).astype(np.uint8)


def painting_of(levels: np.ndarray) -> np.ndarray:
    """The reverse of `levels_of`."""
    scale = 1 if levels.dtype == np.uint8 else 1 / 257
    return levels.astype(np.float32) * np.float32(scale)


def seen_in(
    rgb: np.ndarray,
    painting: np.ndarray,
    now: np.ndarray,
    motion: Motion,
    masks: Iterable[tuple[np.ndarray, np.ndarray]] = (),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What another frame of the shot says of this one.

    Args:
      rgb: uint8 [h, w, 3] sRGB, the other frame.
      painting: float32 [h, w, 3], its painting.
      now: uint8 [h, w, 3], this frame.
      motion: its flow is used.
      masks: each as it is in the other frame, and in this one; uint8 [h, w].

    Returns:
      The painting moved to where its things are now, float32 [h, w, 3]; where that is consistent
      and in the same masks, float32 [h, w], 0 or 1; and what the painting changed of the other
      frame, moved likewise.
    """
    backward, forward = motion.flow(now, rgb), motion.flow(rgb, now)
    weights = consistency(backward, forward)
    moved = kept_sharp(painting, backward)
    before = kept_sharp(rgb.astype(np.float32), backward)
    picture = relit(moved, before, now, weights)
    for there, here in masks:
        other = np.abs(warped(there.astype(np.float32), backward) - here) > ANOTHER_MASK
        weights = np.where(other, np.float32(0), weights)
    return picture, weights, moved - before


def _following(
    frame: Frame,
    now: np.ndarray,
    masks: Sequence[np.ndarray],
    past: Sequence[_Done],
    painter: Paints,
    work: Frames,
    motion: Motion,
) -> np.ndarray:
    seen = []
    for one in (past[-back] for back in motion.look_back if back <= len(past)):
        painting, pairs = painting_of(work.read(one.number)), zip(one.masks, masks, strict=True)
        seen.append(seen_in(one.rgb, painting, now, motion, pairs))
    moved, found, changes = zip(*seen, strict=True)
    picture, total = merged(moved, long_term(found))
    # A place that no earlier frame shows begins as the frame, changed as the painting changed its
    # surroundings. A painting continued beyond its border keeps its streaks for long.
    fresh = np.clip(now + changes[0], 0, 255).astype(np.float32)
    start = np.where(total[..., None] > 0, picture, fresh)
    return painter.following(frame, start, picture, total, motion.temporal_weight)


def _with_missing(frames: Iterator[Frame], work: Frames, ahead: int) -> Iterator[tuple[int, Frame]]:
    """(frames to the next one that is to be painted, or more than `ahead`; frame)."""
    window: collections.deque[Frame] = collections.deque()
    while True:
        if not window:
            window.extend(itertools.islice(frames, 1))
        if not window:
            return
        if work.has(window[0].number):  # only then, since frames may be large
            window.extend(itertools.islice(frames, ahead + 1 - len(window)))
        near = [i for i, one in enumerate(window) if not work.has(one.number)]
        yield (near[0] if near else ahead + 1), window.popleft()
