"""Optical flow by a network in an ONNX file, such as RAFT. NumPy and OpenCV."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.onnx_file import FLOAT32, Outline, outline

__all__ = ["Raft", "try_apart"]

STRIDE = 8
"""Sides that a network of free size can take are multiples of this: it works at an eighth."""

SMALLEST = 128
"""Shorter sides, in px, are drawn out to this one: the fourth level of RAFT's pyramid is an eighth
of an eighth, and needs two places there to look between."""

NO_MEMORY = -4
"""OpenCV's code of an error."""

_SOURCE = re.compile(r"OpenCV\([^)]*\) \S+ error: \([^)]*\) ")
"""Where in OpenCV's own source an error was raised, before what it says."""

_NO_START, _REFUSED = 1, 3
"""Exit statuses of the process apart; 1 is Python's own where a package isn't found, say."""

_CODE = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from artistyle_tf.video.raft import child; child(sys.argv[1])"
)


class _File(NamedTuple):
    name: str
    data: bytes
    size: tuple[int, int]
    """(height, width) that the network takes, 0 where free."""
    inputs: list[str]
    outputs: list[str]


class Raft:
    """RAFT, or another network that is used like it.

    Teed and Deng 2020, arXiv:2003.12039, as their code is exported: two inputs, float32
    [1, 3, H, W], RGB from 0 to 255, and an output [1, 2, H, W], (dx, dy) in px from the first to
    the second. Of several outputs of that size, the last counts, which is that of the last
    iteration.
    """

    def __init__(self, path: str):
        """Reads the network.

        Raises:
          InputError: the file can't be read, is no such network, or OpenCV can't run it.
        """
        import cv2

        self._file = _read(path)
        with _running(self._file.name):
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(self._file.data, np.uint8))

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Like `flow.dense_flow`.

        Frames get the network's size, if that is fixed, whatever their shape; the flow is then
        brought back to theirs.

        Raises:
          InputError: OpenCV can't run the network on them, or what comes out is no flow.
        """
        sides = first.shape[:2]
        size = [fixed or side for fixed, side in zip(self._file.size, sides, strict=True)]
        room = [fixed or _whole(side) for fixed, side in zip(self._file.size, sides, strict=True)]
        # Resized as float32, since uint8 would be rounded.
        frames = [_resized(one.astype(np.float32), size) for one in (first, second)]
        flow = self._flow([_padded(one, room) for one in frames])
        flow = _resized(np.ascontiguousarray(flow[: size[0], : size[1]]), sides)
        return flow * np.array([sides[1] / size[1], sides[0] / size[0]], np.float32)

    def try_out(self) -> None:
        """Runs the network on two black frames; InputError as above."""
        black = np.zeros([*(side or SMALLEST for side in self._file.size), 3], np.uint8)
        self(black, black)

    def _flow(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """float32 [H, W, 3] each, of a size the network can take → float32 [H, W, 2]."""
        name, _, _, inputs, outputs = self._file
        with _running(name):
            for port, frame in zip(inputs, frames, strict=True):
                self._net.setInput(np.ascontiguousarray(frame.transpose(2, 0, 1)[None]), port)
            found = self._net.forward(outputs)
        wanted = (1, 2, *frames[0].shape[:2])
        fitting = [one for one in found if one is not None and one.shape == wanted]
        if not fitting:
            raise InputError(
                f"{name} is no network for optical flow: none of what comes out is "
                f"{list(wanted)}, (dx, dy) for each pixel"
            )
        flow: np.ndarray = fitting[-1][0].transpose(1, 2, 0)
        if not np.isfinite(flow).all():
            raise InputError(f"{name} finds a flow that is not finite")
        return flow.astype(np.float32)


def try_apart(path: str) -> None:
    """Reads and tries the network in a process of its own, since some make OpenCV crash.

    Raises:
      InputError: as `Raft` does, and for those.
    """
    name = _read(path).name
    command = [sys.executable, "-c", _CODE, path, *sys.path]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        status = done.returncode
    except OSError:
        status = _NO_START
    if status == _NO_START:
        Raft(path).try_out()
    elif status == _REFUSED:
        raise InputError(done.stdout.decode())
    elif status:
        raise InputError(
            f"{name} makes OpenCV crash: it is damaged, too large for the memory, or more than "
            "OpenCV can run"
        )


def child(path: str) -> None:
    """That process: the error goes to standard output."""
    try:
        Raft(path).try_out()
    except InputError as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.stdout.flush()
        sys.exit(_REFUSED)


def _read(path: str) -> _File:
    name = one_line(os.path.basename(path))
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"can't read {one_line(path)}: {reason(error)}") from error
    try:
        known = outline(data)
    except ValueError as error:
        raise InputError(f"{name} is no ONNX file, or a damaged one: {reason(error)}") from error
    size = _size(name, known)
    inputs, outputs = ([one.name for one in ports] for ports in (known.inputs, known.outputs))
    return _File(name, data, size, inputs, outputs)


def _size(name: str, known: Outline) -> tuple[int, int]:
    """(height, width) that the network takes, 0 where free; InputError if it isn't for flow."""
    if known.elsewhere:
        raise InputError(
            f"{name} has its parameters in another file; all must be in one, as "
            "onnx.save(onnx.load(path), other_path) writes it"
        )
    if len(known.inputs) != 2:
        raise InputError(
            f"{name} is no network for optical flow, which has 2 inputs, the two frames; "
            f"this one has {len(known.inputs)}"
        )
    first, second = known.inputs
    shape = first.shape
    same = first[1:] == second[1:] and first.kind == FLOAT32
    if not (same and len(shape) == 4 and shape[0] in (0, 1) and shape[1] in (0, 3)):
        shapes = " and ".join(
            "[" + ", ".join(str(n or "?") for n in one.shape) + "]" for one in known.inputs
        )
        raise InputError(
            f"{name} takes {shapes}; a network for optical flow takes two frames of one size, "
            "float32 [1, 3, H, W]"
        )
    return shape[2], shape[3]


@contextlib.contextmanager
def _running(name: str) -> Iterator[None]:
    """InputError for what OpenCV raises; it prints nothing itself."""
    import cv2

    log: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging  # before OpenCV 5
    before = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    except MemoryError as error:
        raise InputError(f"there is too little memory to run {name}") from error
    except cv2.error as error:
        if error.code == NO_MEMORY:
            raise InputError(f"there is too little memory to run {name}") from error
        said = one_line(" ".join(_SOURCE.sub("", error.err or str(error)).split()))
        raise InputError(
            f"OpenCV {cv2.__version__} can't run {name}; onnxsim may make a file of it that it "
            f"can: {said.strip('> ')[:200]}"
        ) from error
    finally:
        log.setLogLevel(before)


def _whole(side: int) -> int:
    """The length of a side that a network of free size can take, not below this one."""
    return max(SMALLEST, -(-side // STRIDE) * STRIDE)


def _resized(array: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """[H, W, C] at (height, width)."""
    import cv2

    height, width = array.shape[:2]
    if (height, width) == tuple(size):
        return array
    how = cv2.INTER_AREA if size[0] * size[1] < height * width else cv2.INTER_LINEAR
    resized: np.ndarray = cv2.resize(array, (size[1], size[0]), interpolation=how)
    return resized


def _padded(array: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """[H, W, C] with its last row and column repeated up to (height, width)."""
    more = [(0, new - old) for new, old in zip(size, array.shape, strict=False)]
    return np.pad(array, [*more, (0, 0)], "edge")
