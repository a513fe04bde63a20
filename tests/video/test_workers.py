"""Shots painted by workers of Ray, in processes as users start them, with relative paths."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.video.clip import read_clip
from artistyle_tf.video.flags import parse
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.session import Session
from places import ROOT

pytestmark = pytest.mark.slow

SIZE = (36, 48)
SHOTS = ((0, 1), (2, 3, 4), (5, 6))

MAIN = """
import sys
from artistyle_tf.video.main import main
from artistyle_tf.video.frame_store import FrameStore
FrameStore.discard = lambda self: None  # so that frames can be compared before they are compressed
sys.exit(main(sys.argv[1:]))
"""
ALL_SHOTS = """
import sys
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.video.flags import parse
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.workers import paint_with_workers
options = parse(sys.argv[1:])
told = []
try:
    shots, store = ((0, 1), (2, 3, 4), (5, 6)), FrameStore.open(options.output, {})
    paint_with_workers(options, shots, store, lambda: told.append(1))
except ArtistyleError as error:
    print(error)
assert len(told) > 1
assert "tensorflow" not in sys.modules
"""


@pytest.fixture
def flags(tmp_path, small_file):
    pictures = [clips.pan(len(shot), SIZE, seed=i) for i, shot in enumerate(SHOTS)]
    clips.write(tmp_path / "clip.mp4", [frame for shot in pictures for frame in shot])
    Image.fromarray(clips.texture(40, 50, 9)).save(tmp_path / "style.png")
    return [
        "--content=clip.mp4", "--style=style.png", "--output=out.mp4", "--size=48", "--quiet",
        f"--weights={small_file}", "--preset=fast", "--levels=1", "--iterations=4",
        "--frame_iterations=2",
    ]  # fmt: skip


def run(folder, program, *flags):
    """What the process says: (exit status, on stdout, on stderr)."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3",
        "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        [sys.executable, "-c", program, *flags], cwd=folder, env=environment, capture_output=True,
        text=True, timeout=1800,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_two_workers_paint_what_one_process_paints(tmp_path, flags, monkeypatch):
    assert run(tmp_path, MAIN, *flags, "--workers=2") == (0, "", "")
    assert len(list(read_clip(str(tmp_path / "out.mp4")).frames())) == 7
    monkeypatch.chdir(tmp_path)
    session, own = Session(parse(flags)), FrameStore.open("own.mp4", {})
    found = FrameStore.open("out.mp4", session.identity())
    assert found.read_survey().shots == SHOTS
    for shot in SHOTS:
        session.paint(shot, own)
        for number in shot:
            one, other = (each.read(number).astype(int) for each in (found, own))
            # A worker has fewer threads, which add up in another order.
            assert np.abs(one - other).mean() < 0.2
            assert np.abs(one - other).max() < 20


def test_a_shot_that_fails_is_named_and_the_others_are_painted(tmp_path, flags):
    """One of its frames is there already, but broken."""
    store = FrameStore.open(str(tmp_path / "out.mp4"), {})
    with open(os.path.join(store.folder, "00000003.png"), "wb") as file:
        file.write(b"broken")
    status, said, errors = run(tmp_path, ALL_SHOTS, *flags)
    assert (status, errors) == (0, "")
    assert said.count("\n") == 1
    assert said.startswith("the shot at frame 3 failed: can't read ")
    assert said.endswith("out.mp4.frames/00000003.png; remove it\n")
    assert [number for number in range(7) if store.has(number)] == [0, 1, 2, 3, 5, 6]
    assert store.read(6).shape == (*SIZE, 3)
