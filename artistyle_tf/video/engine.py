"""A clip from its first frame to its last: each begins with the one before, moved by the flow."""

import collections
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from artistyle_tf.pictures.sizes import resize
from artistyle_tf.video.clip import BrokenClipError, Frame
from artistyle_tf.video.consistency import consistency, long_term, merged
from artistyle_tf.video.cuts import is_cut
from artistyle_tf.video.flow import Quality, dense_flow
from artistyle_tf.video.warp import warped
from artistyle_tf.video.work import Work

__all__ = ["Motion", "Paints", "levels_of", "paint_frames"]

logger = logging.getLogger("artistyle_tf")


class Motion(NamedTuple):
    """How frames follow each other."""

    temporal_weight: float
    """λ of what holds a frame to those before."""
    look_back: Sequence[int] = (1,)
    """Frames back to those that it is held to, ascending from 1, as far as the shot goes."""
    flow: Quality = "medium"


class Paints(Protocol):
    """What `painting.FramePainter` does."""

    def first(self, rgb: np.ndarray) -> np.ndarray: ...

    def following(
        self,
        rgb: np.ndarray,
        start: np.ndarray,
        picture: np.ndarray,
        weights: np.ndarray,
        strength: float,
    ) -> np.ndarray: ...


class _Done(NamedTuple):
    rgb: np.ndarray
    """uint8 [h, w, 3], the frame at the size of the painting."""
    painting: np.ndarray
    """float32 [h, w, 3] sRGB in grey levels, as it is kept."""


def paint_frames(
    frames: Iterator[Frame],
    painter: Paints,
    work: Work,
    motion: Motion,
    size: tuple[int, int],
) -> Iterator[Frame]:
    """Yields every frame once its painting is in the work folder.

    What is there already is not painted again, and what follows is then what it would have been.

    Args:
      frames: those to paint, in their order.
      painter: what paints one of them.
      work: where the paintings go.
      motion: how they are held together.
      size: (height, width) of the paintings.

    Raises:
      BrokenClipError: of `frames`, after all that came before.
      InputError: the folder can't be used.
    """
    furthest = max(motion.look_back)
    past: collections.deque[_Done] = collections.deque(maxlen=furthest)
    for missing, frame in _with_missing(frames, work, furthest):
        if missing > furthest:
            yield frame  # so long before the first to be painted that none is held to it
            continue
        now = resize(frame.rgb8, size)
        flows = _flows(past, now, motion)
        if flows and is_cut(past[-1].rgb, now, flows[0][1]):
            logger.info("a new shot begins with frame %d", frame.number + 1)
            past.clear()
            flows = []
        if not work.has(frame.number):
            if flows:
                moved = [
                    warped(past[-back].painting, backward)
                    for back, (backward, _) in zip(motion.look_back, flows, strict=False)
                ]
                weights = long_term([weight for _, weight in flows])
                picture, total = merged(moved, weights)
                start = _started(picture, total, now, past[-1], flows[0][0])
                painting = painter.following(
                    frame.rgb, start, picture, total, motion.temporal_weight
                )
            else:
                painting = painter.first(frame.rgb)
            work.write(frame.number, levels_of(painting, frame.rgb.dtype == np.float32))
        kept = work.read(frame.number)
        scale = 1 if kept.dtype == np.uint8 else 1 / 257
        past.append(_Done(now, kept.astype(np.float32) * np.float32(scale)))
        yield frame


def levels_of(painting: np.ndarray, deep: bool) -> np.ndarray:
    """float32 [H, W, 3] in grey levels as uint8, or uint16 of 0 to 65535, rounded and clipped."""
    if deep:
        return np.clip(np.rint(painting * 257), 0, 65535).astype(np.uint16)
    return np.clip(np.rint(painting), 0, 255).astype(np.uint8)


def _with_missing(frames: Iterator[Frame], work: Work, ahead: int) -> Iterator[tuple[int, Frame]]:
    """(frames to the next one that is to be painted, or more than `ahead`; frame)."""
    window: collections.deque[Frame] = collections.deque()
    ending: BrokenClipError | None = None
    while True:
        try:
            window.extend(itertools.islice(frames, ahead + 1 - len(window)))
        except BrokenClipError as error:  # those before it first
            ending, frames = error, iter(())
        if not window:
            if ending:
                raise ending
            return
        near = [i for i, one in enumerate(window) if not work.has(one.number)]
        yield (near[0] if near else ahead + 1), window.popleft()


def _started(
    picture: np.ndarray, known: np.ndarray, now: np.ndarray, before: _Done, backward: np.ndarray
) -> np.ndarray:
    """float32 [h, w, 3]: what a frame begins with.

    Where no earlier frame shows a place, it is the frame itself and what was done to the one before
    nearby: a painting drawn out beyond its border keeps its streaks for many iterations.
    """
    change = warped(before.painting - before.rgb, backward)
    fresh = np.clip(now + change, 0, 255).astype(np.float32)
    return np.where(known[..., None] > 0, picture, fresh)


def _flows(
    past: Sequence[_Done], now: np.ndarray, motion: Motion
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(flow from now back, its consistency) for each of the frames before, the nearest first."""
    found = []
    for back in motion.look_back:
        if back <= len(past):
            before = past[-back].rgb
            backward = dense_flow(now, before, motion.flow)
            forward = dense_flow(before, now, motion.flow)
            found.append((backward, consistency(backward, forward)))
    return found
