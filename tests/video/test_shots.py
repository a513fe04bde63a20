"""Shots: what each frame begins with, what is kept, and resuming after a kill."""

import os

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.motion import dense_flow, warp
from artistyle_tf.video.reader import Frame
from artistyle_tf.video.shots import AHEAD, paint_shot

SIZE = (48, 64)
SHOT = clips.pan(4, SIZE)
INNER = slice(8, -8), slice(8, -8)


class Painter:
    """Paints a frame's negative, a little nearer to what it begins with; is stopped at a painting.

    `calls`: (frame, start, weights, strength) each; `new`: (frame, new, start) each, where new
    places become lighter.
    """

    def __init__(self, until=None):
        self.calls, self.new, self._until = [], [], until

    def paint_first(self, frame):
        return self.paint_next(frame, 255 - frame.rgb.astype(np.float32), None, None)

    def paint_new(self, frame, start, weights, strength, new):
        self.new.append((frame, new, start))
        return start + 9 * new[..., None]

    def paint_next(self, frame, start, *more, ahead=False):
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


def run(folder, pictures=SHOT, static=0, until=None, masks=None, size=SIZE):
    """(painter, store)"""
    painter, store = Painter(until), FrameStore.open(str(folder / "out.mp4"), {"a": 1})
    try:
        paint_shot(painter, store, size, frames(pictures, masks), 0.5, static)
    except KeyboardInterrupt:
        assert until is not None
    return painter, store


def paintings(store, count):
    return [store.read(number) for number in range(count)]


def test_the_last_of_a_stretch_is_painted_first_and_the_others_lead_to_it(tmp_path):
    painter, store = run(tmp_path)
    assert painter.numbers == [0, 3, 1, 2]
    (frame, new, begun), (_, start, weights, strength) = painter.new[0], painter.calls[1]
    np.testing.assert_allclose(start, begun, atol=1e-3)  # new places keep their mean colour
    assert (frame.number, len(painter.new), strength, start.dtype) == (3, 1, 0.5, np.float32)
    # Three steps of (2, 1) px came into sight, at the right and below; what is around them is free.
    assert new[:-3, -6:].min() == new[-3:, :-6].min() == 1
    assert new[:30, :40].max() == weights[new == 1].max() == 0
    assert weights[:30, :40].mean() > 0.9
    wanted = warp(store.read(0).astype(np.float32), dense_flow(SHOT[3], SHOT[0]))
    # Not exactly: the light of the frames differs by what the flow misses.
    assert np.abs(start - wanted)[:30, :40].max() < 4
    # New places begin as the frame in the painting's colours, not as the border continued.
    assert np.abs(start[:-4, -4:] - wanted[:-4, -4:]).mean() > 10
    for number, part in ((1, 1 / 3), (2, 1 / 2)):
        start, weights = next(call[1:3] for call in painter.calls if call[0].number == number)
        near, far = (
            warp(store.read(other).astype(np.float32), dense_flow(SHOT[number], SHOT[other]))
            for other in (number - 1, 3)
        )
        assert np.abs(start - (near + part * (far - near)))[INNER].max() < 4
        assert weights.mean() > 0.9  # also at the border: the last frame shows what is new


def test_a_stretch_ends_where_the_first_frame_left_the_picture(tmp_path):
    painter, _ = run(tmp_path, clips.pan(8, SIZE, (8, 0)))
    assert [frame.number for frame, *_ in painter.new] == [4, 7]
    painter, _ = run(tmp_path / "still", SHOT[:1] * (AHEAD + 3))
    assert (painter.numbers[1], painter.numbers[AHEAD + 1], painter.new) == (AHEAD, AHEAD + 2, [])


def test_what_was_hidden_for_a_moment_is_held_to_what_was_there(tmp_path):
    """A square hides the background in two frames: the flow by way of them loses it."""
    back = clips.texture(64, 96)
    hidden = back.copy()
    hidden[20:44, 30:60] = clips.texture(24, 30, 5)
    painter, _ = run(tmp_path, [back, hidden, back, hidden, back], size=(64, 96))
    inside = slice(24, 40), slice(36, 54)
    held = {call[0].number: call[2][inside].mean() for call in painter.calls[1:]}
    assert list(held) == [4, 1, 2, 3]
    assert min(held[2], held[4]) > 0.8
    assert max(held[1], held[3]) < 0.5


def test_a_killed_run_resumes_to_the_same_paintings(tmp_path):
    pictures = [*clips.square(4, SIZE, side=12), *SHOT[:2]]
    given = {"pictures": pictures, "static": 2}
    whole, store = run(tmp_path / "whole", **given)
    wanted = paintings(store, 6)
    for killed in range(1, len(whole.numbers)):
        run(tmp_path / str(killed), until=killed, **given)
        _, store = run(tmp_path / str(killed), **given)
        np.testing.assert_array_equal(paintings(store, 6), wanted)
    os.remove(f"{store.folder}/00000002.png")  # as the user does with one that is damaged
    again, _ = run(tmp_path / str(killed), **given)
    assert again.numbers == [5, 2]
    np.testing.assert_array_equal(paintings(store, 6), wanted)


def test_static_regions_keep_their_painting_to_the_bit(tmp_path):
    """A square moves over a background that is a little noisy, as cameras are."""
    random, size = np.random.default_rng(0), (64, 96)
    noisy = [
        np.clip(one + random.normal(0, 1, one.shape), 0, 255).astype(np.uint8)
        for one in clips.square(4, size, side=16, step=6)
    ]
    _, store = run(tmp_path / "held", noisy, static=2, size=size)
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
    painter, store = run(tmp_path, [back] * 3, static=2, masks=masks)
    assert not painter.calls[1][2][:, 8:40].any()
    assert painter.calls[1][2][:, 48:].all()
    for number in (1, 2):
        changed = np.abs(store.read(number).astype(int) - store.read(number - 1)).max(axis=(0, 2))
        assert not changed[8 + 16 * number + 14 :].any()


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
