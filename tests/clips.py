"""Clips drawn by code, whose flow is known."""

from fractions import Fraction

import numpy as np

from artistyle_tf.video.reader import open_container


def texture(height, width, seed=0, blur=3):
    """uint8 [H, W, 3] with structure that a flow can follow."""
    import cv2

    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), blur)
    soft = (soft - soft.mean()) / soft.std() * 50 + 128
    return np.clip(soft, 0, 255).astype(np.uint8)


def pan(count, size=(64, 96), step=(2, 1), seed=0):
    """Frames of a camera that moves by (dx, dy) px each time over one large picture."""
    height, width = size
    dx, dy = step
    wide = texture(height + count * abs(dy), width + count * abs(dx), seed)
    return [wide[i * dy : i * dy + height, i * dx : i * dx + width].copy() for i in range(count)]


def square(count, size=(96, 128), side=32, step=4, seed=0):
    """Frames of a square that moves to the right over a background that stands still."""
    back, front = texture(*size, seed), texture(side, side, seed + 1)
    frames = []
    for i in range(count):
        frame = back.copy()
        frame[32 : 32 + side, 16 + i * step : 16 + i * step + side] = front
        frames.append(frame)
    return frames


def write(
    path, frames, *, rate=25, at=None, codec="libx264", pix_fmt="yuv420p", form=None, sound=None,
    rotation=0, color_range=1, colorspace=5, options=None,
):  # fmt: skip
    """A clip of these frames, uint8 or uint16 RGB; `at`: when they are shown, in frames.

    `sound`: half a second in that codec. `options`: FFmpeg's, of the container.
    """
    import av
    from av.audio.resampler import AudioResampler

    with av.open(str(path), "w", format=form, options=options or {}) as output:
        stream = audio = None
        if frames:
            stream = output.add_stream(codec, rate=rate)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pix_fmt
            context = stream.codec_context
            context.colorspace, context.color_range = colorspace, color_range
            if rotation:
                stream.set_display_rotation(rotation)
        if sound:
            audio = output.add_stream(sound, rate=48000)
        for number, pixels in enumerate(frames):
            kind = "rgb24" if pixels.dtype == np.uint8 else "rgb48le"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
            frame = frame.reformat(
                format=pix_fmt, dst_colorspace=colorspace, src_color_range=2,
                dst_color_range=color_range,
            )  # fmt: skip
            frame.pts, frame.time_base = at[number] if at else number, 1 / Fraction(rate)
            output.mux(stream.encode(frame))
        if stream:
            output.mux(stream.encode(None))
        if audio:
            wave = (np.sin(np.arange(24000) / 20) * 8000).astype(np.int16)[None]
            made = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            made.sample_rate, made.pts = 48000, 0
            context = audio.codec_context
            resampler = AudioResampler(context.format, context.layout, 48000, 1024)
            for one in (*resampler.resample(made), *resampler.resample(None)):
                output.mux(audio.encode(one))
            output.mux(audio.encode(None))


def packets(path):
    """The bytes of all packets of sound of a clip."""
    with open_container(str(path)) as container:
        if not container.streams.audio:
            return []
        return [bytes(one) for one in container.demux(audio=0) if one.size]
