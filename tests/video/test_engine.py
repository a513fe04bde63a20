"""The engine: what each frame begins with and is held to, cuts, and going on after a kill."""

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video.clip import BrokenClipError, Frame
from artistyle_tf.video.engine import Motion, paint_frames
from artistyle_tf.video.flow import dense_flow
from artistyle_tf.video.warp import warped
from artistyle_tf.video.work import Work

SIZE = (64, 96)
SHOT, OTHER = clips.pan(5), clips.pan(3, seed=7)


class Painter:
    """Paints a frame's negative, a little nearer to what it begins with."""

    def __init__(self):
        self.calls = []

    def first(self, rgb):
        self.calls.append(("first", rgb))
        return 255 - rgb.astype(np.float32)

    def following(self, rgb, start, picture, weights, strength):
        self.calls.append(("following", rgb, start, picture, weights, strength))
        return (255 - rgb.astype(np.float32)) * 0.5 + start * 0.5


def frames(pictures, ending=None):
    for number, rgb in enumerate(pictures):
        yield Frame(number, number * 512, rgb)
    if ending:
        raise BrokenClipError(ending)


def run(tmp_path, pictures, motion=None, painter=None, stop=None, ending=None):
    """(painter, paintings)"""
    painter, work = painter or Painter(), Work(str(tmp_path / "out.mp4"), {"a": 1})
    made = paint_frames(frames(pictures, ending), painter, work, motion or Motion(0.5), SIZE)
    done = []
    for frame in made:
        done.append(frame.number)
        if len(done) == stop:
            break
    return painter, [work.read(number) for number in done]


def test_each_frame_begins_with_the_one_before_moved(tmp_path):
    painter, paintings = run(tmp_path, SHOT)
    kinds = [call[0] for call in painter.calls]
    assert kinds == ["first"] + ["following"] * 4
    _, rgb, start, picture, weights, strength = painter.calls[2]
    wanted = warped(paintings[1].astype(np.float32), dense_flow(SHOT[2], SHOT[1]))
    known = weights > 0
    np.testing.assert_array_equal(start[known], wanted[known])
    np.testing.assert_allclose(picture, wanted, atol=1e-3)
    # What came into sight is the frame, changed as its like: here, into about its negative.
    there = ~known[:, -2:].all(axis=1)
    assert there.mean() > 0.9
    assert start.dtype == np.float32
    assert np.abs(start[there, -2:] - wanted[there, -2:]).mean() > 2
    assert strength == 0.5
    assert weights[8:-8, 8:-8].mean() > 0.9
    assert set(np.unique(weights)) == {0, 1}
    np.testing.assert_array_equal(rgb, SHOT[2])


def test_shots_are_independent(tmp_path):
    painter, paintings = run(tmp_path, [*SHOT[:3], *OTHER], Motion(0.5, (1, 2, 4)))
    assert [call[0] for call in painter.calls] == [
        "first", "following", "following", "first", "following", "following",
    ]  # fmt: skip
    _, alone = run(tmp_path / "other", OTHER, Motion(0.5, (1, 2, 4)))
    for one, other in zip(paintings[3:], alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_came_into_sight_again_is_held_to_frames_farther_back(tmp_path):
    """A square that hides the background for one frame: the nearest frame doesn't show it."""
    back = clips.texture(*SIZE)
    hidden = back.copy()
    hidden[20:44, 30:60] = clips.texture(24, 30, 5)
    near, far = (
        run(tmp_path / str(len(motion)), [back, hidden, back], Motion(0.5, motion))[0]
        for motion in ((1,), (1, 2))
    )
    inside = slice(24, 40), slice(36, 54)
    assert near.calls[-1][4][inside].mean() < 0.5
    assert far.calls[-1][4][inside].mean() > 0.9
    assert far.calls[-1][4].max() == 1


@pytest.mark.parametrize("killed", [1, 3, 5, 6])
@pytest.mark.parametrize("look_back", [(1,), (1, 2)])
def test_a_killed_run_goes_on_to_the_same_paintings(tmp_path, killed, look_back):
    pictures, motion = [*SHOT, *OTHER], Motion(0.5, look_back)
    _, wanted = run(tmp_path / "whole", pictures, motion)
    first, _ = run(tmp_path, pictures, motion, stop=killed)
    second, found = run(tmp_path, pictures, motion)
    assert len(first.calls) == killed
    assert len(second.calls) == len(pictures) - killed
    assert len(found) == len(pictures)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    third, _ = run(tmp_path, pictures, motion)
    assert third.calls == []


def test_frames_before_a_broken_one_are_painted(tmp_path):
    painter = Painter()
    with pytest.raises(BrokenClipError, match="it is broken"):
        run(tmp_path, SHOT, painter=painter, ending="it is broken")
    assert len(painter.calls) == len(SHOT)


def test_deep_frames_are_kept_in_16_bits(tmp_path):
    deep = [frame.astype(np.float32) + np.float32(0.25) for frame in SHOT[:2]]
    _, paintings = run(tmp_path, deep)
    assert paintings[0].dtype == np.uint16
    np.testing.assert_allclose(paintings[0] / 257, np.clip(255 - deep[0], 0, 255), atol=0.01)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    output = str(tmp_path / "out.mp4")
    work = Work(output, {"a": 1})
    work.write(3, SHOT[0])
    with pytest.raises(InputError, match="other pictures or settings"):
        Work(output, {"a": 2})
    again = Work(output, {"a": 1})
    assert again.has(3)
    assert not again.has(2)
    np.testing.assert_array_equal(again.read(3), SHOT[0])
    again.remove()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out.mp4.frames").mkdir()
    (tmp_path / "out.mp4.frames" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="no folder of frames"):
        Work(output, {"a": 1})
