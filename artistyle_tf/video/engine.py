"""A shot from its first frame to its last: each begins with the one before, moved by the flow."""

import collections
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from artistyle_tf.images.sizes import resize
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.consistency import consistency, long_term, merged
from artistyle_tf.video.flow import Flow, dense_flow
from artistyle_tf.video.light import relit
from artistyle_tf.video.still import Still, mixed
from artistyle_tf.video.warp import warped
from artistyle_tf.video.work import Frames

__all__ = ["Motion", "Paints", "Seen", "levels_of", "paint_shot", "painting_of", "seen_in"]

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
    ripe: int = 1
    """How often a place is painted before it is held fully: so often that it has had as many
    iterations as the first frame. Held at once, what came into sight would stay half painted."""


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
    age: np.ndarray
    """float32 [h, w], how often each place was painted since it came into sight, up to `ripe`."""


class Seen(NamedTuple):
    """What one other frame of the shot says of a frame."""

    picture: np.ndarray
    """float32 [h, w, 3], its painting, moved to where its things are now."""
    weights: np.ndarray
    """float32 [h, w], 0 or 1: where that is consistent and in the same masks."""
    change: np.ndarray
    """float32 [h, w, 3], what the painting changed of that frame, moved likewise."""
    flow: np.ndarray
    """float32 [h, w, 2], back to that frame."""


class _Known(NamedTuple):
    """What the earlier frames say of a frame."""

    picture: np.ndarray
    """float32 [h, w, 3], their paintings, moved."""
    weights: np.ndarray
    """float32 [h, w], 0 to 1, where they show what it shows."""
    fresh: np.ndarray
    """float32 [h, w, 3], how a place that none of them shows begins."""
    age: np.ndarray
    """As in `_Done`, before this frame is painted."""


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
    # Ages, which are at most `ripe`, depend on no more frames than that.
    furthest = max(*motion.look_back, motion.ripe)
    past: collections.deque[_Done] = collections.deque(maxlen=furthest)
    still = Still(motion.static)
    for missing, frame in _with_missing(frames, work, furthest):
        now = resize(frame.rgb8, size)
        masks = [resize(mask, size) for mask in frame.masks]
        kept = still.kept(np.dstack([now, *masks]))
        if missing > furthest:
            yield frame  # no painting that is missing depends on it
            continue
        known = _known(now, masks, past, work, motion) if past and missing < motion.ripe else None
        if not work.has(frame.number):
            if known is None:
                painting = painter.first(frame)
            else:
                painting = _following(frame, known, painter, motion)
                painting = mixed(painting, painting_of(work.read(past[-1].number)), kept)
            work.write(frame.number, levels_of(painting, frame.rgb.dtype == np.float32))
        if known is None:
            age = np.full(size, motion.ripe, np.float32)
        else:
            age = np.minimum(known.age + 1, np.float32(motion.ripe))
        past.append(_Done(frame.number, now, masks, age))
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
) -> Seen:
    """What another frame of the shot says of this one.

    Args:
      rgb: uint8 [h, w, 3] sRGB, the other frame.
      painting: float32 [h, w, 3], its painting.
      now: uint8 [h, w, 3], this frame.
      motion: its flow is used.
      masks: each as it is in the other frame, and in this one; uint8 [h, w].
    """
    backward, forward = motion.flow(now, rgb), motion.flow(rgb, now)
    weights = consistency(backward, forward)
    moved = warped(painting, backward, "lanczos4")
    before = warped(rgb.astype(np.float32), backward, "lanczos4")
    picture = relit(moved, before, now, weights)
    for there, here in masks:
        other = np.abs(warped(there.astype(np.float32), backward) - here) > ANOTHER_MASK
        weights = np.where(other, np.float32(0), weights)
    return Seen(picture, weights, moved - before, backward)


def _known(
    now: np.ndarray,
    masks: Sequence[np.ndarray],
    past: Sequence[_Done],
    work: Frames,
    motion: Motion,
) -> _Known:
    seen = []
    for one in (past[-back] for back in motion.look_back if back <= len(past)):
        painting, pairs = painting_of(work.read(one.number)), zip(one.masks, masks, strict=True)
        seen.append(seen_in(one.rgb, painting, now, motion, pairs))
    picture, weights = merged(
        [one.picture for one in seen], long_term([one.weights for one in seen])
    )
    near = seen[0]
    # A place that no earlier frame shows begins as the frame, changed as the painting changed its
    # surroundings. A painting continued beyond its border keeps its streaks for long.
    fresh = np.clip(now + near.change, 0, 255).astype(np.float32)
    # What only frames farther back show had its time then.
    age = np.where(near.weights > 0, warped(past[-1].age, near.flow, "nearest"), motion.ripe)
    return _Known(picture, weights, fresh, np.where(weights > 0, age, 0).astype(np.float32))


def _following(frame: Frame, known: _Known, painter: Paints, motion: Motion) -> np.ndarray:
    start = np.where(known.weights[..., None] > 0, known.picture, known.fresh)
    weights = known.weights * np.square(known.age / motion.ripe)
    return painter.following(frame, start, known.picture, weights, motion.temporal_weight)


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
