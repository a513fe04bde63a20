"""Shots: what each frame begins with, what is kept, and resuming after a kill."""

import os

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.motion import dense_flow, warp
from artistyle_tf.video.shots import Temporal, paint_shot

SIZE = (48, 64)
SHOT = clips.pan(4, SIZE)
INNER = slice(8, -8), slice(8, -8)


class Painter:
    """Paints a frame's negative, a little nearer to what it begins with; is stopped at a painting.

    `calls`: (frame, start, weights, strength) each.
    """

    def __init__(self, until=None):
        self.calls, self._until = [], until

    def paint_first(self, frame):
        return self.paint_next(frame, 255 - frame.rgb.astype(np.float32), None, None)

    def paint_next(self, frame, start, *more):
        if len(self.calls) == self._until:
            raise KeyboardInterrupt
        self.calls.append((frame, start, *more))
        return (255 - frame.rgb.astype(np.float32)) * 0.5 + start * 0.5

    @property
    def numbers(self):
        return [call[0].number for call in self.calls]


def frames(pictures, masks=None):
    for number, rgb in enumerate(pictures):
        yield Frame(number, 100 + number * 512, rgb, tuple(masks[number]) if masks else ())


def run(folder, pictures=SHOT, temporal=None, until=None, masks=None, size=SIZE):
    """(painter, store)"""
    painter, store = Painter(until), FrameStore.open(str(folder / "out.mp4"), {"a": 1})
    numbers = tuple(range(len(pictures)))
    try:
        paint_shot(
            painter, store, temporal or Temporal(0.5), size, frames(pictures, masks), numbers
        )
    except KeyboardInterrupt:
        assert until is not None
    return painter, store


def paintings(store, count):
    return [store.read(number) for number in range(count)]


def test_each_frame_begins_with_the_one_before_moved(tmp_path):
    painter, store = run(tmp_path)
    assert painter.calls[0][-1] is None
    frame, start, weights, strength = painter.calls[2]
    wanted = warp(store.read(1).astype(np.float32), dense_flow(SHOT[2], SHOT[1]))
    known = weights > 0
    # Not exactly: the light of the frames differs by what the flow misses.
    assert np.abs(start - wanted)[INNER].max() < 2
    # What came into sight is the frame, changed as its like: here, into about its negative.
    new = ~known[:, -2:].all(axis=1)
    assert new.mean() > 0.9
    assert np.abs(start[new, -2:] - wanted[new, -2:]).mean() > 2
    assert (start.dtype, strength) == (np.float32, 0.5)
    assert weights[INNER].mean() > 0.9
    assert set(np.unique(weights)) == {0, 1}
    np.testing.assert_array_equal(frame.rgb, SHOT[2])


def test_what_came_into_sight_again_is_held_to_frames_farther_back(tmp_path):
    """A square that hides the background for one frame: the nearest frame doesn't show it."""
    back = clips.texture(64, 96)
    hidden = back.copy()
    hidden[20:44, 30:60] = clips.texture(24, 30, 5)
    near, far = (
        run(tmp_path / str(n), [back, hidden, back], Temporal(0.5, look_back), size=(64, 96))[0]
        for n, look_back in enumerate([(1,), (1, 2)])
    )
    inside = slice(24, 40), slice(36, 54)
    assert near.calls[-1][2][inside].mean() < 0.5
    assert far.calls[-1][2][inside].mean() > 0.9
    assert far.calls[-1][2].max() == 1


@pytest.mark.parametrize(("look_back", "warm_up"), [((1, 2), 3), ((1, 40), 1)])
def test_a_killed_run_resumes_to_the_same_paintings(tmp_path, look_back, warm_up):
    pictures = [*clips.square(4, SIZE, side=12), *SHOT[:2]]
    temporal = Temporal(0.5, look_back, static_threshold=2, warm_up=warm_up)
    given = {"pictures": pictures, "temporal": temporal}
    _, whole = run(tmp_path / "whole", **given)
    wanted = paintings(whole, 6)
    for killed in (1, 3, 5):
        first, _ = run(tmp_path / str(killed), until=killed, **given)
        second, store = run(tmp_path / str(killed), **given)
        assert first.numbers + second.numbers == list(range(6))
        np.testing.assert_array_equal(paintings(store, 6), wanted)
    os.remove(f"{store.folder}/00000002.png")  # as the user does with one that is damaged
    again, _ = run(tmp_path / "5", **given)
    assert again.numbers == [2]
    np.testing.assert_array_equal(paintings(store, 6), wanted)


def test_static_regions_keep_their_painting_to_the_bit(tmp_path):
    """A square moves over a background that is a little noisy, as cameras are."""
    random, size = np.random.default_rng(0), (64, 96)
    noisy = [
        np.clip(one + random.normal(0, 1, one.shape), 0, 255).astype(np.uint8)
        for one in clips.square(4, size, side=16, step=6)
    ]
    _, store = run(tmp_path / "held", noisy, Temporal(0.5, static_threshold=2), size=size)
    held = paintings(store, 4)
    for one in held[1:]:
        np.testing.assert_array_equal(one[:16], held[0][:16])
    assert not np.array_equal(held[1][32:48], held[0][32:48])
    _, store = run(tmp_path / "free", noisy, size=size)
    assert not np.array_equal(store.read(1)[:16], store.read(0)[:16])


def test_a_mask_that_moves_over_static_regions_is_followed(tmp_path):
    """As a style that spreads over a picture: what came into it is not held to what was there."""
    back = clips.texture(*SIZE)
    masks = [[np.zeros(SIZE, np.uint8)] for _ in range(3)]
    for number, (mask,) in enumerate(masks):
        mask[:, : 8 + 16 * number] = 255
    painter, store = run(tmp_path, [back] * 3, Temporal(0.5, static_threshold=2), masks=masks)
    for number in (1, 2):
        edge, weights = 8 + 16 * number, painter.calls[number][2]
        assert not weights[:, edge - 16 : edge].any()
        assert weights[:, edge:].all()
        changed = np.abs(store.read(number).astype(int) - store.read(number - 1)).max(axis=(0, 2))
        assert not changed[edge + 12 :].any()


def test_the_folder_keeps_frames_for_runs_that_resume(tmp_path):
    def open_store(identity=1):
        return FrameStore.open(str(tmp_path / "out.mp4"), {"a": identity})

    store = open_store()
    deep = np.random.default_rng(0).integers(0, 65536, (24, 32, 3), dtype=np.uint16)
    store.write(3, deep)
    with pytest.raises(InputError, match="other pictures or settings"):
        open_store(2)
    again = open_store()
    assert (again.has(3), again.has(2)) == (True, False)
    assert again.read(3).dtype == np.uint16
    np.testing.assert_array_equal(again.read(3), deep)
    again.discard()
    assert os.listdir(tmp_path) == []
    (tmp_path / "out.mp4.frames").mkdir()
    (tmp_path / "out.mp4.frames" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not a folder of frames"):
        open_store()
