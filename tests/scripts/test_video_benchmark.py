"""The benchmark of clips: its figures on clips whose answers are known, and a small run."""

import json
import subprocess
import sys

import numpy as np
import pytest

import clips
from places import SAMPLES, SCRIPTS


@pytest.fixture
def measured(script):
    return script("video").figures


def test_a_clip_that_is_its_own_painting_is_steady(measured):
    pan = clips.pan(4)
    found = measured(pan, pan)
    assert found["warp error"] < 5
    assert found["still %"] < 20
    assert found["drift %"] == found["drift of the clip %"]


def test_flicker_and_drift_are_seen(measured):
    still = [clips.texture(64, 96)] * 5
    brighter = [
        np.clip(one * (1 + 0.01 * i), 0, 255).astype(np.uint8) for i, one in enumerate(still)
    ]
    found = measured(still, still)
    assert (found["warp error"], found["drift %"], found["still %"]) == (0, 0, 100)
    assert 3 < measured(still, brighter)["drift %"] < 4.5
    random = np.random.default_rng(0)
    flicker = [
        np.clip(one + random.normal(0, 10, one.shape), 0, 255).astype(np.uint8) for one in still
    ]
    assert 100 < measured(still, flicker)["warp error"] < 300


@pytest.mark.slow
def test_a_small_run(tmp_path, small_file):
    clips.write(tmp_path / "clip.mp4", clips.pan(3, (48, 64)))
    command = [
        sys.executable, f"{SCRIPTS}/benchmark/video.py", f"--content={tmp_path}/clip.mp4",
        f"--style={SAMPLES}/style.jpg", "--frames=2", "--size=48", "--iterations=4",
        f"--weights={small_file}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"tied", "frame by frame"}
    assert all(one["seconds a frame"] > 0 for one in found.values())
