"""The shots of a video, and the folder beside the output that keeps its finished frames. OpenCV."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf import files
from artistyle_tf.errors import InputError
from artistyle_tf.images.sizes import fit, resize
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.motion import is_cut
from artistyle_tf.video.reader import BrokenVideoError, Frame

SIDE = 256  # Longer side in px at which frames are compared to find cuts.


class Survey(NamedTuple):
    """The shots of a video, found before it is painted."""

    shots: list[list[int]]  # Numbers of the frames to paint, shot by shot.
    times: dict[int, int]  # Frame number → presentation time in units of `Video.time_base`.
    broken: str | None  # Why later frames can't be read; None: there are none.


def find_shots(frames: Iterable[Frame]) -> Survey:
    """Splits the frames into shots, up to the first frame that can't be read."""
    survey, before = Survey([], {}, None), None
    try:
        for frame in frames:
            height, width = frame.rgb.shape[:2]
            now = resize(frame.rgb8, fit(height, width, min(SIDE, max(height, width))))
            if before is None or is_cut(before, now):
                survey.shots.append([])
            survey.shots[-1].append(frame.number)
            survey.times[frame.number] = frame.pts
            before = now
    except BrokenVideoError as error:
        return survey._replace(broken=str(error))
    return survey


class FrameStore:
    """A folder with the finished frames as PNG files, each written atomically."""

    def __init__(self, folder: str):
        self.folder = folder

    @classmethod
    def open(cls, output: str, identity: Mapping[str, Any]) -> "FrameStore":
        """Opens or makes the folder OUTPUT.frames, where runs of equal identity go on.

        InputError: it can't be made, or belongs to a run with another identity.
        """
        store = cls(os.path.realpath(output) + ".frames")
        name, note = one_line(store.folder), os.path.join(store.folder, "identity.json")
        own = json.dumps(identity, sort_keys=True).encode()
        try:
            os.makedirs(store.folder, exist_ok=True)
            if not os.listdir(store.folder):
                files.write_bytes(note, own)
            with open(note, "rb") as file:
                found = file.read()
        except FileNotFoundError:
            raise InputError(f"{name} exists already, and is not a folder of frames") from None
        except OSError as error:
            raise InputError(f"can't use the folder {name}: {reason(error)}") from error
        if found != own:
            raise InputError(
                f"{name} has the frames of an unfinished run with other pictures or settings; "
                "remove it, or choose another --output"
            )
        return store

    def has(self, number: int) -> bool:
        return os.path.exists(self._png(number))

    def count(self) -> int:
        """How many frames are finished."""
        return sum(name.endswith(".png") for name in os.listdir(self.folder))

    def read(self, number: int) -> np.ndarray:
        """Reads a painting: uint8 or uint16 [H, W, 3] sRGB. InputError if it can't be read."""
        import cv2

        pixels = cv2.imread(self._png(number), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise InputError(f"can't read {one_line(self._png(number))}; remove it")
        return np.ascontiguousarray(pixels[..., ::-1])

    def write(self, number: int, pixels: np.ndarray) -> None:
        """Writes a painting, as `read` returns it. InputError if it can't be written."""
        import cv2

        _, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
        files.write_bytes(self._png(number), data.tobytes())

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _png(self, number: int) -> str:
        return os.path.join(self.folder, f"{number:08}.png")


def to_levels(painting: np.ndarray, deep: bool) -> np.ndarray:
    """Rounds float32 grey levels [H, W, 3] to uint8, or if `deep` to uint16, 0 to 65535."""
    if deep:
        return np.clip(np.rint(painting * 257), 0, 65535).astype(np.uint16)
    return np.clip(np.rint(painting), 0, 255).astype(np.uint8)


def to_float32(levels: np.ndarray) -> np.ndarray:
    """The reverse of `to_levels`."""
    scale = 1 if levels.dtype == np.uint8 else 1 / 257
    return levels.astype(np.float32) * np.float32(scale)
