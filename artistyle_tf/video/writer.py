"""Writes clips: the painted frames with the timing and the sound of the original. PyAV."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from artistyle_tf import files
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.clip import BT601, SMPTE170M, Clip, open_container

__all__ = ["FORMATS", "check_name", "write_clip"]

logger = logging.getLogger("artistyle_tf")

FORMATS = {
    ".mp4": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
"""Extension → FFmpeg's names of the (container, codec)."""

OPTIONS = {
    # Without cpu-independent, x264 165 reads uninitialised memory (Valgrind) when it distributes
    # bits: 6 of 180,000 encodings of the same six frames differed from the others. With it, none.
    "libx264": {"crf": "18", "x264-params": "cpu-independent=1"},
    "libvpx-vp9": {"crf": "24", "b:v": "0", "cpu-used": "4", "row-mt": "1"},
}
"""FFmpeg's options by codec: a quality whose compression is hardly visible, and the same bytes for
the same frames."""


def check_name(path: str) -> None:
    """ConfigError if the extension is not in `FORMATS`."""
    extension = os.path.splitext(path)[1]
    if extension.lower() not in FORMATS:
        raise ConfigError(
            f"output is {path!r}; a clip must be named {', '.join(FORMATS)}, not {extension!r}"
        )


def write_clip(
    path: str, clip: Clip, frames: Iterable[tuple[int, np.ndarray]], *, until_end: bool = True
) -> int:
    """Writes the frames and the original's sound atomically; returns the number of frames.

    Args:
      path: the output file, with an extension in `FORMATS`.
      clip: the original, from which sound, time base and colour properties are taken.
      frames: (pts in `clip.time_base`, [H, W, 3] sRGB uint8 or uint16), in order. An odd last row
        or column is cut off, since chroma subsampling needs even sides.
      until_end: whether the sound continues to its end after the last frame.

    Raises:
      InputError: the clip can't be written.
    """
    import av

    try:
        with files.replacing(files.as_path(path)) as file:
            return _write(file, path, clip, frames, until_end)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error


def _write(
    file: Any, path: str, clip: Clip, frames: Iterable[tuple[int, np.ndarray]], until_end: bool
) -> int:
    import av

    container, codec = FORMATS[os.path.splitext(path)[1].lower()]
    count, end = 0, Fraction(0)
    with (
        av.open(file, "w", format=container) as output,
        open_container(clip.path) as original,
    ):
        stream, sound = None, _Sound(original, output, path)
        for pts, pixels in frames:
            height, width = (side - side % 2 for side in pixels.shape[:2])
            if stream is None:
                stream = _stream(output, codec, clip, (height, width))
            frame = _frame(pixels[:height, :width], stream.pix_fmt, clip)
            frame.pts, frame.time_base = pts, clip.time_base
            end = pts * clip.time_base
            sound.until(end)
            output.mux(stream.encode(frame))
            count += 1
        if stream is not None:
            output.mux(stream.encode(None))
        sound.until(None if until_end else end + 1 / clip.rate)
    return count


def _stream(output: Any, codec: str, clip: Clip, size: tuple[int, int]) -> Any:
    deep = clip.look.bits > 8
    stream = output.add_stream(codec, rate=clip.rate, options=dict(OPTIONS[codec]))
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p10le" if deep else "yuv420p"
    context = stream.codec_context
    context.time_base = clip.time_base
    context.sample_aspect_ratio = clip.look.pixel_aspect
    context.colorspace, context.color_range = clip.look.matrix, clip.look.color_range
    context.color_primaries, context.color_trc = clip.look.primaries, clip.look.transfer
    return stream


def _frame(pixels: np.ndarray, pix_fmt: str, clip: Clip) -> Any:
    import av

    if clip.look.bits > 8 and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * 257
    pixels = np.ascontiguousarray(pixels)
    kind = "rgb24" if pixels.dtype == np.uint8 else "rgb48le"
    frame = av.VideoFrame.from_ndarray(pixels, format=kind)
    matrix = BT601 if clip.look.matrix == SMPTE170M else clip.look.matrix
    return frame.reformat(
        format=pix_fmt,
        dst_colorspace=matrix,
        src_color_range=2,
        dst_color_range=clip.look.color_range,
    )


class _Sound:
    """Copies the original's sound packet by packet, without re-encoding."""

    def __init__(self, original: Any, output: Any, path: str):
        self._output, self._to = output, {}
        for stream in original.streams.audio:
            if stream.codec_context.name not in output.supported_codecs:
                extension = os.path.splitext(path)[1]
                logger.warning(
                    "%s can't hold sound as %s, which is left out; .mkv can",
                    extension,
                    stream.codec_context.name,
                )
                continue
            self._to[stream.index] = output.add_stream_from_template(stream)
        self._packets = self._read(original) if self._to else iter(())
        self._next: Any = None

    def until(self, end: Fraction | None) -> None:
        """Writes the packets up to `end` in seconds; None: all that are left."""
        while True:
            packet, self._next = self._next or next(self._packets, None), None
            if packet is None:
                return
            if end is not None and packet.dts * packet.time_base > end:
                self._next = packet
                return
            packet.stream = self._to[packet.stream.index]
            self._output.mux(packet)

    def _read(self, original: Any) -> Iterator[Any]:
        import av

        streams = [original.streams[index] for index in self._to]
        with contextlib.suppress(av.error.FFmpegError):  # a broken end: keep what precedes it
            for packet in original.demux(streams):
                if packet.dts is not None:
                    yield packet
