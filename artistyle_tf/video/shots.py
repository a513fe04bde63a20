"""Paints the frames of a shot, after Ruder, Dosovitskiy and Brox 2016, arXiv:1604.08610.

"Artistic style transfer for videos": each frame begins with the painting of the one before, moved
along the optical flow, and is held to it where the flow is consistent. Here a frame farther ahead
is painted first, with all that came into sight until then; the frames up to it are between two
paintings, and nearly finished when they begin.
"""

import collections
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from artistyle_tf.images.color import recolor
from artistyle_tf.images.sizes import resize
from artistyle_tf.video.frame_store import FrameStore, to_float32, to_levels
from artistyle_tf.video.motion import (
    StaticRegions,
    compose,
    dense_flow,
    find_disocclusions,
    find_motion_boundaries,
    find_scene,
    relight,
    spread,
    texture,
    warp,
)
from artistyle_tf.video.reader import Frame

if TYPE_CHECKING:
    from artistyle_tf.video.painting import FramePainter

AHEAD = 16  # Frames at most from one that is painted ahead to the next,
OVERLAP = 0.4  # and the share of it that the frame before must show.
NEW = 0.01  # Share of a frame above which what came into sight is painted by itself.
LOOK_BACK = (1, 10, 20, 40)
"""Distances in frames to earlier ones that may show what was hidden for a while: the paper's
example for its long-term consistency."""
GUESS = 0.5  # Weight of the temporal loss where there is no texture, so that flow is a guess.
ANOTHER_MASK = 127  # Levels by which a mask may differ from the one moved along the flow.


class _Seen(NamedTuple):
    """A frame at the painting's size, with the flows between it and the one before."""

    frame: Frame
    backward: np.ndarray  # float32 [h, w, 2], to the frame before; 0 for the first one.
    forward: np.ndarray  # Likewise, from the frame before.


class _Carried(NamedTuple):
    """Another frame's painting, moved along the flow to this one."""

    painting: np.ndarray  # float32 [h, w, 3], relit for this frame.
    shown: np.ndarray  # bool [h, w]: what the other frame shows, too.
    weights: np.ndarray  # float32 [h, w], 0 to 1: how far to hold to it.


def paint_shot(
    painter: "FramePainter",
    store: FrameStore,
    size: tuple[int, int],
    frames: Iterable[Frame],
    weight: float,
    static_threshold: float = 0.0,
) -> None:
    """Paints those frames of a shot that the store lacks; the result is as if all were painted.

    `size` is that of the paintings, `weight` λ of the temporal loss; `static_threshold` as for
    `StaticRegions`. InputError: the folder can't be used; KeyboardInterrupt and ArtistyleError as
    for `FramePainter`.
    """
    shot, static = _Shot(painter, store, weight), StaticRegions(static_threshold)
    past: collections.deque[Frame] = collections.deque(maxlen=max(LOOK_BACK))
    for stretch in _stretches(frames, size):
        kept = [static.share(np.dstack([one.rgb8, *one.masks]), back) for one, back, _ in stretch]
        if not all(store.has(one.frame.number) for one in stretch):
            if past:
                shot.paint(stretch, kept, past)
            else:
                shot.write(stretch[0].frame, painter.paint_first(stretch[0].frame))
        past.extend(one.frame for one in stretch)


def _stretches(frames: Iterable[Frame], size: tuple[int, int]) -> Iterator[list[_Seen]]:
    """The first frame, and then as many at a time as still show what the first of them does."""
    before, stretch = None, list[_Seen]()
    backward = forward = still = np.zeros((*size, 2), np.float32)
    for whole in frames:
        rgb, *masks = (resize(one, size) for one in (whole.rgb, *whole.masks))
        frame = whole._replace(rgb=rgb, masks=tuple(masks))
        if before is None:
            yield [_Seen(frame, still, still)]
        else:
            back, forth = dense_flow(frame.rgb8, before.rgb8), dense_flow(before.rgb8, frame.rgb8)
            whole_back, whole_forth = compose(back, backward), compose(forward, forth)
            steps = len(stretch) + 1
            gone = find_disocclusions(whole_back, whole_forth, steps).mean() > 1 - OVERLAP
            if stretch and (gone or len(stretch) == AHEAD):
                yield stretch
                stretch = []
            backward, forward = (whole_back, whole_forth) if stretch else (back, forth)
            stretch.append(_Seen(frame, back, forth))
        before = frame
    if stretch:
        yield stretch


class _Shot:
    """What the frames of a shot are painted with."""

    def __init__(self, painter: "FramePainter", store: FrameStore, weight: float):
        self._painter, self._store, self._weight = painter, store, weight

    def paint(
        self, stretch: Sequence[_Seen], kept: Sequence[np.ndarray], past: Sequence[Frame]
    ) -> None:
        """Paints the last frame of a stretch, and then those that lead to it from the `past`."""
        ahead = self._paint_ahead(stretch, past, np.min(kept, axis=0))
        before = past[-1]
        for index, (seen, share) in enumerate(zip(stretch, kept, strict=True), start=1):
            frame, rest = seen.frame, stretch[index:]
            if not self._store.has(frame.number):
                painting = self._paint_between(before, seen, ahead, rest) if rest else ahead
                self.write(frame, self._keep(before, painting, share))
            before = frame

    def _paint_ahead(
        self, stretch: Sequence[_Seen], past: Sequence[Frame], kept: np.ndarray
    ) -> np.ndarray:
        """The painting of the last frame, with what earlier frames show of it."""
        frame = stretch[-1].frame
        traced = self._carry(past[-1], frame, *_traced(*_through(stretch), len(stretch)))
        recalled = (self._recall(past[-back], frame) for back in LOOK_BACK if back <= len(past))
        start, shown, weights = _nearest(traced, *recalled)
        new = spread(~shown, 2)
        start = _begin(frame, start, shown, new)
        given = weights * (1 - new), self._weight
        if np.mean(~shown) > NEW:
            painting, share = self._painter.paint_new(frame, start, *given, new), new[..., None]
            # On average they keep the colour they began with, not that of the whole style.
            change = np.sum((start - painting) * share, axis=(0, 1)) / np.sum(new**2)
            start = np.clip(painting + change * share, 0, 255)
        return self._keep(
            past[-1], self._painter.paint_next(frame, start, *given, ahead=True), kept
        )

    def _paint_between(
        self, before: Frame, seen: _Seen, ahead: np.ndarray, rest: Sequence[_Seen]
    ) -> np.ndarray:
        """A frame's painting, from the one before and from that of the last frame, `ahead`."""
        frame, last = seen.frame, rest[-1].frame
        back, forth = _through(rest)
        near = self._carry(before, frame, *_traced(seen.backward, seen.forward))
        far = self._carry(last, frame, *_traced(forth, back, len(rest)), ahead)
        lost = ~(near.shown | far.shown)
        near = _nearest(near, self._recall(before, frame, lost))
        far = _nearest(far, self._recall(last, frame, lost, ahead))
        # From one to the other in equal steps.
        part = 1 / (len(rest) + 1)
        parts = (1 - part) * near.weights, part * far.weights
        total = (parts[0] + parts[1])[..., None]
        mixed = parts[0][..., None] * near.painting + parts[1][..., None] * far.painting
        start, shown, _ = _nearest(near, far)
        start = np.where(total > 0, mixed / np.maximum(total, 1e-6), start)
        start = _begin(frame, start, shown, ~shown)
        weights = np.maximum(near.weights, far.weights)
        return self._painter.paint_next(frame, start, weights, self._weight)

    def _carry(
        self,
        other: Frame,
        frame: Frame,
        flow: np.ndarray,
        shown: np.ndarray,
        sure: np.ndarray,
        painting: np.ndarray | None = None,
    ) -> _Carried:
        """Another frame's painting, by default the one in the store, carried along the flow to it.

        bool [h, w]: what the other frame shows, and where the flow can be relied on.
        """
        if painting is None:
            painting = to_float32(self._store.read(other.number))
        moved = warp(painting, flow, "lanczos4")
        before = warp(other.rgb8.astype(np.float32), flow, "lanczos4")
        for there, here in zip(other.masks, frame.masks, strict=True):
            shown = shown & (np.abs(warp(there.astype(np.float32), flow) - here) <= ANOTHER_MASK)
        sure = sure & shown
        weights = sure * (GUESS + (1 - GUESS) * texture(frame.rgb8))
        lit = relight(moved, before, frame.rgb8, sure.astype(np.float32))
        return _Carried(lit, shown, weights.astype(np.float32))

    def _recall(
        self,
        other: Frame,
        frame: Frame,
        lost: np.ndarray | Literal[True] = True,
        painting: np.ndarray | None = None,
    ) -> _Carried:
        """Another frame's painting, as by `_carry`, by the camera's motion alone, where `lost`."""
        flow, same = find_scene(frame.rgb8, other.rgb8)
        same &= lost
        return self._carry(other, frame, flow, same, same, painting)

    def _keep(self, before: Frame, painting: np.ndarray, share: np.ndarray) -> np.ndarray:
        """The painting, with so much of the one before, which stays to the bit where that is 1."""
        if not share.any():
            return painting
        old = to_float32(self._store.read(before.number))
        mixture = painting + (old - painting) * share[..., None]
        return np.where(share[..., None] == 1, old, mixture)

    def write(self, frame: Frame, painting: np.ndarray) -> None:
        self._store.write(frame.number, to_levels(painting, frame.rgb.dtype == np.float32))


def _through(stretch: Sequence[_Seen]) -> tuple[np.ndarray, np.ndarray]:
    """The flows back over these frames, and forward."""
    _, backward, forward = stretch[0]
    for one in stretch[1:]:
        backward, forward = compose(one.backward, backward), compose(forward, one.forward)
    return backward, forward


def _traced(
    backward: np.ndarray, forward: np.ndarray, steps: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The flow back over so many frames, and two masks: where it leads back, and for sure."""
    shown = ~find_disocclusions(backward, forward, steps)
    return backward, shown, shown & ~find_motion_boundaries(backward / steps)


def _nearest(first: _Carried, *others: _Carried) -> _Carried:
    """Of several, in every place the first one that shows it."""
    painting, shown, weights = first
    for one in others:
        painting = np.where(shown[..., None], painting, one.painting)
        weights = np.where(shown, weights, one.weights)
        shown = shown | one.shown
    return _Carried(painting, shown, weights)


def _begin(frame: Frame, start: np.ndarray, shown: np.ndarray, new: np.ndarray) -> np.ndarray:
    """What is not shown yet begins as the frame in the colours of what is painted already."""
    if shown.all() or not shown.any():
        return start if shown.any() else frame.rgb8.astype(np.float32)
    _, [fresh] = recolor("match", start[shown][None], [frame.rgb8.astype(np.float32)])
    return (start + (fresh - start) * new[..., None]).astype(np.float32)
