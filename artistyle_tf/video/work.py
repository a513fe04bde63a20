"""The folder of finished frames next to the output, from which a run is resumed. OpenCV."""

import contextlib
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

__all__ = ["Frames", "Work"]


class Frames:
    """Paintings of frames as PNG files, each written atomically, in a folder that exists."""

    def __init__(self, folder: str):
        self.folder = folder

    def has(self, number: int) -> bool:
        """Whether the painting of that frame is finished."""
        return os.path.exists(self._path(number))

    def read(self, number: int) -> np.ndarray:
        """The frame, [H, W, 3] sRGB, uint8 or uint16. InputError if it can't be read."""
        import cv2

        pixels = cv2.imread(self._path(number), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise InputError(f"can't read {one_line(self._path(number))}; remove it")
        return np.ascontiguousarray(pixels[..., ::-1])

    def write(self, number: int, pixels: np.ndarray) -> None:
        """Saves a frame, [H, W, 3] sRGB, uint8 or uint16. InputError if it can't be written."""
        import cv2

        _, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
        files.write_bytes(self._path(number), data.tobytes())

    def remove(self, numbers: Iterable[int]) -> None:
        """Removes the paintings of these frames."""
        for number in numbers:
            with contextlib.suppress(OSError):
                os.remove(self._path(number))

    def _path(self, number: int) -> str:
        return os.path.join(self.folder, f"{number:08}.png")


class Work(Frames):
    """The work folder of a clip: its frames, and what its survey found.

    Args:
      output: the clip to be written; the folder is its name with ".frames" after it.
      identity: what must be equal for a run to resume another; plain values.

    Raises:
      InputError: the folder can't be made, or belongs to a run of another identity.
    """

    def __init__(self, output: str, identity: Mapping[str, Any]):
        super().__init__(os.path.realpath(output) + ".frames")
        self._name = one_line(self.folder)
        text = json.dumps(identity, sort_keys=True)
        note = os.path.join(self.folder, "identity.json")
        try:
            os.makedirs(self.folder, exist_ok=True)
            held = _text(note)
        except (OSError, ValueError) as error:
            raise InputError(f"can't use the folder {self._name}: {reason(error)}") from error
        if held is None:
            if os.listdir(self.folder):
                raise InputError(f"{self._name} exists already, and is not a folder of frames")
            files.write_bytes(note, text.encode())
        elif held != text:
            raise InputError(
                f"{self._name} has the frames of an unfinished run with other pictures or "
                "settings; remove it, or choose another --output"
            )

    @property
    def survey(self) -> Survey | None:
        """What `keep` was given; None if nothing yet."""
        try:
            text = _text(self._survey)
            return None if text is None else Survey.from_json(text)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"can't read {one_line(self._survey)}; remove it") from error

    def keep(self, survey: Survey) -> None:
        """Keeps it for runs that resume this one."""
        files.write_bytes(self._survey, survey.to_json().encode())

    @property
    def _survey(self) -> str:
        return os.path.join(self.folder, "survey.json")

    def of_pass(self, number: int) -> Frames:
        """The frames of that pass, see `passes`."""
        folder = os.path.join(self.folder, f"pass-{number}")
        os.makedirs(folder, exist_ok=True)
        return Frames(folder)

    def discard(self) -> None:
        """Removes all of it: the clip is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _text(path: str) -> str | None:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        return file.read()
    return None
