#!/usr/bin/env python3
"""Measures `artistyle-video`: how steady a painted clip is, and the seconds it takes.

    scripts/benchmark/video.py --content=clip.mp4 --style=painting.jpg [flags]

Flags are those of `artistyle-video`, but no --output. Prints a table and JSON for the clip painted
with these flags, and frame by frame: each on its own, like a picture.

Warp error, after Lai et al. 2018 (arXiv:1808.00449): the mean squared difference in grey levels of
neighbouring paintings, one warped by the flow of the clip, over pixels where that flow leads there
and back. Drift: the largest change of mean luminance from the first frame, beside that of the clip.
Still: the share of pixels that never change by more than what the codec does, 4 grey levels.
"""

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence

import av
import numpy as np

import artistyle_tf
from artistyle_tf.images.sizes import resize
from artistyle_tf.video.flags import parse
from artistyle_tf.video.main import main as artistyle_video
from artistyle_tf.video.motion import dense_flow, find_disocclusions, warp


def read_frames(path: str) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def warp_error(clip: Sequence[np.ndarray], painted: Sequence[np.ndarray]) -> float:
    errors = []
    for (before, now), (first, second) in zip(
        itertools.pairwise(clip), itertools.pairwise(painted), strict=True
    ):
        back, forth = dense_flow(now, before), dense_flow(before, now)
        moved = warp(first.astype(np.float32), back)
        errors.append(np.square(second - moved)[~find_disocclusions(back, forth)].mean())
    return float(np.mean(errors))


def drift(frames: Sequence[np.ndarray]) -> float:
    """The largest change of mean luminance from the first frame, in percent."""
    means = np.array([(one @ np.array([0.2126, 0.7152, 0.0722])).mean() for one in frames])
    return float(100 * np.abs(means / means[0] - 1).max())


def figures(clip: Sequence[np.ndarray], painted: Sequence[np.ndarray]) -> dict[str, float]:
    apart = [np.abs(one.astype(int) - painted[0]).max(-1) <= 4 for one in painted]
    return {
        "warp error": warp_error(clip, painted),
        "drift %": drift(painted),
        "drift of the clip %": drift(clip),
        "still %": 100 * float(np.all(apart, axis=0).mean()),
    }


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        flags = [*arguments, f"--output={folder}/painted.mkv", "--quiet"]
        options = parse(flags)
        if isinstance(options, str):
            print(options)
            return 0
        began = time.monotonic()
        if status := artistyle_video(flags):
            return status
        seconds, tied = time.monotonic() - began, read_frames(options.output)
    frames = read_frames(options.content)
    clip = [resize(frame, tied[0].shape[:2]) for frame in frames]
    found = {"tied": {**figures(clip, tied), "seconds a frame": seconds / len(clip)}}
    painter = artistyle_tf.Painter(options.config)
    began = time.monotonic()
    single = [painter(frame, list(options.styles)).image for frame in frames]
    seconds = time.monotonic() - began
    single = [one[: tied[0].shape[0], : tied[0].shape[1]] for one in single]  # of even sides
    found["frame by frame"] = {**figures(clip, single), "seconds a frame": seconds / len(clip)}
    for name, row in found.items():
        print(f"{name:15} {'  '.join(f'{key} {value:.3g}' for key, value in row.items())}")
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
