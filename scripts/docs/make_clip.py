#!/usr/bin/env python3
"""The clip of docs/video.md: a boat that sails through a drawn harbour, painted.

    scripts/docs/make_clip.py [FOLDER]

Writes docs/video.webp, which loops, and docs/video-strip.jpg: frames of the clip, as painted, and
painted one by one like pictures. With FOLDER, it keeps the clips there, and resumes.
"""

import pathlib
import sys
import tempfile
from fractions import Fraction

import av
import harbour
import numpy as np
from PIL import Image

from artistyle_tf.video.clip import read_clip
from artistyle_tf.video.main import main as artistyle_video

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNT, WIDTH, RATE = 60, 320, 12
SHOWN = (20, 21, 22, 40)
STYLE = ROOT / "artistyle_tf" / "samples" / "style.jpg"


def draw(path: pathlib.Path) -> None:
    """The clip: the boat comes in at the left and leaves at the right."""
    places = np.linspace(-115, 650, COUNT)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, WIDTH * 3 // 4, "yuv420p"
        for number, place in enumerate(places):
            picture = np.asarray(harbour.draw(WIDTH, sailed=float(place)))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def painted(clip: pathlib.Path, output: pathlib.Path, *flags: str) -> list[np.ndarray]:
    """The frames of the painted clip."""
    if not output.exists():
        arguments = [f"--content={clip}", f"--style={STYLE}", f"--output={output}"]
        if artistyle_video([*arguments, "--preset=fast", f"--size={WIDTH}", *flags]):
            raise SystemExit(1)
    return [frame.rgb8 for frame in read_clip(str(output)).frames()]


def alone(frame: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """The frame, painted like a picture."""
    if not path.exists():
        import artistyle_tf

        config = artistyle_tf.Config.preset("fast", size=WIDTH)
        artistyle_tf.stylize(frame, str(STYLE), config).save(path)
    return np.asarray(Image.open(path).convert("RGB"))


def main(folder: pathlib.Path) -> None:
    """Draws, paints and writes."""
    clip = folder / "harbour.mp4"
    if not clip.exists():
        draw(clip)
    frames = [frame.rgb8 for frame in read_clip(str(clip)).frames()]
    tied = painted(clip, folder / "harbour-painted.mp4")
    single = [alone(frames[one], folder / f"alone-{one}.png") for one in SHOWN]
    rows = [[frames[one] for one in SHOWN], [tied[one] for one in SHOWN], single]
    strip = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    Image.fromarray(strip).save(ROOT / "docs" / "video-strip.jpg", quality=85)
    first, *rest = (Image.fromarray(one) for one in tied)
    first.save(
        ROOT / "docs" / "video.webp", save_all=True, append_images=rest,
        duration=1000 // RATE, loop=0, quality=45, method=6,
    )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:]:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(pathlib.Path(temporary))
