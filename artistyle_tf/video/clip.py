"""Reads clips frame by frame, with the properties that the painted clip has to keep. PyAV."""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.images.picture import MIN_SIDE, Picture
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.whole import is_cut_off

__all__ = ["BrokenClipError", "Clip", "Frame", "Look", "digest", "is_still", "read_clip"]

BT709, UNSPECIFIED, BT601, BT2020 = 1, 2, 5, 9
"""Matrix coefficients of Y'CbCr, as numbered by H.273 and by FFmpeg's scaler."""

HD = 720
"""Smaller side in px from which clips without a matrix are read as BT.709, as players do."""

TAGS = "replace"  # characters of titles and such that are not UTF-8: nothing here uses them

_HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics (H.273) whose range exceeds that of sRGB."""


class BrokenClipError(InputError):
    """The frames of a clip can't be read to the end."""


class Look(NamedTuple):
    """How the pixels of a clip are to be interpreted; numbers as in H.273."""

    bits: int
    """Bits per channel, 8 or 10."""
    matrix: int
    color_range: int
    """1: limited, 16 to 235 (MPEG); 2: full, 0 to 255 (JPEG)."""
    primaries: int
    transfer: int
    pixel_aspect: Fraction
    """Width over height of a pixel as displayed."""


class Frame(NamedTuple):
    """One upright frame."""

    number: int
    """Index in the clip, from 0."""
    pts: int
    """Presentation time in units of `Clip.time_base`, strictly increasing."""
    rgb: np.ndarray
    """[H, W, 3] sRGB, 0 to 255: uint8, or float32 if the clip has more than 8 bits."""
    masks: tuple[np.ndarray, ...] = ()
    """uint8 [h, w] each, 255 inside: where each style applies in this frame; see `guides`."""

    @property
    def rgb8(self) -> np.ndarray:
        """`rgb` as uint8."""
        if self.rgb.dtype == np.uint8:
            return self.rgb
        return np.clip(np.rint(self.rgb), 0, 255).astype(np.uint8)


class Clip(NamedTuple):
    """Properties of a clip, known before its frames are read."""

    path: str
    name: str
    size: tuple[int, int]
    """(height, width) in px, upright."""
    rate: Fraction
    """Average frames per second."""
    time_base: Fraction
    look: Look
    notes: tuple[str, ...]

    def blank(self) -> Picture:
        """A black picture with the clip's size and name, for functions that ask for both."""
        return Picture(np.broadcast_to(np.uint8(0), (*self.size, 3)), None, self.name, ())

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The frames numbered from `first` up to but excluding `stop`; None: to the end.

        Earlier frames are decoded too, since most frames depend on them.

        Raises:
          BrokenClipError: a frame can't be read or changes size, or the file is cut off. All frames
            before that are valid.
        """
        with _opened(self.path, self.name) as container:
            stream = _video(container, self.name)
            stream.thread_type = "AUTO"
            last = None
            decoded = container.decode(stream)
            for number in itertools.count() if stop is None else range(stop):
                with _readable(self.name, number):
                    one = next(decoded, None)
                    if one is None:
                        if is_cut_off(self.path):
                            raise BrokenClipError(f"{self.name} is cut off after frame {number}")
                        break
                    step = 1 / (self.rate * self.time_base)
                    pts = round(number * step) if one.pts is None else one.pts
                    last = pts if last is None else max(pts, last + 1)
                    if number < first:
                        continue
                    rgb = _upright(one, _rgb(one, self.look))
                if rgb.shape[:2] != self.size:
                    was, now = (f"{width}×{height}" for height, width in (self.size, rgb.shape[:2]))
                    raise BrokenClipError(
                        f"{self.name} changes its size from {was} to {now} px at frame {number + 1}"
                    )
                yield Frame(number, last, rgb)


def read_clip(path: str) -> Clip:
    """The properties of a clip. Decodes its first frame.

    Raises:
      InputError: the file is not a clip, or is a clip that can't be used.
    """
    name = one_line(os.path.basename(path))
    with _opened(path, name) as container:
        stream = _video(container, name)
        rate = stream.average_rate or stream.guessed_rate
        if not rate or rate <= 0 or not stream.time_base:
            raise InputError(f"{name} doesn't say how many frames a second it has")
        with _readable(name, 0):
            first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{name} has no frames")
        turned = _turns(first) % 2 == 1
        size = (first.width, first.height) if turned else (first.height, first.width)
        if min(size) < MIN_SIDE:
            raise InputError(
                f"{name} is {size[1]}×{size[0]} px; both sides must be at least {MIN_SIDE} px"
            )
        look = _look(first, stream, turned)
        notes: tuple[str, ...] = ()
        if look.transfer in _HDR:
            curve = _HDR[look.transfer]
            notes = (f"{name} is HDR ({curve}), which is painted as if it were SDR",)
        return Clip(path, name, size, rate, stream.time_base, look, notes)


def is_still(path: str) -> bool:
    """Whether a file is a still picture, or none that FFmpeg reads.

    FFmpeg reads stills by "demuxers" of their own, called like png_pipe.
    """
    import av

    try:
        with av.open(path, metadata_errors=TAGS) as container:
            kind = container.format.name
            return kind.endswith("_pipe") or kind == "image2"
    except (OSError, av.error.FFmpegError):
        return True


def digest(path: str) -> str:
    """SHA-256 of the file in hex. InputError if it can't be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"can't read {one_line(path)}: {reason(error)}") from error


@contextlib.contextmanager
def _opened(path: str, name: str) -> Iterator[Any]:
    import av

    try:
        container = av.open(path, metadata_errors=TAGS)
    except (OSError, av.error.FFmpegError) as error:
        raise InputError(f"can't read {name}: {_said(error)}") from error
    with container:
        yield container


def _video(container: Any, name: str) -> Any:
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:  # cover art
            return stream
    raise InputError(f"{name} has no video in it")


@contextlib.contextmanager
def _readable(name: str, number: int) -> Iterator[None]:
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        text = f"{name} is broken at frame {number + 1}: {_said(error)}"
        raise BrokenClipError(text) from error


def _said(error: Exception) -> str:
    return one_line(getattr(error, "strerror", None) or str(error))


def _look(frame: Any, stream: Any, turned: bool) -> Look:
    depth = max(component.bits for component in frame.format.components)
    matrix = int(frame.colorspace)
    if matrix not in (BT709, BT601, 6, BT2020):
        matrix = BT709 if min(frame.width, frame.height) >= HD else BT601
    aspect = stream.sample_aspect_ratio or Fraction(1)
    full = int(frame.color_range) == 2 or frame.format.name.startswith(("yuvj", "rgb", "gbr"))
    return Look(
        bits=10 if depth > 8 else 8,
        matrix=matrix,
        color_range=2 if full and not frame.format.is_rgb else 1,
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        pixel_aspect=1 / aspect if turned else aspect,
    )


def _rgb(frame: Any, look: Look) -> np.ndarray:
    matrix = BT601 if look.matrix == 6 else look.matrix
    deep = look.bits > 8
    options = {} if frame.format.is_rgb else {"src_colorspace": matrix}
    array: np.ndarray = frame.to_ndarray(format="rgb48le" if deep else "rgb24", **options)
    if not deep:
        return array
    return array.astype(np.float32) * np.float32(255 / 65535)


def _turns(frame: Any) -> int:
    """Quarter turns to the left that make the frame upright."""
    return round((frame.rotation or 0) / 90) % 4


def _upright(frame: Any, rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(rgb, _turns(frame)))
