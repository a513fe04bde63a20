"""Writes videos: the painted frames with the timing and the sound of the original. PyAV."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from artistyle_tf import files
from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.reader import Video, open_container

logger = logging.getLogger("artistyle_tf")

FORMATS = {
    ".mp4": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
"""Extension → FFmpeg's (container, codec)."""

OPTIONS = {
    # Without cpu-independent, x264 165 reads uninitialised memory (Valgrind) when it distributes
    # bits: 6 of 180,000 encodings of the same six frames differed from the others. With it, none.
    "libx264": {"crf": "18", "x264-params": "cpu-independent=1"},
    "libvpx-vp9": {"crf": "24", "b:v": "0", "cpu-used": "4", "row-mt": "1"},
}
"""FFmpeg's options by codec: compression is hardly visible, and equal frames give equal bytes."""


def write_video(
    path: str, video: Video, frames: Iterable[tuple[int, np.ndarray]], *, until_end: bool = True
) -> None:
    """Writes the frames and the original's sound atomically. InputError if that fails.

    Args:
      path: with an extension in `FORMATS`.
      video: the original: sound, time base and colour properties are its.
      frames: (pts in `video.time_base`, [H, W, 3] sRGB uint8 or uint16), in order. An odd last row
        or column is cut off, since chroma subsampling needs even sides.
      until_end: whether the sound goes on after the last frame.
    """
    import av

    extension = os.path.splitext(path)[1].lower()
    container, codec = FORMATS[extension]
    stream, end = None, Fraction(0)
    try:
        with (
            files.replacing(files.as_path(path)) as file,
            av.open(file, "w", format=container) as output,
            open_container(video.path) as original,
        ):
            output.metadata["comment"] = files.MARK.decode()
            sound = _Sound(original, output, extension)
            for pts, pixels in frames:
                height, width = (side - side % 2 for side in pixels.shape[:2])
                if stream is None:
                    stream = _stream(output, codec, video, (height, width))
                frame = _frame(pixels[:height, :width], stream.pix_fmt, video)
                frame.pts, frame.time_base = pts, video.time_base
                end = pts * video.time_base
                sound.until(end)
                output.mux(stream.encode(frame))
            if stream is not None:
                output.mux(stream.encode(None))
            sound.until(None if until_end else end + 1 / video.rate)
    except InputError:
        raise
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error


def _stream(output: Any, codec: str, video: Video, size: tuple[int, int]) -> Any:
    look = video.look
    stream = output.add_stream(codec, rate=video.rate, options=dict(OPTIONS[codec]))
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p10le" if look.bits > 8 else "yuv420p"
    context = stream.codec_context
    context.time_base, context.sample_aspect_ratio = video.time_base, look.pixel_aspect
    context.colorspace, context.color_range = look.matrix, look.color_range
    context.color_primaries, context.color_trc = look.primaries, look.transfer
    return stream


def _frame(pixels: np.ndarray, pix_fmt: str, video: Video) -> Any:
    import av

    kind = "rgb24" if pixels.dtype == np.uint8 else "rgb48le"
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind).reformat(
        format=pix_fmt,
        dst_colorspace=video.look.matrix,
        src_color_range=2,
        dst_color_range=video.look.color_range,
    )


class _Sound:
    """Copies the original's sound packet by packet, without re-encoding."""

    def __init__(self, original: Any, output: Any, extension: str):
        self._output, self._to = output, {}
        for stream in original.streams.audio:
            codec = stream.codec_context.name
            if codec in output.supported_codecs:
                self._to[stream.index] = output.add_stream_from_template(stream)
            else:
                text = "%s can't hold sound as %s, which is left out; .mkv can"
                logger.warning(text, extension, codec)
        self._packets = self._read(original) if self._to else iter(())
        self._next: Any = None

    def until(self, end: Fraction | None) -> None:
        """Copies the packets up to `end` in seconds; None: all that are left."""
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
