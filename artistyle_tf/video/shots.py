"""Paints the frames of a shot one after another, after Ruder, Dosovitskiy and Brox 2016.

"Artistic style transfer for videos", arXiv:1604.08610: each frame begins with the painting of the
one before, moved along the optical flow, and is held to it where the flow is consistent.
"""

import collections
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from artistyle_tf.images.sizes import resize
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.frame_store import FrameStore, to_float32, to_levels
from artistyle_tf.video.motion import StaticRegions, consistency, dense_flow, relight, warp

if TYPE_CHECKING:
    from artistyle_tf.video.painting import FramePainter

__all__ = ["Temporal", "paint_shot"]

ANOTHER_MASK = 127  # Levels by which a mask may differ from the one moved along the flow.


class Temporal(NamedTuple):
    """How frames are held together."""

    weight: float  # λ of the temporal loss.
    look_back: Sequence[int] = (1,)  # Distances in frames to the earlier ones, ascending from 1.
    static_threshold: float = 0.0  # See `StaticRegions`.
    warm_up: int = 1
    """How often a pixel is painted before it is held fully: until it had as many iterations as a
    first frame. Held at once, what came into sight would stay half painted."""


class _Painted(NamedTuple):
    """A frame whose painting is in the store."""

    number: int
    rgb: np.ndarray  # uint8 [h, w, 3], the frame at the painting's size.
    masks: Sequence[np.ndarray]  # uint8 [h, w] each, likewise.
    age: np.ndarray
    """float32 [h, w]: how often each pixel was painted since it came into sight, at most
    `warm_up`."""


class _Carried(NamedTuple):
    """Another frame's painting, moved along the flow to this one."""

    painting: np.ndarray  # float32 [h, w, 3], relit for this frame.
    weights: np.ndarray  # float32 [h, w], 0 or 1: where flow and masks agree.
    change: np.ndarray  # float32 [h, w, 3]: moved painting minus moved frame.
    flow: np.ndarray  # float32 [h, w, 2], from this frame to the other.


class _Recalled(NamedTuple):
    """What earlier frames contribute to a frame."""

    start: np.ndarray  # float32 [h, w, 3], where optimisation starts.
    weights: np.ndarray  # float32 [h, w], 0 or 1: where that is an earlier painting.
    age: np.ndarray  # As in `_Painted`, before this frame is painted.


def paint_shot(
    painter: "FramePainter",
    store: FrameStore,
    temporal: Temporal,
    size: tuple[int, int],
    frames: Iterable[Frame],
    numbers: Sequence[int],
) -> None:
    """Paints those frames of a shot that the store lacks; the result is as if all were painted.

    `size` is that of the paintings, `numbers` are those of the frames. InputError: the folder can't
    be used; KeyboardInterrupt and ArtistyleError as for `FramePainter`.
    """
    warm_up, furthest = temporal.warm_up, max(temporal.look_back)
    done = list(map(store.has, numbers))
    first = done.index(False) if False in done else len(done)
    past: collections.deque[_Painted] = collections.deque(maxlen=furthest)
    static = StaticRegions(temporal.static_threshold)
    for index, frame in enumerate(frames):
        now = resize(frame.rgb8, size)
        masks = [resize(mask, size) for mask in frame.masks]
        kept = static.share(np.dstack([now, *masks]))
        # An age, at most `warm_up`, follows from so many frames, and each of these from others.
        if index <= first - warm_up - furthest:
            continue
        known = None
        if past and index > first - warm_up:
            known = _recall(store, temporal, now, masks, past)
        if not done[index]:
            if known is None:
                painting = painter.paint_first(frame)
            else:
                held = known.weights * np.square(known.age / warm_up)
                painting = painter.paint_next(frame, known.start, held, temporal.weight)
                if kept is not None:
                    before = to_float32(store.read(past[-1].number))
                    mixture = painting + (before - painting) * kept[..., None]
                    painting = np.where(kept[..., None] == 1, before, mixture)  # to the bit
            store.write(frame.number, to_levels(painting, frame.rgb.dtype == np.float32))
        age = np.full(size, warm_up, np.float32)
        if known:
            age = np.minimum(known.age + 1, age)
        past.append(_Painted(frame.number, now, masks, age))


def _recall(
    store: FrameStore,
    temporal: Temporal,
    now: np.ndarray,
    masks: Sequence[np.ndarray],
    past: Sequence[_Painted],
) -> _Recalled:
    """The paper's long-term consistency: each pixel follows the nearest frame that shows it."""
    near = _carry(store, past[-1], now, masks)
    start, weights = near.painting, near.weights
    for back in temporal.look_back[1:]:
        if back <= len(past):
            one = _carry(store, past[-back], now, masks)
            start = np.where(weights[..., None] > 0, start, one.painting)
            weights = np.maximum(weights, one.weights)
    # What no earlier frame shows begins as the frame, changed as the painting changed its
    # surroundings. A painting continued beyond its border keeps its streaks for long.
    fresh = np.clip(now + near.change, 0, 255)
    start = np.where(weights[..., None] > 0, start, fresh).astype(np.float32)
    # What only frames farther back show had its time then.
    moved = warp(past[-1].age, near.flow, "nearest")
    age = np.where(near.weights > 0, moved, np.float32(temporal.warm_up))
    return _Recalled(start, weights, np.where(weights > 0, age, np.float32(0)))


def _carry(
    store: FrameStore, other: _Painted, now: np.ndarray, masks: Sequence[np.ndarray]
) -> _Carried:
    """Carries another frame's painting over to the frame `now`, uint8 [h, w, 3], with its masks."""
    backward, forward = dense_flow(now, other.rgb), dense_flow(other.rgb, now)
    weights = consistency(backward, forward)
    moved = warp(to_float32(store.read(other.number)), backward, "lanczos4")
    before = warp(other.rgb.astype(np.float32), backward, "lanczos4")
    lit = relight(moved, before, now, weights)
    for there, here in zip(other.masks, masks, strict=True):
        apart = np.abs(warp(there.astype(np.float32), backward) - here) > ANOTHER_MASK
        weights = np.where(apart, np.float32(0), weights)
    return _Carried(lit, weights, moved - before, backward)
