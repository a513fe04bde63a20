"""The folder of finished frames next to the output, from which a run is resumed. OpenCV."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from artistyle_tf import files
from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line, reason

__all__ = ["Work"]


class Work:
    """The finished frames of a clip as PNG files, each written atomically.

    Args:
      output: the clip to be written; the folder has its name plus ".frames".
      identity: plain values that must be equal for a run to resume another one.

    Raises:
      InputError: the folder can't be created, or has the frames of a run with another identity.
    """

    def __init__(self, output: str, identity: Mapping[str, Any]):
        self.folder = os.path.realpath(output) + ".frames"
        self._name = one_line(self.folder)
        text = json.dumps(identity, sort_keys=True)
        note = os.path.join(self.folder, "identity.json")
        try:
            os.makedirs(self.folder, exist_ok=True)
            held = None
            with contextlib.suppress(FileNotFoundError), open(note, encoding="utf-8") as file:
                held = file.read()
        except (OSError, ValueError) as error:
            raise InputError(f"can't use the folder {self._name}: {reason(error)}") from error
        if held is None:
            if os.listdir(self.folder):
                raise InputError(f"{self._name} is there already, and no folder of frames")
            files.write_bytes(note, text.encode())
        elif held != text:
            raise InputError(
                f"{self._name} has the frames of an unfinished run with other pictures or "
                "settings; remove it, or choose another --output"
            )

    def has(self, number: int) -> bool:
        """Whether the frame is finished."""
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

    def remove(self) -> None:
        """Deletes the folder, once the clip is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> str:
        return os.path.join(self.folder, f"{number:08}.png")
