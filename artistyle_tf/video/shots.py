"""Paints the frames of a shot, in one pass or in several, after Ruder, Dosovitskiy and Brox 2016.

"Artistic style transfer for videos", arXiv:1604.08610: each frame begins with the painting of the
one before, moved along the optical flow, and is held to it where the flow is consistent.
"""

import collections
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from artistyle_tf.images.sizes import resize
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.motion import (
    StaticRegions,
    consistency,
    dense_flow,
    long_term_weights,
    merge,
    relight,
    warp,
)

if TYPE_CHECKING:
    from artistyle_tf.video.painting import FramePainter

__all__ = ["ShotPainter", "Temporal", "count_missing", "to_float32", "to_levels"]

ANOTHER_MASK = 127  # Levels by which a mask may differ from the one moved along the flow.
BLEND = 0.5
"""δ: the neighbour's share in the start of a frame in a later pass, where the flow is
consistent."""


class Temporal(NamedTuple):
    """How frames are held together."""

    weight: float  # λ of the temporal loss.
    look_back: Sequence[int] = (1,)  # Distances in frames to the earlier ones, ascending from 1.
    flow: str = "medium"  # One of `motion.QUALITIES`.
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
    painting: np.ndarray  # float32 [h, w, 3], merged from theirs.
    weights: np.ndarray  # float32 [h, w], 0 to 1: how far to hold to that painting.
    age: np.ndarray  # As in `_Painted`, before this frame is painted.


class ShotPainter:
    """Paints the frames of shots that the store lacks; the result is as if all were painted anew.

    Its methods take frames and their numbers. InputError: the folder can't be used;
    KeyboardInterrupt and ArtistyleError as for `FramePainter`.
    """

    def __init__(
        self, painter: "FramePainter", store: FrameStore, temporal: Temporal, size: tuple[int, int]
    ):
        self._painter, self._store, self._temporal, self._size = painter, store, temporal, size

    def paint(self, frames: Iterable[Frame], numbers: Sequence[int]) -> None:
        """Paints a shot in order, each frame beginning with the one before."""
        store, warm_up = self._store, self._temporal.warm_up
        furthest = max(self._temporal.look_back)
        done = list(map(store.has, numbers))
        first = done.index(False) if False in done else len(done)
        past: collections.deque[_Painted] = collections.deque(maxlen=furthest)
        static = StaticRegions(self._temporal.static_threshold)
        for index, frame in enumerate(frames):
            now = resize(frame.rgb8, self._size)
            masks = [resize(mask, self._size) for mask in frame.masks]
            kept = static.share(np.dstack([now, *masks]))
            # An age, at most `warm_up`, follows from so many frames, and each of these from others.
            if index <= first - warm_up - furthest:
                continue
            known = self._recall(now, masks, past) if past and index > first - warm_up else None
            if not done[index]:
                if known is None:
                    painting = self._painter.paint_first(frame)
                else:
                    held = known.weights * np.square(known.age / warm_up)
                    given = known.start, known.painting, held, self._temporal.weight
                    painting = self._painter.paint_next(frame, *given)
                    if kept is not None:
                        before = to_float32(store.read(past[-1].number))
                        mixture = painting + (before - painting) * kept[..., None]
                        painting = np.where(kept[..., None] == 1, before, mixture)  # to the bit
                store.write(frame.number, to_levels(painting, frame.rgb.dtype == np.float32))
            age = np.full(self._size, warm_up, np.float32)
            if known:
                age = np.minimum(known.age + 1, age)
            past.append(_Painted(frame.number, now, masks, age))

    def _recall(
        self, now: np.ndarray, masks: Sequence[np.ndarray], past: Sequence[_Painted]
    ) -> _Recalled:
        each = []
        for one in (past[-back] for back in self._temporal.look_back if back <= len(past)):
            painting = to_float32(self._store.read(one.number))
            pairs = zip(one.masks, masks, strict=True)
            each.append(_carry(one.rgb, painting, now, self._temporal.flow, pairs))
        painting, weights = merge(
            [one.painting for one in each], long_term_weights([one.weights for one in each])
        )
        near, known = each[0], weights > 0
        # What no earlier frame shows begins as the frame, changed as the painting changed its
        # surroundings. A painting continued beyond its border keeps its streaks for long.
        fresh = np.clip(now + near.change, 0, 255)
        start = np.where(known[..., None], painting, fresh).astype(np.float32)
        # What only frames farther back show had its time then.
        moved = warp(past[-1].age, near.flow, "nearest")
        age = np.where(near.weights > 0, moved, np.float32(self._temporal.warm_up))
        return _Recalled(start, painting, weights, np.where(known, age, np.float32(0)))

    def paint_in_passes(self, frames: Iterable[Frame], numbers: Sequence[int], passes: int) -> None:
        """Paints a shot in 2 or more passes, alternately forward and backward: section 5.3.

        The first pass paints each frame on its own. In later ones a frame begins with its own
        painting of the pass before, blended with its neighbour's of this pass, moved along the
        flow. So what comes into sight in one direction is painted from what is known in the other.
        The temporal loss joins for the second half; earlier it would keep frames from becoming
        alike. All frames of the shot are in memory at the paintings' size.
        """
        sources = {}
        for frame in frames:
            rgb, *masks = (resize(one, self._size) for one in (frame.rgb, *frame.masks))
            sources[frame.number] = frame._replace(rgb=rgb, masks=tuple(masks))
        for one in range(_find_pass(numbers, self._store, passes), passes + 1):
            target = _of_pass(self._store, one, passes)
            own = _of_pass(self._store, one - 1, passes) if one > 1 else target
            order = numbers if one % 2 else numbers[::-1]
            for before, number in zip([None, *order], order, strict=False):
                if target.has(number):
                    continue
                frame = sources[number]
                if one == 1:
                    painting = self._painter.paint_first(frame)
                else:
                    start = to_float32(own.read(number))
                    picture, weights, strength = start, np.zeros(self._size, np.float32), 0.0
                    if before is not None:
                        other, there = sources[before], to_float32(target.read(before))
                        pairs = zip(other.masks, frame.masks, strict=True)
                        flow = self._temporal.flow
                        picture, weights, *_ = _carry(other.rgb8, there, frame.rgb8, flow, pairs)
                        start = start + BLEND * weights[..., None] * (picture - start)
                        strength = self._temporal.weight if 2 * one > passes else 0.0
                    painting = self._painter.paint_next(frame, start, picture, weights, strength)
                target.write(number, to_levels(painting, frame.rgb.dtype == np.float32))
            if one > 1:
                own.remove(numbers)


def _carry(
    rgb: np.ndarray,
    painting: np.ndarray,
    now: np.ndarray,
    flow: str,
    masks: Iterable[tuple[np.ndarray, np.ndarray]],
) -> _Carried:
    """Carries the painting of the frame `rgb` over to the frame `now`, both uint8 [h, w, 3].
    `masks`: pairs of uint8 [h, w], in that frame and in this one."""
    backward, forward = dense_flow(now, rgb, flow), dense_flow(rgb, now, flow)
    weights = consistency(backward, forward)
    moved = warp(painting, backward, "lanczos4")
    before = warp(rgb.astype(np.float32), backward, "lanczos4")
    lit = relight(moved, before, now, weights)
    for there, here in masks:
        other = np.abs(warp(there.astype(np.float32), backward) - here) > ANOTHER_MASK
        weights = np.where(other, np.float32(0), weights)
    return _Carried(lit, weights, moved - before, backward)


def count_missing(numbers: Sequence[int], store: FrameStore, passes: int) -> int:
    """How many paintings of these frames are missing, over all passes."""
    one = _find_pass(numbers, store, passes)
    done = sum(map(_of_pass(store, one, passes).has, numbers))
    return (passes - one + 1) * len(numbers) - done


def _find_pass(numbers: Sequence[int], store: FrameStore, passes: int) -> int:
    """The pass to resume: the last one with any of these frames."""
    for one in range(passes, 1, -1):
        if any(map(_of_pass(store, one, passes).has, numbers)):
            return one
    return 1


def _of_pass(store: FrameStore, one: int, passes: int) -> FrameStore:
    return store if one == passes else store.inner(f"pass-{one}")


def to_levels(painting: np.ndarray, deep: bool) -> np.ndarray:
    """Rounds float32 grey levels [H, W, 3] to uint8, or if `deep` to uint16, 0 to 65535."""
    if deep:
        return np.clip(np.rint(painting * 257), 0, 65535).astype(np.uint16)
    return np.clip(np.rint(painting), 0, 255).astype(np.uint8)


def to_float32(levels: np.ndarray) -> np.ndarray:
    """The reverse of `to_levels`."""
    scale = 1 if levels.dtype == np.uint8 else 1 / 257
    return levels.astype(np.float32) * np.float32(scale)
