"""`artistyle-video` with files that can't be used, or not to their end: what it says and leaves."""

import os

import av
import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.sizes import resize
from artistyle_tf.video import main, painting
from artistyle_tf.video.clip import read_clip

pytestmark = pytest.mark.usefixtures("unfrozen")

SIZE = (48, 64)
SHOT = [*clips.pan(4, SIZE), *clips.pan(4, SIZE, seed=7)]
INPUTS = ["clip.mkv", "mask.mkv", "style.png"]
STILL_THERE = "; the frames before it are painted"


class Painter:
    """Paints a frame as it is; `fails`: the number of one that it can't paint."""

    network = "0"
    fails: int | None = None
    painted: list[int]

    def __init__(self, *_):
        pass

    def weigh(self, frame):
        pass

    def first(self, frame):
        if frame.number == self.fails:
            raise ArtistyleError("out of paint")
        self.painted.append(frame.number)
        return resize(frame.rgb, SIZE).astype(np.float32)

    def following(self, frame, *_):
        return self.first(frame)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function: flags → (exit status, what it says without the program's name, the painter)."""
    monkeypatch.setattr(painting, "FramePainter", Painter)
    monkeypatch.setattr(Painter, "painted", [], raising=False)
    monkeypatch.setattr(Painter, "fails", None)
    Image.fromarray(clips.texture(40, 50)).save(tmp_path / "style.png")
    clips.write(tmp_path / "clip.mkv", SHOT, codec="ffv1", sound="aac")
    white = [np.full((*SIZE, 3), 255, np.uint8)]
    clips.write(tmp_path / "mask.mkv", white * len(SHOT), codec="ffv1")

    def start(*flags):
        status = main.main(
            [f"--content={tmp_path}/clip.mkv", f"--style={tmp_path}/style.png", "--size=64",
             f"--output={tmp_path}/out.mp4", "--quiet", *flags]
        )  # fmt: skip
        out, err = capsys.readouterr()
        assert out == ""
        return status, [line.split(": ", 1)[1] for line in err.splitlines()]

    return start


def names(folder):
    return sorted(os.listdir(folder))


def frames_of(path):
    return len(list(read_clip(str(path)).frames()))


def damage(path, number):
    """Overwrites the packet of that frame."""
    with av.open(str(path)) as container:
        packet = [bytes(one) for one in container.demux(video=0) if one.size][number]
    data = path.read_bytes()
    assert data.count(packet) == 1
    path.write_bytes(data.replace(packet, b"\xff" * len(packet)))


def cut(path):
    """Cuts the file off in its last frames."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


@pytest.mark.parametrize("which", ["clip", "mask"])
def test_what_has_no_video_leaves_nothing(tmp_path, run, which):
    clips.write(tmp_path / f"{which}.mkv", [], sound="aac")
    mask = f"--content_mask={tmp_path}/mask.mkv"
    assert run(mask) == (1, [f"{which}.mkv has no video in it"])
    assert names(tmp_path) == INPUTS


def test_a_clip_without_frames_leaves_nothing(tmp_path, run):
    (tmp_path / "none.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F0:1 C420jpeg\n")
    assert run(f"--content={tmp_path}/none.y4m") == (1, ["none.y4m has no frames"])
    assert names(tmp_path) == [*INPUTS[:2], "none.y4m", "style.png"]


@pytest.mark.parametrize("which", ["clip", "mask"])
@pytest.mark.parametrize("passes", [1, 2])
def test_frames_before_a_broken_one_are_in_the_output(tmp_path, run, which, passes):
    damage(tmp_path / f"{which}.mkv", 6)
    status, said = run(f"--content_mask={tmp_path}/mask.mkv", f"--passes={passes}")
    assert status == 1
    broken = f"{which}.mkv is broken at frame 7: Invalid data found when processing input"
    assert said == [broken + STILL_THERE, broken]
    assert frames_of(tmp_path / "out.mp4") == 6
    sound = [clips.packets(str(tmp_path / name)) for name in ("clip.mkv", "out.mp4")]
    assert 0 < len(sound[1]) < len(sound[0])  # it ends with the last frame
    assert names(tmp_path) == [*INPUTS[:2], "out.mp4", "style.png"]
    assert sorted(Painter.painted) == sorted(list(range(6)) * passes)


@pytest.mark.parametrize("which", ["clip", "mask"])
def test_frames_before_the_end_of_a_file_that_is_cut_off(tmp_path, run, which):
    cut(tmp_path / f"{which}.mkv")
    status, said = run(f"--content_mask={tmp_path}/mask.mkv")
    count = len(Painter.painted)
    assert 3 <= count < 8
    assert (status, said[-1]) == (1, f"{which}.mkv is cut off after frame {count}")
    assert frames_of(tmp_path / "out.mp4") == count


def test_a_mask_that_ends_early(tmp_path, run):
    clips.write(tmp_path / "mask.mkv", [np.full((*SIZE, 3), 255, np.uint8)] * 3, codec="ffv1")
    status, said = run(f"--content_mask={tmp_path}/mask.mkv")
    assert (status, said[-1]) == (1, "the mask mask.mkv ends before frame 4 of clip.mkv")
    assert frames_of(tmp_path / "out.mp4") == 3


def test_a_clip_whose_first_frame_is_broken_leaves_nothing(tmp_path, run):
    damage(tmp_path / "clip.mkv", 0)
    status, said = run()
    assert status == 1
    assert said == ["clip.mkv is broken at frame 1: Invalid data found when processing input"]
    assert names(tmp_path) == INPUTS


def test_frames_before_one_that_failed_are_kept_and_the_rest_is_painted_later(
    tmp_path, run, monkeypatch
):
    monkeypatch.setattr(Painter, "fails", 5)
    status, said = run()
    assert (status, said[-1]) == (1, "out of paint")
    assert said[0].startswith("5 frames are in ")
    assert said[0].endswith("out.mp4; the same command resumes from there")
    assert frames_of(tmp_path / "out.mp4") == 5
    assert "out.mp4.frames" in names(tmp_path)
    monkeypatch.setattr(Painter, "fails", None)
    assert run() == (0, [])
    assert Painter.painted == list(range(8))
    assert frames_of(tmp_path / "out.mp4") == 8
    assert names(tmp_path) == [*INPUTS[:2], "out.mp4", "style.png"]


def test_a_run_that_ends_in_the_first_pass_says_that_it_can_be_resumed(tmp_path, run, monkeypatch):
    monkeypatch.setattr(Painter, "fails", 2)
    status, said = run("--passes=2")
    assert status == 1
    assert said == [
        "the first frame is not finished; the same command resumes the run",
        "out of paint",
    ]
    assert not (tmp_path / "out.mp4").exists()
    monkeypatch.setattr(Painter, "fails", None)
    assert run("--passes=2") == (0, [])
    assert frames_of(tmp_path / "out.mp4") == 8


def test_a_painting_that_cannot_be_read_again_is_named_once(tmp_path, run, monkeypatch):
    monkeypatch.setattr(Painter, "fails", 3)
    run()
    damaged = tmp_path / "out.mp4.frames" / "00000002.png"
    damaged.write_bytes(b"not a picture")
    monkeypatch.setattr(Painter, "fails", None)
    status, [said] = run()
    assert status == 1
    assert said == f"can't read {damaged}; remove it"
    damaged.unlink()
    assert run() == (0, [])
