"""Shots painted by workers of Ray, in processes as users start them, with relative paths."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.video.flags import parse
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.session import Session
from places import ROOT

pytestmark = pytest.mark.slow

SIZE = (36, 48)
SHOTS = ((0, 1), (2, 3, 4), (5,))


def test_two_workers_paint_what_one_process_paints_and_name_a_shot_that_fails(
    tmp_path, small_file, monkeypatch
):
    """One frame is there already, but broken: what comes before it and other shots are painted."""
    monkeypatch.chdir(tmp_path)
    pictures = [clips.pan(len(shot), SIZE, seed=i) for i, shot in enumerate(SHOTS)]
    clips.write("clip.mp4", [frame for shot in pictures for frame in shot])
    Image.fromarray(clips.texture(40, 50, 9)).save("style.png")
    flags = [
        "--content=clip.mp4", "--style=style.png", "--output=out.mp4", "--size=48", "--quiet",
        f"--weights={small_file}", "--preset=fast", "--levels=1", "--iterations=4",
        "--frame_iterations=2", "--workers=2",
    ]  # fmt: skip
    session, own = Session(parse(flags)), FrameStore.open("own.mp4", {})
    found = FrameStore.open("out.mp4", session.identity())
    with open(f"{found.folder}/00000003.png", "wb") as file:
        file.write(b"broken")
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3",
        "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        [sys.executable, "-m", "artistyle_tf.video", *flags], env=environment, capture_output=True,
        text=True, timeout=1800,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "artistyle-video: the shot at frame 3 failed: can't read "
        f"{found.folder}/00000003.png; remove it\n"
    )
    assert found.read_survey().shots == SHOTS
    assert [number for number in range(6) if found.has(number)] == [0, 1, 2, 3, 5]
    for shot in (SHOTS[0], SHOTS[1][:1], SHOTS[2]):
        session.paint(shot, own)
        for number in shot:
            one, other = (each.read(number).astype(int) for each in (found, own))
            # A worker has fewer threads, which add up in another order.
            assert np.abs(one - other).mean() < 0.2
            assert np.abs(one - other).max() < 20
