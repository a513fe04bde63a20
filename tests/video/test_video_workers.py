"""Shots painted by workers of Ray, with relative paths."""

import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.video.flags import parse
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.main import main
from artistyle_tf.video.session import Session
from places import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unfrozen")]

SIZE = (36, 48)
SHOTS = ((0, 1), (2, 3, 4))


def test_two_workers_paint_what_one_process_paints_and_name_a_shot_that_fails(
    tmp_path, small_file, monkeypatch, capsys
):
    """One frame is there already, but broken: the other shot is painted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
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
    with open(f"{found.folder}/00000002.png", "wb") as file:
        file.write(b"broken")
    assert main(flags) == 1
    said = f"the shot at frame 3 failed: can't read {found.folder}/00000002.png; remove it"
    assert capsys.readouterr().err.splitlines()[-1] == f"artistyle-video: {said}"
    assert [number for number in range(5) if found.has(number)] == [0, 1, 2]
    session.paint(SHOTS[0], own)
    for number in SHOTS[0]:
        one, other = (each.read(number).astype(int) for each in (found, own))
        # A worker has fewer threads, which add up in another order.
        assert np.abs(one - other).mean() < 0.2
        assert np.abs(one - other).max() < 20
