"""`artistyle-video` as a whole, with a small network: what comes out, traces, going on."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import clips
from artistyle_tf import Config
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.sizes import resize
from artistyle_tf.objective.whole import Objective
from artistyle_tf.video import main, painting
from artistyle_tf.video.clip import Frame, read_clip
from artistyle_tf.video.painting import FramePainter
from places import ROOT, SAMPLES

pytestmark = pytest.mark.usefixtures("unfrozen")

SIZE = (48, 64)


def traces(painter):
    """How often value and gradient were traced, of all solvers."""
    made = painter._solvers._made.values()
    return [one.objective.value_and_gradient.experimental_get_tracing_count() for one in made]


def test_frames_share_one_trace_and_are_held_to_those_before(small_file, picture):
    """With more weight a frame comes out nearer to the earlier picture; with c = 0 it is free."""
    config = Config(
        size=64, iterations=4, optimizer="lbfgs", weights=str(small_file), levels=1, init="content"
    )
    painter = FramePainter(config, [Picture(picture(40, 50, 1), None, "style", ())], 6)
    frame = picture(*SIZE)
    frame = Frame(0, 0, frame)
    first = painter.first(frame)
    assert first.shape == (*SIZE, 3)
    assert first.dtype == np.float32
    ones = np.ones(SIZE, np.float32)
    far = []
    for strength in (0.0, 1e3):
        found = painter.following(frame, first, first, ones, strength)
        far.append(np.abs(found - first).mean())
    assert far[1] < 0.2 * far[0]
    half = ones.copy()
    half[:, 32:] = 0
    found = np.abs(painter.following(frame, first, first, half, 1e3) - first)
    assert found[:, :28].mean() < 0.5 * found[:, 36:].mean()
    assert traces(painter) == [1]


def test_every_frame_is_weighed_by_the_one_that_it_is_told(small_file, picture, monkeypatch):
    config = Config(
        size=64, iterations=2, optimizer="lbfgs", weights=str(small_file), levels=1, init="content",
        precision="float32",
    )  # fmt: skip
    style = Picture(picture(40, 50, 1), None, "style", ())
    painter, weights, paint = FramePainter(config, [style], 2), [], painting.paint

    def noting(*given):
        result = paint(*given)
        weights.append(result.record["config"]["style_weight"])
        return result

    monkeypatch.setattr(painting, "paint", noting)
    frames = [Frame(number, number, picture(*SIZE, 2 + number)) for number in range(2)]
    before = painter.first(frames[1])  # by itself
    painter.weigh(frames[0])
    first = painter.first(frames[0])
    painter.first(frames[1])
    painter.following(frames[1], first, first, np.ones(SIZE, np.float32), 1.0)
    assert before.shape == first.shape
    own, *same = weights
    assert same == [same[0]] * 3
    assert own != same[0]


def command(folder, *flags):
    return [
        sys.executable, "-m", "artistyle_tf.video", f"--content={folder}/clip.mp4",
        f"--style={SAMPLES}/style.jpg", f"--output={folder}/out.mp4", "--size=48",
        "--iterations=8", "--preset=fast", *flags,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_clip(tmp_path, small_file):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    clips.write(
        tmp_path / "clip.mp4", [*clips.pan(4, SIZE), *clips.pan(2, SIZE, seed=7)], sound="aac"
    )
    flags = [f"--weights={small_file}", "--quiet"]
    done = subprocess.run(
        command(tmp_path, *flags), env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]
    whole = (tmp_path / "out.mp4").read_bytes()
    clip = read_clip(str(tmp_path / "out.mp4"))
    assert (clip.size, len(list(clip.frames()))) == ((36, 48), 6)
    assert clips.packets(str(tmp_path / "out.mp4")) == clips.packets(str(tmp_path / "clip.mp4"))

    (tmp_path / "out.mp4").unlink()
    with subprocess.Popen(command(tmp_path, *flags), env=environment) as run:
        frames = tmp_path / "out.mp4.frames"
        while not (frames / "00000001.png").exists() and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    assert (frames / "00000000.png").exists()
    again = subprocess.run(
        command(tmp_path, *flags), env=environment, capture_output=True, text=True
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert (tmp_path / "out.mp4").read_bytes() == whole
    assert not frames.exists()


def test_what_is_before_a_break_is_in_the_output(tmp_path, small_file, monkeypatch, capsys):
    """One line, status 1, a clip to play, and no folder left behind."""

    class Painter:
        network = "0"

        def __init__(self, *_):
            pass

        def weigh(self, frame):
            pass

        def first(self, frame):
            return resize(frame.rgb, (36, 48)).astype(np.float32)

        def following(self, frame, *_):
            return self.first(frame)

    monkeypatch.setattr(painting, "FramePainter", Painter)
    joined = b""
    for size in ((48, 64), (64, 48)):
        clips.write(tmp_path / "part.m4v", clips.pan(3, size), codec="mpeg4", form="m4v")
        joined += (tmp_path / "part.m4v").read_bytes()
    (tmp_path / "clip.mp4").write_bytes(joined)
    (tmp_path / "part.m4v").unlink()
    assert main.main([*command(tmp_path)[3:], "--quiet"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "artistyle: clip.mp4 changes its size from 64×48 to 48×64 px at frame 4; the frames before "
        "it are painted",
        "artistyle-video: clip.mp4 changes its size from 64×48 to 48×64 px at frame 4",
    ]
    assert len(list(read_clip(str(tmp_path / "out.mp4")).frames())) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


def test_the_objective_of_pictures_has_no_such_part(small_weights):
    assert Objective(Config(), small_weights).targets_spec.earlier == {}
