"""Several passes over a shot: order, what frames begin with, resuming, frames held in a file."""

import errno
import io
import os
import types

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.images.sizes import resize
from artistyle_tf.video import passes as passes_module
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.consistency import consistency
from artistyle_tf.video.engine import Motion
from artistyle_tf.video.flow import dense_flow
from artistyle_tf.video.passes import paint_in_passes, paintings_left
from artistyle_tf.video.warp import warped
from artistyle_tf.video.work import Work

SIZE = (48, 64)
SHOT = clips.pan(4, SIZE)
COUNT = len(SHOT)
MOTION = Motion(1.0)


class Painter:
    """Paints a frame's negative, darker in later passes; is stopped at a painting.

    `calls`: (kind, frame, start, picture, weights, strength) each.
    """

    def __init__(self, until=None):
        self.calls, self._until = [], until

    def first(self, frame):
        self._note("first", frame, None, None, None, None)
        return 255 - frame.rgb.astype(np.float32)

    def following(self, frame, start, picture, weights, strength):
        self._note("following", frame, start, picture, weights, strength)
        return (255 - frame.rgb.astype(np.float32)) * 0.4 + start * 0.4 + picture * 0.1

    def _note(self, *call):
        if len(self.calls) == self._until:
            raise KeyboardInterrupt
        self.calls.append(call)


def frames(pictures, masks=None):
    for number, rgb in enumerate(pictures):
        yield Frame(number, number * 512, rgb, () if masks is None else tuple(masks[number]))


def run(folder, passes, pictures=SHOT, masks=None, until=None, size=SIZE):
    """(painter, work, numbers of the frames in the order in which they were done)"""
    painter, done = Painter(until), []
    work = Work(str(folder / "out.mp4"), {"passes": passes})
    try:
        made = paint_in_passes(frames(pictures, masks), painter, work, MOTION, size, passes)
        done.extend(frame.number for frame in made)
    except KeyboardInterrupt:
        assert until is not None
    return painter, work, done


def numbers_of(painter):
    return [call[1].number for call in painter.calls]


@pytest.mark.parametrize(("passes", "last"), [(2, [3, 2, 1, 0]), (3, [0, 1, 2, 3])])
def test_passes_go_forward_and_backward_in_turn(tmp_path, passes, last):
    painter, _, done = run(tmp_path, passes)
    assert numbers_of(painter) == [0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3][: passes * COUNT]
    assert done == last
    kinds = [call[0] for call in painter.calls]
    assert kinds == ["first"] * COUNT + ["following"] * (passes - 1) * COUNT


def test_a_frame_begins_with_its_painting_blended_with_its_neighbours(tmp_path):
    painter, work, _ = run(tmp_path, 2)
    own = [255 - frame.astype(np.float32) for frame in SHOT]
    second = {call[1].number: call for call in painter.calls[COUNT:]}
    # The last frame, with which the pass begins, has no neighbour yet.
    _, _, start, picture, weights, strength = second[3]
    np.testing.assert_array_equal(start, own[3])
    np.testing.assert_array_equal(picture, own[3])
    assert (strength, weights.max()) == (0, 0)
    for number in (2, 1, 0):
        _, frame, start, picture, weights, _ = second[number]
        np.testing.assert_array_equal(frame.rgb, SHOT[number])
        backward = dense_flow(SHOT[number], SHOT[number + 1])
        forward = dense_flow(SHOT[number + 1], SHOT[number])
        np.testing.assert_array_equal(weights, consistency(backward, forward))
        assert weights.mean() > 0.7
        there = work.read(number + 1).astype(np.float32)  # of this pass, not of the one before
        assert np.abs(picture - warped(there, backward))[8:-8, 8:-8].max() < 4
        known = weights == 1
        wanted = (own[number] + picture) / 2
        np.testing.assert_allclose(start[known], wanted[known], atol=1e-3)
        np.testing.assert_array_equal(start[~known], own[number][~known])


@pytest.mark.parametrize(
    ("passes", "wanted"),
    [(2, [None, 1]), (3, [None, 1, 1]), (4, [None, 0, 1, 1]), (5, [None, 0, 1, 1, 1])],
)
def test_the_second_half_has_the_temporal_loss(tmp_path, passes, wanted):
    painter, _, _ = run(tmp_path, passes, SHOT[:2])
    # The second frame of each pass: the first has no neighbour, and so never a loss.
    assert [call[-1] for call in painter.calls[1::2]] == wanted
    assert [call[-1] for call in painter.calls[2::2]] == [0] * (passes - 1)


def test_wherever_it_is_stopped_it_goes_on_to_the_same_paintings(tmp_path):
    passes, pictures = 3, SHOT[:3]
    total = passes * len(pictures)
    whole, work, _ = run(tmp_path / "whole", passes, pictures)
    assert len(whole.calls) == total
    wanted = [work.read(number) for number in range(3)]
    for until in range(total + 1):
        folder = tmp_path / str(until)
        first, work, _ = run(folder, passes, pictures, until=until)
        assert len(first.calls) == until
        assert paintings_left(range(3), work, passes) == total - until
        assert not [name for name in os.listdir(work.folder) if name.startswith("sources")]
        second, work, done = run(folder, passes, pictures)
        assert len(second.calls) == total - until
        assert numbers_of(first) + numbers_of(second) == numbers_of(whole)
        assert done == [0, 1, 2]
        assert paintings_left(range(3), work, passes) == 0
        for number in range(3):
            np.testing.assert_array_equal(work.read(number), wanted[number])


def test_a_stop_while_earlier_passes_are_removed_loses_nothing(tmp_path):
    """Some of a pass is gone already, when all of the next is there."""
    _, work, _ = run(tmp_path, 3, until=2 * COUNT + 1)
    second = {number: work.of_pass(2).read(number) for number in range(COUNT)}
    for number in (2, 3):  # as if the stop had come before these of the first pass were removed
        work.of_pass(1).write(number, second[number])
    painter, work, _ = run(tmp_path, 3)
    assert numbers_of(painter) == [1, 2, 3]
    work.of_pass(2).write(3, second[3])
    painter, _, done = run(tmp_path, 3)
    assert (numbers_of(painter), done) == ([], [0, 1, 2, 3])


def test_of_earlier_passes_nothing_is_left(tmp_path):
    _, work, _ = run(tmp_path, 3, until=2 * COUNT + 2)
    assert os.listdir(work.of_pass(1).folder) == []
    assert len(os.listdir(work.of_pass(2).folder)) == COUNT
    run(tmp_path, 3)
    assert os.listdir(work.of_pass(2).folder) == []
    assert sorted(name for name in os.listdir(work.folder) if name.endswith(".png")) == [
        f"{number:08}.png" for number in range(COUNT)
    ]


def test_shots_of_one_frame_and_of_none(tmp_path):
    painter, work, done = run(tmp_path, 3, SHOT[:1])
    assert (len(painter.calls), done) == (3, [0])
    assert painter.calls[-1][-1] == 0
    assert paintings_left([0], work, 3) == 0
    painter, _, done = run(tmp_path / "none", 3, [])
    assert (painter.calls, done) == ([], [])


def test_paintings_left_with_one_pass(tmp_path):
    work = Work(str(tmp_path / "out.mp4"), {})
    assert paintings_left(range(5), work, 1) == 5
    work.write(2, SHOT[0])
    assert paintings_left(range(5), work, 1) == 4
    assert paintings_left([2], work, 1) == 0


def test_deep_frames_stay_deep(tmp_path):
    deep = [one.astype(np.float32) + np.float32(0.25) for one in SHOT[:2]]
    painter, work, _ = run(tmp_path, 2, deep)
    for _, frame, *_ in painter.calls:
        np.testing.assert_array_equal(frame.rgb, deep[frame.number])
    assert work.read(0).dtype == np.uint16
    last = painter.calls[-2]  # of frame 1, which has no neighbour
    wanted = 255 - deep[1]
    np.testing.assert_allclose(last[2], np.clip(wanted, 0, 255), atol=0.01)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_frames_and_masks_are_held_at_the_size_of_the_painting(tmp_path, dtype):
    """In each pass, each frame has its own."""
    size, random = (24, 32), np.random.default_rng(0)
    pictures = [one.astype(dtype) for one in SHOT]
    masks = random.integers(0, 256, (COUNT, 2, *SIZE), dtype=np.uint8)
    painter, _, _ = run(tmp_path, 2, pictures, masks=masks, size=size)
    assert len(painter.calls) == 2 * COUNT
    for _, frame, *_ in painter.calls:
        np.testing.assert_array_equal(frame.rgb, resize(pictures[frame.number], size))
        assert len(frame.masks) == 2
        for one, mask in zip(frame.masks, masks[frame.number], strict=True):
            np.testing.assert_array_equal(one, resize(mask, size))
        assert frame.pts == frame.number * 512


def test_what_is_in_another_mask_in_the_neighbour_is_not_blended_with_it(tmp_path):
    masks = np.zeros((2, 1, *SIZE), np.uint8)
    masks[0, 0, :, :20], masks[1, 0, :, :40] = 255, 255
    painter, _, _ = run(tmp_path, 2, [SHOT[0]] * 2, masks=masks)
    _, frame, start, _, weights, _ = painter.calls[-1]
    assert frame.number == 0
    np.testing.assert_array_equal(np.unique(weights[:, 20:40]), 0)
    assert weights[:, :20].all()
    assert weights[:, 40:].all()
    np.testing.assert_array_equal(start[:, 20:40], 255 - np.float32(SHOT[0][:, 20:40]))


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    work = Work(str(tmp_path / "out.mp4"), {})
    work.discard()
    made = paint_in_passes(frames(SHOT), Painter(), work, MOTION, SIZE, 2)
    with pytest.raises(InputError, match=r"^can't write .*out\.mp4\.frames[^\n]*$"):
        next(made)


def test_a_full_disk_is_one_line_and_leaves_no_file(tmp_path, monkeypatch):
    work, opened = Work(str(tmp_path / "out.mp4"), {}), io.open

    def full(path, *mode):
        """Its first frame fits."""
        file = opened(path, *mode)
        write, sizes = file.write, []

        def limited(data):
            sizes.append(len(data))
            if len(sizes) > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(data)

        return types.SimpleNamespace(write=limited, flush=file.flush, close=file.close)

    monkeypatch.setattr(passes_module, "open", full, raising=False)
    made = paint_in_passes(frames(SHOT), Painter(), work, MOTION, SIZE, 2)
    with pytest.raises(InputError, match=r"^can't write .*: No space left on device$"):
        next(made)
    assert os.listdir(work.folder) == ["identity.json"]
