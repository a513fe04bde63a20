"""A look through a clip before it is painted: its frames, when they are shown, and its shots."""

import json
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from artistyle_tf.images.sizes import fit, resize
from artistyle_tf.video.clip import BrokenClipError, Frame
from artistyle_tf.video.consistency import consistency
from artistyle_tf.video.cuts import is_cut
from artistyle_tf.video.flow import dense_flow

__all__ = ["Shot", "Survey", "surveyed"]

SIDE = 256
"""The longer side in px at which frames are compared."""


class Shot(NamedTuple):
    """Frames between two cuts."""

    numbers: tuple[int, ...]
    """Those to paint, as `Frame.number`, ascending."""


class Survey(NamedTuple):
    """What was found in a clip."""

    shots: tuple[Shot, ...]
    times: dict[int, int]
    """Number of a frame → when it is shown, in `Clip.time_base`."""
    broken: str | None
    """Why the frames after these can't be read; None: these are all."""

    def to_json(self) -> str:
        """All of it as text."""
        shots = [shot.numbers for shot in self.shots]
        return json.dumps(
            {"shots": shots, "times": list(self.times.items()), "broken": self.broken}
        )

    @classmethod
    def from_json(cls, text: str) -> "Survey":
        """From what `to_json` returned."""
        found = json.loads(text)
        shots = tuple(Shot(tuple(numbers)) for numbers in found["shots"])
        return cls(shots, dict(found["times"]), found["broken"])


def surveyed(frames: Iterable[Frame]) -> Survey:
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
            if before is None or _is_new(before, now):
                shots.append([])
            shots[-1].append(frame.number)
            times[frame.number] = frame.pts
            before = now
    except BrokenClipError as error:
        broken = str(error)
    return Survey(tuple(Shot(tuple(numbers)) for numbers in shots), times, broken)


def _is_new(before: np.ndarray, now: np.ndarray) -> bool:
    backward = dense_flow(now, before, "fast")
    forward = dense_flow(before, now, "fast")
    return is_cut(before, now, consistency(backward, forward))
