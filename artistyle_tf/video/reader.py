"""Reads videos frame by frame, with masks, and the properties that a painted video keeps. PyAV."""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.images.masks import check_counts, grey, read_masks
from artistyle_tf.images.picture import MIN_SIDE, Picture, as_uint8
from artistyle_tf.text import one_line

logger = logging.getLogger("artistyle_tf")

BT709, BT601, SMPTE170M, BT2020 = 1, 5, 6, 9
"""Matrix coefficients of Y'CbCr, as numbered by H.273 and by FFmpeg's scaler."""

HD = 720  # Smaller side in px from which videos without a matrix are read as BT.709, as players do.
SLACK = 1.0
"""Seconds by which a video may end earlier than it says: the last frame may be shown for long."""

_HDR = {16: "PQ", 18: "HLG"}  # Transfer characteristics (H.273) whose range exceeds that of sRGB.


class BrokenVideoError(InputError):
    """A video can't be read to its end."""


class Look(NamedTuple):
    """How to interpret a video's pixels; numbers as in H.273."""

    bits: int  # Bits per channel, 8 or 10.
    matrix: int
    color_range: int  # 1: limited, 16 to 235 (MPEG); 2: full, 0 to 255 (JPEG).
    primaries: int
    transfer: int
    pixel_aspect: Fraction  # Width over height of a pixel as displayed.


class Frame(NamedTuple):
    """One upright frame."""

    number: int  # Index in the video, from 0.
    pts: int  # Presentation time in units of `Video.time_base`, strictly increasing.
    rgb: np.ndarray  # [H, W, 3] sRGB, 0 to 255: uint8, or float32 for more than 8 bits.
    masks: tuple[np.ndarray, ...] = ()
    """uint8 [h, w] each, 255 inside: where each style applies in this frame."""

    @property
    def rgb8(self) -> np.ndarray:
        return as_uint8(self.rgb)


class Video(NamedTuple):
    """Properties of a video, known before its frames are read."""

    path: str
    name: str
    size: tuple[int, int]  # (height, width) in px, upright.
    rate: Fraction  # Average frames per second.
    time_base: Fraction
    look: Look

    def blank(self) -> Picture:
        """A white picture with the video's size and name, for functions that take a picture."""
        return Picture(np.broadcast_to(np.uint8(255), (*self.size, 3)), None, self.name, ())

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yields the frames from `first` up to but excluding `stop`; None: to the end.

        Earlier frames are decoded too. Warns if a file ends earlier than it says. BrokenVideoError:
        a frame can't be read or changes size; the frames before it are valid.
        """
        with open_container(self.path) as container:
            stream = _video_stream(container, self.name)
            stream.thread_type = "AUTO"
            decoded, last = container.decode(stream), -1
            for number in itertools.count() if stop is None else range(stop):
                with _readable(self.name, number):
                    one = next(decoded, None)
                    if one is None:
                        if _lost_seconds(self, stream, number, last) > SLACK:
                            frames = "1 frame" if number == 1 else f"{number} frames"
                            text = "%s ends after %s, but should be longer; is it cut off?"
                            logger.warning(text, self.name, frames)
                        break
                    step = 1 / (self.rate * self.time_base)
                    pts = round(number * step) if one.pts is None else one.pts
                    last = max(pts, last + 1) if number else pts
                    if number < first:
                        continue
                    rgb = _upright_rgb(one, self.look)
                if rgb.shape[:2] != self.size:
                    was, now = (f"{width}×{height}" for height, width in (self.size, rgb.shape[:2]))
                    raise BrokenVideoError(
                        f"{self.name} changes its size from {was} to {now} px at frame {number + 1}"
                    )
                yield Frame(number, last, rgb)


def read_video(path: str) -> Video:
    """Reads a video's properties and decodes its first frame. InputError: no usable video."""
    name = one_line(os.path.basename(path))
    with open_container(path) as container:
        if _is_picture(container):
            raise InputError(f"{name} is a picture, not a video")
        stream = _video_stream(container, name)
        rate = stream.average_rate or stream.guessed_rate
        if not rate or rate <= 0 or not stream.time_base:
            raise InputError(f"{name} doesn't say how many frames a second it has")
        with _readable(name, 0):
            first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{name} has no frames")
        look = _look(first, stream)
        size = (first.width, first.height) if _turns(first) % 2 else (first.height, first.width)
        if min(size) < MIN_SIDE:
            raise InputError(
                f"{name} is {size[1]}×{size[0]} px; both sides must be at least {MIN_SIDE} px"
            )
        if look.transfer in _HDR:
            curve = _HDR[look.transfer]
            logger.warning("%s is HDR (%s), which is painted as if it were SDR", name, curve)
        return Video(path, name, size, rate, stream.time_base, look)


class Guides(NamedTuple):
    """The masks of a run; both empty without masks."""

    content: tuple[np.ndarray | Video, ...] = ()
    """One for each style: uint8 [h, w], 255 inside, for every frame; or a video."""
    styles: tuple[Picture, ...] = ()


def read_guides(
    content_masks: Sequence[str], own_masks: Sequence[str], video: Video, styles: Sequence[Picture]
) -> Guides:
    """Reads the masks, and opens those that are videos. Raises as `read_masks` does."""
    check_counts(len(styles), len(content_masks), len(own_masks))
    moving = [None if _is_picture_file(path) else read_video(path) for path in content_masks]
    each = [one.blank() if one else path for one, path in zip(moving, content_masks, strict=True)]
    masks = read_masks(each, own_masks, video.blank(), styles)
    content = [one or grey(mask) for one, mask in zip(moving, masks.content, strict=True)]
    return Guides(tuple(content), tuple(masks.styles))


def frames_with_masks(
    video: Video, guides: Guides, first: int = 0, stop: int | None = None
) -> Iterator[Frame]:
    """Yields a video's frames, each with its masks. BrokenVideoError also if a mask ends too
    early."""
    each = [
        itertools.repeat(mask) if isinstance(mask, np.ndarray) else _masks(mask, video, first, stop)
        for mask in guides.content
    ]
    for frame in video.frames(first, stop):
        yield frame._replace(masks=tuple(next(masks) for masks in each))


def _masks(mask: Video, video: Video, first: int, stop: int | None) -> Iterator[np.ndarray]:
    number = first
    for frame in mask.frames(first, stop):
        yield grey(Picture(frame.rgb8, None, mask.name, ()))
        number += 1
    raise BrokenVideoError(f"the mask {mask.name} ends before frame {number + 1} of {video.name}")


@contextlib.contextmanager
def open_container(path: str) -> Iterator[Any]:
    """The file as PyAV reads it. InputError if it can't be opened."""
    import av

    try:
        # Titles and such, which nothing here uses, may not be UTF-8: PyAV 18 needs to be told.
        told = {"metadata_errors": "replace"} if av.__version__.startswith("18.") else {}
        container = av.open(path, **told)
    except (OSError, av.error.FFmpegError) as error:
        name = one_line(os.path.basename(path))
        raise InputError(f"can't read {name}: {_message(error)}") from error
    with container:
        yield container


def _is_picture_file(path: str) -> bool:
    """Whether FFmpeg reads the file as a still picture, or not at all."""
    try:
        with open_container(path) as container:
            return _is_picture(container)
    except InputError:
        return True


def _is_picture(container: Any) -> bool:
    """Whether FFmpeg opened it as a still picture, for which it has "demuxers" like png_pipe."""
    kind = container.format.name
    still = kind == "gif" and container.streams.video[0].frames == 1
    return bool(still or kind.endswith("_pipe") or kind in ("image2", "ico"))


def _video_stream(container: Any, name: str) -> Any:
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:  # cover art
            return stream
    raise InputError(f"{name} has no video in it")


def _lost_seconds(video: Video, stream: Any, count: int, end: int) -> float:
    """Seconds missing by what the file says: FFmpeg doesn't notice where a file is cut off. `count`
    frames were read, the last of which is shown at `end`."""
    if stream.frames:  # MP4, MOV and AVI
        return float((stream.frames - count) / video.rate)
    told = stream.metadata.get("DURATION", "0")  # Matroska and WebM: hours:minutes:seconds
    with contextlib.suppress(ValueError):
        seconds = sum(float(part) * 60**i for i, part in enumerate(reversed(told.split(":"))))
        return seconds - float(end * video.time_base)
    return 0.0


@contextlib.contextmanager
def _readable(name: str, number: int) -> Iterator[None]:
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        text = f"{name} is broken at frame {number + 1}: {_message(error)}"
        raise BrokenVideoError(text) from error


def _message(error: Exception) -> str:
    return one_line(getattr(error, "strerror", None) or str(error))


def _look(frame: Any, stream: Any) -> Look:
    matrix = int(frame.colorspace)
    if matrix not in (BT709, BT601, SMPTE170M, BT2020):
        matrix = BT709 if min(frame.width, frame.height) >= HD else BT601
    aspect = stream.sample_aspect_ratio or Fraction(1)
    full = int(frame.color_range) == 2 or frame.format.name.startswith("yuvj")
    return Look(
        bits=10 if max(component.bits for component in frame.format.components) > 8 else 8,
        matrix=matrix,
        color_range=2 if full and not frame.format.is_rgb else 1,
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        pixel_aspect=1 / aspect if _turns(frame) % 2 else aspect,
    )


def _turns(frame: Any) -> int:
    """Quarter turns to the left that make the frame upright."""
    return round((frame.rotation or 0) / 90) % 4


def _upright_rgb(frame: Any, look: Look) -> np.ndarray:
    deep = look.bits > 8
    options = {} if frame.format.is_rgb else {"src_colorspace": look.matrix}
    rgb: np.ndarray = frame.to_ndarray(format="rgb48le" if deep else "rgb24", **options)
    if deep:
        rgb = rgb.astype(np.float32) * np.float32(255 / 65535)
    return np.ascontiguousarray(np.rot90(rgb, _turns(frame)))
