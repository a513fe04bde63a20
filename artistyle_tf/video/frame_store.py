"""What a run finds and finishes, in a folder beside the output: its shots, and frames. OpenCV."""

import contextlib
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
from artistyle_tf.video.clip import BrokenClipError, Frame
from artistyle_tf.video.motion import is_cut

__all__ = ["FrameStore", "Survey", "find_shots"]

SIDE = 256  # Longer side in px at which frames are compared to find cuts.


class Survey(NamedTuple):
    """The shots of a clip, found before it is painted."""

    shots: tuple[tuple[int, ...], ...]  # Numbers of the frames to paint, shot by shot.
    times: dict[int, int]  # Frame number → presentation time in units of `Clip.time_base`.
    broken: str | None  # Why later frames can't be read; None: there are none.


def find_shots(frames: Iterable[Frame]) -> Survey:
    """Splits the frames into shots, up to the first frame that can't be read."""
    shots: list[list[int]] = []
    times: dict[int, int] = {}
    before, broken = None, None
    try:
        for frame in frames:
            height, width = frame.rgb.shape[:2]
            now = resize(frame.rgb8, fit(height, width, min(SIDE, max(height, width))))
            if before is None or is_cut(before, now):
                shots.append([])
            shots[-1].append(frame.number)
            times[frame.number] = frame.pts
            before = now
    except BrokenClipError as error:
        broken = str(error)
    return Survey(tuple(map(tuple, shots)), times, broken)


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
        name, note = one_line(store.folder), store._path("identity.json")
        text = json.dumps(identity, sort_keys=True)
        try:
            os.makedirs(store.folder, exist_ok=True)
            held = _read_text(note)
        except (OSError, ValueError) as error:
            raise InputError(f"can't use the folder {name}: {reason(error)}") from error
        if held is None:
            if os.listdir(store.folder):
                raise InputError(f"{name} exists already, and is not a folder of frames")
            files.write_bytes(note, text.encode())
        elif held != text:
            raise InputError(
                f"{name} has the frames of an unfinished run with other pictures or settings; "
                "remove it, or choose another --output"
            )
        return store

    def has(self, number: int) -> bool:
        return os.path.exists(self._png(number))

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

    def remove(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            with contextlib.suppress(OSError):
                os.remove(self._png(number))

    def read_survey(self) -> Survey | None:
        """Reads the clip's survey, None if not written yet. InputError if it can't be read."""
        path = self._path("survey.json")
        try:
            text = _read_text(path)
            if text is None:
                return None
            shots, times, broken = json.loads(text)
            return Survey(tuple(map(tuple, shots)), dict(times), broken)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"can't read {one_line(path)}; remove it") from error

    def write_survey(self, survey: Survey) -> None:
        text = json.dumps([survey.shots, list(survey.times.items()), survey.broken])
        files.write_bytes(self._path("survey.json"), text.encode())

    def inner(self, name: str) -> "FrameStore":
        """A store in a subfolder, made if needed."""
        os.makedirs(self._path(name), exist_ok=True)
        return FrameStore(self._path(name))

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _png(self, number: int) -> str:
        return self._path(f"{number:08}.png")

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def _read_text(path: str) -> str | None:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        return file.read()
    return None
