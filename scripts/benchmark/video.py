#!/usr/bin/env python3
"""Measures `artistyle-video`: how steady a painted clip is, and the seconds it takes.

    scripts/benchmark/video.py --content=clip.mp4 --style=painting.jpg --frames=30 [flags]

Other flags are those of `artistyle-video`. Prints a table and JSON for the first frames of the clip
painted with these flags, and frame by frame: each on its own, like a picture.

Warp error, after Lai et al. 2018 (arXiv:1808.00449): the mean squared difference in grey levels of
neighbouring paintings, one warped by the flow of the clip, over pixels where that flow is
consistent. Drift: the largest change of mean luminance from the first frame, beside that of the
clip. Still: the share of pixels that never change.
"""

import itertools
import json
import sys
import tempfile
import time

import numpy as np

from artistyle_tf.cli.console import quiet_import
from artistyle_tf.images.sizes import resize
from artistyle_tf.video.flags import Options, parse
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.motion import consistency, dense_flow, warp
from artistyle_tf.video.session import Session
from artistyle_tf.video.shots import to_float32, to_levels
from artistyle_tf.video.survey import find_shots

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def painted(options: Options, count: int, alone: bool) -> tuple[list[np.ndarray], float]:
    """(uint8 paintings, seconds a frame); `alone`: frame by frame."""
    session = Session(options)
    frames = list(itertools.islice(session.frames(), count))
    session.painter.paint_first(frames[0])  # network, traces: not counted
    began = time.monotonic()
    if alone:
        found = [to_levels(session.painter.paint_first(frame), False) for frame in frames]
        return found, (time.monotonic() - began) / count
    with tempfile.TemporaryDirectory() as folder:
        store = FrameStore.open(f"{folder}/out.mp4", {})
        for numbers in find_shots(frames).shots:
            session.paint(numbers, store)
        seconds = (time.monotonic() - began) / count
        return [store.read(frame.number) for frame in frames], seconds


def figures(clip: list[np.ndarray], paintings: list[np.ndarray]) -> dict[str, float]:
    """Warp error, drift, the clip's own drift, and the share of still pixels."""
    errors = []
    for (before, now), (first, second) in zip(
        itertools.pairwise(clip), itertools.pairwise(paintings), strict=True
    ):
        backward, forward = dense_flow(now, before), dense_flow(before, now)
        weights = consistency(backward, forward)[..., None]
        moved = warp(to_float32(first), backward)
        squared = np.square(to_float32(second) - moved) * weights
        errors.append(squared.sum() / max(3 * weights.sum(), 1))
    still = np.all([(one == paintings[0]).all(axis=-1) for one in paintings], axis=0)
    return {
        "warp error": float(np.mean(errors)),
        "drift %": drift(paintings),
        "drift of the clip %": drift(clip),
        "still %": 100 * float(still.mean()),
    }


def drift(frames: list[np.ndarray]) -> float:
    """The largest change of mean luminance from the first frame, in percent."""
    means = np.array([(one.astype(np.float32) @ LUMINANCE).mean() for one in frames])
    return float(100 * np.abs(means / means[0] - 1).max())


def main(arguments: list[str]) -> None:
    """Measures and prints."""
    own = [one for one in arguments if one.startswith("--frames=")]
    count = int(own[-1].partition("=")[2]) if own else 30
    rest = [one for one in arguments if one not in own]
    options = parse([*rest, "--output=out.mp4", "--quiet"])
    if isinstance(options, str):
        print(options)
        return
    with quiet_import():
        import artistyle_tf.video.painting  # noqa: F401
    session = Session(options)
    frames = itertools.islice(session.frames(), count)
    clip = [resize(frame.rgb8, session.size) for frame in frames]
    found = {}
    for name, alone in (("tied", False), ("frame by frame", True)):
        paintings, seconds = painted(options, len(clip), alone)
        found[name] = {**figures(clip, paintings), "seconds a frame": seconds}
        row = "  ".join(f"{key} {value:.3g}" for key, value in found[name].items())
        print(f"{name:15} {row}", flush=True)
    ratios = (
        f"{key} {found['tied'][key] / max(found['frame by frame'][key], 1e-9):.3g}"
        for key in ("warp error", "seconds a frame")
    )
    print(f"{'ratio':15} {'  '.join(ratios)}")
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
