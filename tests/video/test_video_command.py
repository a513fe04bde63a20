"""`artistyle-video` as a whole: what it paints with a small network, what it says, and resuming."""

import os
import signal
import subprocess
import sys
import time
import types

import av
import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf import Config
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.sizes import resize
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import Weights
from artistyle_tf.video import main, painting
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.painting import FramePainter
from artistyle_tf.video.reader import Frame, Guides, read_video
from places import ROOT

pytestmark = pytest.mark.usefixtures("unfrozen")

SIZE = (32, 48)
SHOT = [*clips.pan(3, SIZE), *clips.pan(2, SIZE, seed=7)]
COUNT = len(SHOT)


def given(folder):
    """The flags of every run."""
    files = {"content": "clip.mkv", "style": "style.png", "output": "out.mp4"}
    named = [f"--{flag}={folder}/{name}" for flag, name in files.items()]
    return [*named, "--size=48", "--quiet"]


@pytest.fixture
def start(tmp_path, capsys):
    """A function: flags → (exit status, lines on stderr without the program's name)."""
    Image.fromarray(clips.texture(40, 50, 9, blur=1)).save(tmp_path / "style.png")
    clips.write(tmp_path / "clip.mkv", SHOT, codec="ffv1", sound="aac")

    def run(*flags):
        status = main.main([*given(tmp_path), *flags])
        out, err = capsys.readouterr()
        assert out == ""
        return status, [line.split(": ", 1)[1] for line in err.splitlines()]

    return run


def frames_of(path):
    return list(read_video(str(path)).frames())


def names(folder):
    return sorted(set(os.listdir(folder)) - {"clip.mkv", "mask.mkv", "style.png"})


def half(left, right):
    """uint8 [h, w, 3], white from column `left` up to `right`."""
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[:, left:right] = 255
    return mask


def test_ten_bits_and_a_mask_clip_which_says_where_each_frame_is_painted(
    tmp_path, start, small_file, monkeypatch
):
    """Outside the mask a frame stays as it is; a preview has the masks of its own frames."""
    random = np.random.default_rng(0).integers(0, 257, (*SIZE, 3))
    deep = [one.astype(np.uint16) * 256 + random.astype(np.uint16) for one in SHOT]
    clips.write(tmp_path / "clip.mkv", deep, codec="ffv1", pix_fmt="yuv420p10le")
    masks = [half(0, 24), half(0, 48), half(24, 48), half(0, 48), half(0, 0)]
    clips.write(tmp_path / "mask.mkv", masks, codec="ffv1", pix_fmt="yuv444p")
    monkeypatch.setattr(FrameStore, "discard", lambda self: None)
    flags = [f"--content_mask={tmp_path}/mask.mkv", "--preview_every=2", "--preset=fast"]
    flags += [f"--weights={small_file}", "--levels=1", "--iterations=3", "--frame_iterations=3"]
    assert start(*flags) == (0, [])
    store = FrameStore(f"{tmp_path}/out.mp4.frames")
    assert [number for number in range(COUNT) if store.has(number)] == [0, 2, 4]
    paintings = {number: store.read(number).astype(np.float32) for number in (0, 2, 4)}
    frames = frames_of(tmp_path / "clip.mkv")
    left, right = slice(0, 22), slice(26, 48)
    for number, where, changed in (
        (0, left, True), (0, right, False), (2, left, False), (2, right, True), (4, left, False),
    ):  # fmt: skip
        levels = frames[number].rgb * 257
        far = np.abs(paintings[number] - levels)[:, where]
        assert far.mean() > 257 if changed else far.max() <= 1
    assert np.any(paintings[0] % 257 > 2)  # more than 8 bits
    clip = read_video(str(tmp_path / "out.mp4"))
    assert clip.look.bits == 10
    assert [float(one.pts * clip.time_base) for one in clip.frames()] == [0, 0.08, 0.16]


def test_frames_share_one_trace_and_are_held_to_those_before(small_file, picture, monkeypatch):
    """With more weight a frame comes out nearer to the earlier picture; with c = 0 it is free.

    Every frame has the style's weight that the first one of the clip says. The network sees the
    style once.
    """
    config = Config(
        size=48, iterations=4, optimizer="lbfgs", weights=str(small_file), levels=1, init="content",
        precision="float32", style_blend=(2, 1),
    )  # fmt: skip
    styles = [Picture(picture(40, 50, seed), None, "style", ()) for seed in (1, 2)]
    painter, paint = FramePainter(config, styles, 6, Guides()), painting.optimize
    weights, problems = [], []

    def noting(*given):
        state = paint(*given)
        problems.append(given[0])
        weights.append(state.style_weights.beta)
        return state

    seen, statistics = [], Objective.statistics
    monkeypatch.setattr(
        Objective, "statistics", lambda *given: seen.append(1) or statistics(*given)
    )
    monkeypatch.setattr(painting, "optimize", noting)
    frame, other = (Frame(number, number, picture(*SIZE, number)) for number in range(2))
    painter.paint_first(other)  # by itself
    painter.weigh(frame)
    first = painter.paint_first(frame)
    assert (first.shape, first.dtype) == ((*SIZE, 3), np.float32)
    painter.paint_first(other)
    ones = np.ones(SIZE, np.float32)
    free, held = (painter.paint_next(frame, first, ones, s) for s in (0.0, 1e3))
    assert np.abs(held - first).mean() < 0.2 * np.abs(free - first).mean()
    ones[:, 24:] = 0
    found = np.abs(painter.paint_next(frame, first, ones, 1e3) - first)
    assert found[:, :20].mean() < 0.5 * found[:, 28:].mean()
    own, *same = weights
    assert same[:5] == [same[0]] * 5
    assert own != same[0]
    assert len(seen) == len(styles)
    # What is new is a region of its own, as large as it is, and only its surroundings are computed.
    new = np.zeros(SIZE, np.float32)
    new[:, 40:] = 1
    found = painter.paint_new(frame, first, ones, 1.0, new)
    np.testing.assert_array_equal(found[:, :40], first[:, :40])
    assert np.abs(found - first)[:, 40:].mean() > 1
    assert problems[-1].size == (32, 32)
    assert weights[-1] == pytest.approx(weights[1])
    [solver] = painter._solvers._made.values()
    assert solver.objective.value_and_gradient.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_clip(tmp_path, start, small_file):
    flags = ["--iterations=6", "--preset=fast", "--levels=1", f"--weights={small_file}"]

    def finish():
        assert start(*flags) == (0, [])
        assert names(tmp_path) == ["out.mp4"]
        return (tmp_path / "out.mp4").read_bytes()

    whole = finish()
    clip = read_video(str(tmp_path / "out.mp4"))
    assert (clip.size, len(list(clip.frames()))) == (SIZE, COUNT)
    assert clips.packets(str(tmp_path / "out.mp4")) == clips.packets(str(tmp_path / "clip.mkv"))
    (tmp_path / "out.mp4").unlink()
    folder = tmp_path / "out.mp4.frames"
    command = [sys.executable, "-m", "artistyle_tf.video", *given(tmp_path), *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment) as run:
        while not (folder / "00000001.png").exists() and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    assert (folder / "00000000.png").exists()
    assert finish() == whole


class Painter:
    """Paints a frame as it is; `fails`: the number of one that it can't paint."""

    weights, fails = Weights({}, "file", "small.npz", "0"), None
    painted: list[int]

    def __init__(self, *_):
        pass

    def weigh(self, frame):
        pass

    def paint_first(self, frame):
        if frame.number == self.fails:
            raise ArtistyleError("out of paint")
        self.painted.append(frame.number)
        return resize(frame.rgb, SIZE).astype(np.float32)

    def paint_next(self, frame, *_, ahead=False):
        return self.paint_first(frame)

    def paint_new(self, frame, start, *_):
        return start


@pytest.fixture
def run(tmp_path, monkeypatch, start):
    """As `start`, but nothing is painted; a mask for the clip is there."""
    monkeypatch.setattr(painting, "FramePainter", Painter)
    monkeypatch.setattr(Painter, "painted", [], raising=False)
    monkeypatch.setattr(Painter, "fails", None)
    clips.write(tmp_path / "mask.mkv", [half(0, 48)] * COUNT, codec="ffv1")
    return start


@pytest.mark.parametrize("which", ["mask", "clip"])
def test_frames_before_a_broken_one_are_in_the_output(tmp_path, run, which):
    path = tmp_path / f"{which}.mkv"
    with av.open(str(path)) as container:
        packet = [bytes(one) for one in container.demux(video=0) if one.size][3]
    data = path.read_bytes()
    assert data.count(packet) == 1
    path.write_bytes(data.replace(packet, b"\xff" * len(packet)))
    status, said = run(f"--content_mask={tmp_path}/mask.mkv")
    broken = f"{which}.mkv is broken at frame 4: Invalid data found when processing input"
    assert (status, said) == (1, [f"{broken}; the frames before it are painted", broken])
    assert len(frames_of(tmp_path / "out.mp4")) == 3
    sound = [clips.packets(str(tmp_path / name)) for name in ("clip.mkv", "out.mp4")]
    assert 0 < len(sound[1]) < len(sound[0])  # it ends with the last frame
    assert names(tmp_path) == ["out.mp4"]
    assert Painter.painted == [0, 2, 1]  # the last one leads the others


def test_frames_before_one_that_failed_are_kept_and_the_rest_is_painted_later(
    tmp_path, run, monkeypatch
):
    monkeypatch.setattr(Painter, "fails", 0)
    kept = "the first frame is not finished; the same command resumes the run"
    assert run() == (1, [kept, "out of paint"])
    assert not (tmp_path / "out.mp4").exists()
    monkeypatch.setattr(Painter, "fails", 1)
    kept = f"1 frame is in {tmp_path}/out.mp4; the same command resumes from there"
    assert run() == (1, [kept, "out of paint"])
    assert len(frames_of(tmp_path / "out.mp4")) == 1
    monkeypatch.setattr(Painter, "fails", None)
    damaged = tmp_path / "out.mp4.frames" / "00000000.png"
    damaged.write_bytes(b"not a picture")
    assert run() == (1, [f"can't read {damaged}; remove it"])
    damaged.unlink()
    assert run() == (0, [])
    assert Painter.painted == [0, 2, 0, 2, 1, 3, 4]
    assert len(frames_of(tmp_path / "out.mp4")) == COUNT
    assert names(tmp_path) == ["out.mp4"]


def test_the_time_left_of_a_clip_leaves_the_first_call_out(monkeypatch, caplog):
    """In that TensorFlow traces: it was counted with every frame to come."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    caplog.set_level("DEBUG", "artistyle_tf")
    progress, done = main.VideoProgress(), [10]
    progress.begin(types.SimpleNamespace(count=lambda: done[0]), 9)
    for finished, seconds in ((0, 90), (1, 9), (2, 8), (1, 2), (0, 1), (1, 1)):
        now[0] += seconds
        done[0] += finished
        progress.show()
    told = [record.getMessage().partition(", about ")[2] for record in caplog.records]
    assert told == ["", "", "0:24 left", "0:17 left", "0:18 left", "0:12 left"]


def test_a_clip_of_another_program_stays(tmp_path, run):
    (tmp_path / "out.mp4").write_bytes(b"the holidays")
    fault = f"{tmp_path}/out.mp4 exists, and artistyle did not make it; --overwrite replaces it"
    assert run() == (1, [fault])
    assert run("--overwrite") == (0, [])
    assert run() == (0, [])  # its own
