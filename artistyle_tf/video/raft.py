"""Optical flow by a network in an ONNX file, such as RAFT. NumPy and OpenCV."""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.onnx_file import FLOAT32, Outline, outline

__all__ = ["Raft"]

STRIDE = 8
"""Sides that a network of free size can take are multiples of this: it works at an eighth."""

SMALLEST = 128
"""Shorter sides, in px, are drawn out to this one: the fourth level of RAFT's pyramid is an eighth
of an eighth, and needs two places there to look between."""

NO_MEMORY = -4
"""OpenCV's code of an error."""

_SOURCE = re.compile(r"OpenCV\([^)]*\) \S+ error: \([^)]*\) ")
"""Where in OpenCV's own source an error was raised, before what it says."""


class Raft:
    """RAFT, or another network that is used like it.

    Teed and Deng 2020, arXiv:2003.12039, as their code is exported: two inputs, float32
    [1, 3, H, W], RGB from 0 to 255, and an output [1, 2, H, W], (dx, dy) in px from the first to
    the second. Of several outputs of that size, the last counts, which is that of the last
    iteration.
    """

    def __init__(self, path: str):
        """Reads the network, and runs it once to see that it can be.

        Raises:
          InputError: the file can't be read, is no such network, or OpenCV can't run it.
        """
        import cv2

        self._name = one_line(os.path.basename(path))
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise InputError(f"can't read {one_line(path)}: {reason(error)}") from error
        try:
            known = outline(data)
        except ValueError as error:
            raise InputError(
                f"{self._name} is no ONNX file, or a damaged one: {reason(error)}"
            ) from error
        self._size = self._checked(known)
        self._inputs = [one.name for one in known.inputs]
        self._outputs = [one.name for one in known.outputs]
        with self._running():
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        black = np.zeros([side or SMALLEST for side in self._size] + [3], np.uint8)
        self(black, black)

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Like `flow.dense_flow`.

        Frames get the network's size, if that is fixed, whatever their shape; the flow is then
        brought back to theirs.

        Raises:
          InputError: OpenCV can't run the network on them, as where memory is too short, or there
            are no numbers in what comes out.
        """
        sides = first.shape[:2]
        size = [fixed or side for fixed, side in zip(self._size, sides, strict=True)]
        room = [fixed or _whole(side) for fixed, side in zip(self._size, sides, strict=True)]
        flow = self._flow([_padded(_resized(one, size), room) for one in (first, second)])
        flow = _resized(flow[: size[0], : size[1]], sides)
        scale = np.float32([sides[1] / size[1], sides[0] / size[0]])
        return np.ascontiguousarray(flow * scale)

    def _checked(self, known: Outline) -> tuple[int, int]:
        """(height, width) that the network takes, 0 where free."""
        if known.elsewhere:
            raise InputError(
                f"{self._name} has its parameters in another file; all must be in one, as "
                "onnx.save(onnx.load(path), other_path) writes it"
            )
        if len(known.inputs) != 2:
            raise InputError(
                f"{self._name} is no network for optical flow, which has 2 inputs, the two frames; "
                f"this one has {len(known.inputs)}"
            )
        first, second = known.inputs
        one = first.shape
        same = first[1:] == second[1:] and first.kind == FLOAT32
        if not (same and len(one) == 4 and one[0] in (0, 1) and one[1] in (0, 3)):
            shapes = " and ".join(
                "[" + ", ".join(str(n or "?") for n in one.shape) + "]" for one in known.inputs
            )
            raise InputError(
                f"{self._name} takes {shapes}; a network for optical flow takes two frames of one "
                "size, float32 [1, 3, H, W]"
            )
        return one[2], one[3]

    def _flow(self, frames: list[np.ndarray]) -> np.ndarray:
        """uint8 [H, W, 3] each, of a size the network can take → float32 [H, W, 2]."""
        with self._running():
            for name, frame in zip(self._inputs, frames, strict=True):
                self._net.setInput(np.float32(frame.transpose(2, 0, 1))[None], name)
            found = self._net.forward(self._outputs)
        wanted = (1, 2, *frames[0].shape[:2])
        fitting = [one for one in found if one.shape == wanted]
        if not fitting:
            raise InputError(
                f"{self._name} is no network for optical flow: none of what comes out is "
                f"{list(wanted)}, (dx, dy) for each pixel"
            )
        flow: np.ndarray = fitting[-1][0].transpose(1, 2, 0)
        if not np.isfinite(flow).all():
            raise InputError(f"{self._name} finds a flow that is not finite")
        return np.ascontiguousarray(flow, np.float32)

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        """InputError for what OpenCV raises; it prints nothing itself."""
        import cv2

        log: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging  # before OpenCV 5
        before = log.getLogLevel()
        log.setLogLevel(0)
        try:
            yield
        except (cv2.error, MemoryError) as error:
            if getattr(error, "code", NO_MEMORY) == NO_MEMORY:
                raise InputError(f"there is too little memory to run {self._name}") from error
            said = one_line(" ".join(_SOURCE.sub("", error.err or str(error)).split()))
            raise InputError(
                f"OpenCV {cv2.__version__} can't run {self._name}; onnxsim may make a file of it "
                f"that it can: {said.strip('> ')[:200]}"
            ) from error
        finally:
            log.setLogLevel(before)


def _whole(side: int) -> int:
    """The length of a side that a network of free size can take, not below this one."""
    return max(SMALLEST, -(-side // STRIDE) * STRIDE)


def _resized(array: np.ndarray, size: Any) -> np.ndarray:
    """[H, W, C] at (height, width)."""
    import cv2

    before = array.shape[:2]
    if tuple(before) == tuple(size):
        return array
    smaller = size[0] * size[1] < before[0] * before[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized: np.ndarray = cv2.resize(array, (size[1], size[0]), interpolation=how)
    return resized


def _padded(array: np.ndarray, size: Any) -> np.ndarray:
    """[H, W, C] with its last row and column repeated up to (height, width)."""
    more = [(0, new - old) for new, old in zip(size, array.shape, strict=False)]
    return np.pad(array, [*more, (0, 0)], "edge")
