"""Reads a clip once before it is painted: its frames, their times, and its shots."""

import json
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from artistyle_tf.images.sizes import fit, resize
from artistyle_tf.video.clip import BrokenClipError, Frame
from artistyle_tf.video.motion import consistency, dense_flow

__all__ = ["Survey", "find_shots", "is_cut"]

SIDE = 256
"""The longer side in px at which frames are compared."""
BINS = 16

NEW, ALL_NEW = 0.45, 0.8
"""Share of pixels with new colours, by the histogram of one channel."""

LOST, ALL_LOST = 0.5, 0.7
"""Share of pixels that the optical flow loses. Measured on synthetic clips: 0.1 in pans of 13 px,
0.76 between unrelated pictures with equal histograms."""


class Survey(NamedTuple):
    """What was found in a clip."""

    shots: tuple[tuple[int, ...], ...]
    """The numbers of the frames to paint between two cuts, as `Frame.number`, ascending."""
    times: dict[int, int]
    """Number of a frame → when it is shown, in `Clip.time_base`."""
    broken: str | None
    """Why the frames after these can't be read; None: these are all."""

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps([self.shots, list(self.times.items()), self.broken])

    @classmethod
    def from_json(cls, text: str) -> "Survey":
        """From what `to_json` returned."""
        shots, times, broken = json.loads(text)
        return cls(tuple(map(tuple, shots)), dict(times), broken)


def find_shots(frames: Iterable[Frame]) -> Survey:
    """Looks for cuts between these frames, which end where one can't be read."""
    shots: list[list[int]] = []
    times: dict[int, int] = {}
    before: np.ndarray | None = None
    broken = None
    try:
        for frame in frames:
            height, width = frame.rgb.shape[:2]
            size = fit(height, width, min(SIDE, max(height, width)))
            now = resize(frame.rgb8, size)
            if before is None or is_cut(before, now):
                shots.append([])
            shots[-1].append(frame.number)
            times[frame.number] = frame.pts
            before = now
    except BrokenClipError as error:
        broken = str(error)
    return Survey(tuple(map(tuple, shots)), times, broken)


def is_cut(before: np.ndarray, now: np.ndarray) -> bool:
    """Whether a new shot starts between two frames, uint8 [H, W, 3] sRGB.

    New colours alone may be a change of light, and lost pixels alone a fast pan. A cut therefore
    needs many of both, or nearly all of one: a black frame is matched anywhere, and the flow
    partly succeeds in warping any picture into another of the same colours.
    """
    flows = dense_flow(now, before, "fast"), dense_flow(before, now, "fast")
    lost = 1 - float(np.mean(consistency(*flows)))
    new = max(_new_colours(before[..., i], now[..., i]) for i in range(3))
    return new > ALL_NEW or lost > ALL_LOST or (new > NEW and lost > LOST)


def _new_colours(before: np.ndarray, now: np.ndarray) -> float:
    """Share of pixels that changed bins: half the L1 distance of the two histograms."""
    old, new = (
        np.bincount(one.ravel() // (256 // BINS), minlength=BINS) / one.size
        for one in (before, now)
    )
    return float(np.abs(old - new).sum() / 2)
