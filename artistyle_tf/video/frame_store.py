"""The folder of finished frames next to the output, from which a run is resumed. OpenCV."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from artistyle_tf import files
from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.survey import Survey

__all__ = ["FrameStore"]


class FrameStore:
    """Paintings of frames as PNG files, each written atomically, in a folder that exists."""

    def __init__(self, folder: str):
        self.folder = folder

    @classmethod
    def open(cls, output: str, identity: Mapping[str, Any]) -> "FrameStore":
        """The store of a clip that is to be written: the folder OUTPUT.frames.

        Args:
          output: the path of the clip.
          identity: what must be equal for a run to resume another; plain values.

        Raises:
          InputError: the folder can't be made, or belongs to a run of another identity.
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
        """Whether the painting of that frame is finished."""
        return os.path.exists(self._png(number))

    def read(self, number: int) -> np.ndarray:
        """The painting, [H, W, 3] sRGB, uint8 or uint16. InputError if it can't be read."""
        import cv2

        pixels = cv2.imread(self._png(number), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise InputError(f"can't read {one_line(self._png(number))}; remove it")
        return np.ascontiguousarray(pixels[..., ::-1])

    def write(self, number: int, pixels: np.ndarray) -> None:
        """Saves a painting, [H, W, 3] sRGB, uint8 or uint16. InputError if it can't be written."""
        import cv2

        _, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
        files.write_bytes(self._png(number), data.tobytes())

    def remove(self, numbers: Iterable[int]) -> None:
        """Removes the paintings of these frames."""
        for number in numbers:
            with contextlib.suppress(OSError):
                os.remove(self._png(number))

    def read_arrays(self, name: str) -> list[np.ndarray]:
        """What `write_arrays` was given under that name."""
        with np.load(self._path(f"{name}.npz")) as held:
            return [held[key] for key in held.files]

    def write_arrays(self, name: str, arrays: Iterable[np.ndarray]) -> None:
        """Saves arrays as they are. InputError if they can't be written."""
        data = io.BytesIO()
        np.savez(data, *arrays)
        files.write_bytes(self._path(f"{name}.npz"), data.getvalue())

    def read_survey(self) -> Survey | None:
        """The survey of the clip; None if none was written yet. InputError if it can't be read."""
        path = self._path("survey.json")
        try:
            text = _read_text(path)
            return None if text is None else Survey.from_json(text)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"can't read {one_line(path)}; remove it") from error

    def write_survey(self, survey: Survey) -> None:
        """Keeps the survey for runs that resume this one."""
        files.write_bytes(self._path("survey.json"), survey.to_json().encode())

    def inner(self, name: str) -> "FrameStore":
        """A store in a folder within this one, made if it isn't there."""
        os.makedirs(self._path(name), exist_ok=True)
        return FrameStore(self._path(name))

    def discard(self) -> None:
        """Removes the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _png(self, number: int) -> str:
        return self._path(f"{number:08}.png")

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def _read_text(path: str) -> str | None:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        return file.read()
    return None
