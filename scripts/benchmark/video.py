#!/usr/bin/env python3
"""Measures `artistyle-video` on drawn videos or a real one.

    scripts/benchmark/video.py --videos=pan,zoom,walk,square --keep=FOLDER [flags]
    scripts/benchmark/video.py --content=video.mp4 [flags]

Flags are those of `artistyle-video`; --style is the sample painting by default. The videos are
drawn from the sample photo: a camera that pans, zooms out, or walks between two walls, and a square
that moves before a camera that stands still. Prints a table and JSON; --keep keeps videos and
paintings.

Warp error, after Lai et al. 2018 (arXiv:1808.00449): the mean squared difference in grey levels of
neighbouring paintings, one warped by the flow of the video, over pixels where that flow leads there
and back. Drift: the largest change, in percent of the first frame's, of the mean and of the
standard deviation of luminance, beside that of the video. New: the share of the last frame that the
first one does not show; there, and in the first painting, the texture energy (mean square of the
luminance's finer detail) and the share of colours off the palette.
"""

import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence

import av
import cv2
import numpy as np

from artistyle_tf import samples
from artistyle_tf.images.color import NODES, luminance, palette_table
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import resize
from artistyle_tf.video.main import main as artistyle_video
from artistyle_tf.video.motion import dense_flow, find_disocclusions, warp

COUNT, SIZE = 40, (144, 256)  # Frames of a drawn video, and their height and width in px.
OFF = (255 * 0.02) ** 2  # In the palette's table: twice as far as counts as none.


def draw(kind: str) -> list[np.ndarray]:
    """The frames of a drawn video, uint8 [H, W, 3]."""
    photo, (height, width) = read(samples.content()).rgb, SIZE
    rows, columns = np.indices(SIZE, np.float32)
    frames = []
    for i in range(COUNT):
        x, y = columns - width / 2, rows - height / 2
        if kind == "pan":  # to the right, by 11 px
            x, y = (x + 11 * i) / 0.72 + 200, y / 0.72 + 240
        elif kind == "zoom":  # out
            scale = 1.1 + 1.6 * i / (COUNT - 1)
            x, y = x * scale + 560, y * scale + 260
        elif kind == "walk":  # 4 m wide, 1.6 m above the ground, at 1.4 m/s
            step = i / 25
            x, y = x / width + 0.01 * np.sin(9 * step), y / width + 0.006 * np.sin(18 * step)
            wall = np.maximum(np.abs(x) / 2, 1e-3)
            far = 1 / np.maximum(wall, np.maximum(y, 0) / 1.6)
            ground = y / 1.6 > wall
            along = (far + 1.4 * step + 4) * 90
            side = np.where(ground, x * far * 60 + 200, y * far * 60 + 240 + 90 * (x > 0))
            sky = far > 16
            x = np.where(sky, x * 600 + 400, np.abs((along + 960) % 1920 - 960))
            y = np.where(sky, y * 300 + 160, np.where(ground, side + 180, np.maximum(side, 20)))
        else:
            x, y = x / 0.4 + 480, y / 0.4 + 270
        frame = cv2.remap(
            photo, np.float32(x), np.float32(y), cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101
        )
        if kind == "square":
            left = 10 + 4 * i
            frame[50:106, left : left + 56] = resize(photo[60:340, 680:960], (56, 56))
        frames.append(frame)
    return frames


def write(path: str, frames: Sequence[np.ndarray]) -> None:
    with av.open(path, "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        (stream.height, stream.width), stream.pix_fmt = frames[0].shape[:2], "yuv444p"
        for one in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(one, format="rgb24")))
        output.mux(stream.encode(None))


def read_frames(path: str) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def drifts(frames: Sequence[np.ndarray]) -> list[float]:
    """The largest changes from the first frame of mean and standard deviation, in percent."""
    found = np.array([(one.mean(), one.std()) for one in map(luminance, frames)])
    return [float(one) for one in 100 * np.abs(found / found[0] - 1).max(axis=0)]


def figures(
    video: Sequence[np.ndarray], painted: Sequence[np.ndarray], table: np.ndarray
) -> dict[str, float]:
    errors, new = [], np.zeros(video[0].shape[:2], np.float32)
    for (before, now), (first, second) in zip(
        itertools.pairwise(video), itertools.pairwise(painted), strict=True
    ):
        back, forth = dense_flow(now, before), dense_flow(before, now)
        unseen, moved = find_disocclusions(back, forth), warp(first.astype(np.float32), back)
        errors.append(np.square(second - moved)[~unseen].mean())
        new = np.where(unseen, np.float32(1), warp(new, back))

    def texture(painting: np.ndarray) -> np.ndarray:
        grey = luminance(painting)
        return np.square(grey - cv2.GaussianBlur(grey, (0, 0), 2))

    def off(painting: np.ndarray) -> np.ndarray:
        nodes = np.rint(painting / 255 * (NODES - 1)).astype(int)
        return 100 * (table[tuple(np.moveaxis(nodes, -1, 0))] > OFF)

    (mean, spread), (own_mean, own_spread) = drifts(painted), drifts(video)
    found = {
        "warp error": float(np.mean(errors)),
        "drift of mean": mean,
        "the video's": own_mean,
        "of contrast": spread,
        "the video's own": own_spread,
        "new": 100 * float(np.mean(new > 0.5)),
    }
    if found["new"] > 1:
        there = new > 0.5
        found["texture there, of the first's"] = texture(painted[-1])[there].mean()
        found["texture there, of the first's"] /= texture(painted[0]).mean()
        found["off palette there"] = off(painted[-1])[there].mean()
        found["in the first"] = off(painted[0]).mean()
    return found


def main(arguments: Sequence[str]) -> int:
    def flag(name: str, default: str) -> str:
        named = [one.partition("=")[2] for one in arguments if one.startswith(f"--{name}=")]
        return named[-1] if named else default

    own = ("--videos=", "--keep=", "--content=")
    flags = [one for one in arguments if not one.startswith(own)]
    style, content = flag("style", str(samples.style())), flag("content", "")
    table, found = palette_table([read(style).rgb]), {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = flag("keep", temporary)
        for name in [content] if content else flag("videos", "pan,zoom,walk,square").split(","):
            path, output = name, f"{folder}/painted-{os.path.basename(name)}.mkv"
            if not content:
                path = f"{folder}/{name}.mkv"
                write(path, draw(name))
            began = time.monotonic()
            named = [f"--content={path}", f"--output={output}", "--quiet", f"--style={style}"]
            if status := artistyle_video([*named, *flags]):
                return status
            seconds, painted = time.monotonic() - began, read_frames(output)
            video = [resize(one, painted[0].shape[:2]) for one in read_frames(path)]
            row = {**figures(video, painted, table), "seconds a frame": seconds / len(video)}
            found[os.path.basename(name)] = {key: float(one) for key, one in row.items()}
            print(name, *(f"{key} {one:.3g}" for key, one in row.items()), sep="  ", flush=True)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
