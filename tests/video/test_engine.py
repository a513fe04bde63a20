"""The engine: what each frame starts from and is tied to, and resuming after a kill."""

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.engine import Motion, paint_shot
from artistyle_tf.video.flow import dense_flow
from artistyle_tf.video.still import Still
from artistyle_tf.video.warp import warped
from artistyle_tf.video.work import Work

SIZE = (64, 96)
SHOT = clips.pan(5)


class Painter:
    """Paints a frame's negative, a little nearer to what it begins with."""

    def __init__(self):
        self.calls = []

    def first(self, frame):
        self.calls.append(("first", frame.rgb))
        return 255 - frame.rgb.astype(np.float32)

    def following(self, frame, start, picture, weights, strength):
        self.calls.append(("following", frame.rgb, start, picture, weights, strength))
        return (255 - frame.rgb.astype(np.float32)) * 0.5 + start * 0.5


def frames(pictures):
    for number, rgb in enumerate(pictures):
        yield Frame(number, number * 512, rgb)


def run(tmp_path, pictures, motion=None, stop=None):
    """(painter, paintings)"""
    painter, work = Painter(), Work(str(tmp_path / "out.mp4"), {"a": 1})
    made = paint_shot(frames(pictures), painter, work, motion or Motion(0.5), SIZE)
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
    # Not exactly: the light of the frames differs by what the flow misses.
    np.testing.assert_array_equal(start[known], picture[known])
    assert np.abs(picture - wanted)[8:-8, 8:-8].max() < 2
    # What came into sight is the frame, changed as its like: here, into about its negative.
    there = ~known[:, -2:].all(axis=1)
    assert there.mean() > 0.9
    assert start.dtype == np.float32
    assert np.abs(start[there, -2:] - wanted[there, -2:]).mean() > 2
    assert strength == 0.5
    assert weights[8:-8, 8:-8].mean() > 0.9
    assert set(np.unique(weights)) == {0, 1}
    np.testing.assert_array_equal(rgb, SHOT[2])


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


def test_paintings_stay_sharp_however_often_they_are_moved():
    """Seven moves of 3/7 px to the right are one of 3 px."""
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[..., 0] = -3 / 7
    texture = clips.texture(*SIZE).astype(np.float32)
    sharp, soft = texture, texture
    for _ in range(7):
        sharp, soft = warped(sharp, flow, "lanczos4"), warped(soft, flow)
    inner, wanted = (slice(8, -8), slice(16, -16)), texture[8:-8, 13:-19]
    errors = [np.square(one[inner] - wanted).mean() for one in (sharp, soft)]
    assert errors[0] < 0.2 * errors[1]
    whole = np.rint(flow - 0.1)
    np.testing.assert_array_equal(warped(texture, whole, "lanczos4")[inner], texture[8:-8, 15:-17])


def test_frames_are_read_ahead_only_to_resume(tmp_path):
    """Earlier frames are needed far back, but not many of those to come at the same time."""
    read = []

    def counted():
        for frame in frames(SHOT):
            read.append(frame.number)
            yield frame

    work = Work(str(tmp_path / "out.mp4"), {"a": 1})
    made = paint_shot(counted(), Painter(), work, Motion(0.5, (1, 4)), SIZE)
    for number in range(3):
        assert next(made).number == number
        assert read[-1] == number


def test_what_came_into_sight_is_held_the_more_the_oftener_it_was_painted(tmp_path):
    painter, _ = run(tmp_path, clips.pan(6), Motion(0.5, ripe=3))
    weights = [call[4] for call in painter.calls[1:]]
    # The picture moves by some px to the left each time, so the strip at the right is new.
    strip = [one[8:-8, -2:] for one in weights]
    assert all(np.mean(one == 0) > 0.9 for one in strip)
    middle = slice(8, -8), slice(8, 40)
    assert all(np.mean(one[middle] == 1) > 0.9 for one in weights)
    parts = [np.mean(np.isclose(weights[-1], share)) for share in (0, 1 / 9, 4 / 9, 1)]
    assert sum(parts) > 0.999
    assert min(parts) > 0.01
    np.testing.assert_array_equal(np.unique(weights[0]), [0, 1])


@pytest.mark.parametrize("killed", [1, 3, 5, 6])
@pytest.mark.parametrize("look_back", [(1,), (1, 2), (1, 40)])
@pytest.mark.parametrize("ripe", [1, 3])
def test_a_killed_run_resumes_to_the_same_paintings(tmp_path, killed, look_back, ripe):
    pictures = [*clips.square(5, SIZE), *SHOT[:2]]
    motion = Motion(0.5, look_back, static=2, ripe=ripe)
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
    again.discard()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out.mp4.frames").mkdir()
    (tmp_path / "out.mp4.frames" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not a folder of frames"):
        Work(output, {"a": 1})


def test_what_stands_still_keeps_its_painting_to_the_bit(tmp_path):
    """A square moves over a background that is a little noisy, as cameras are."""
    random = np.random.default_rng(0)
    clean = clips.square(6, SIZE, side=16, step=6)
    noise = [random.normal(0, 1, one.shape) for one in clean]
    noisy = [np.clip(a + b, 0, 255).astype(np.uint8) for a, b in zip(clean, noise, strict=True)]
    _, paintings = run(tmp_path / "still", noisy, Motion(0.5, static=2))
    away = slice(0, 16), slice(0, SIZE[1])
    for one in paintings[1:]:
        np.testing.assert_array_equal(one[away], paintings[0][away])
    assert not np.array_equal(paintings[1][32:48], paintings[0][32:48])
    _, without = run(tmp_path / "not", noisy, Motion(0.5))
    assert not np.array_equal(without[1][away], without[0][away])


def test_a_fade_is_followed(tmp_path):
    """Light that changes by less than the threshold from frame to frame adds up."""
    back = clips.texture(*SIZE).astype(np.float32)
    fade = [np.rint(back * (1 - 0.008 * i)).astype(np.uint8) for i in range(12)]
    kept = np.stack([one is not None and (one == 1).all() for one in _kept(fade)])
    assert kept[1:].any()
    assert not kept[1:].all()


def _kept(pictures):
    still = Still(2)
    return [still.kept(one) for one in pictures]
