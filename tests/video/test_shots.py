"""Shots painted in one pass or several: what each frame begins with, and resuming after a kill."""

import os

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video.clip import Frame
from artistyle_tf.video.frame_store import FrameStore, Survey
from artistyle_tf.video.motion import consistency, dense_flow, warp
from artistyle_tf.video.shots import ShotPainter, Temporal, count_missing

SIZE = (48, 64)
SHOT = clips.pan(4, SIZE)
INNER = slice(8, -8), slice(8, -8)


class Painter:
    """Paints a frame's negative, a little nearer to what it begins with; is stopped at a painting.

    `calls`: (frame, start, picture, weights, strength) each.
    """

    def __init__(self, until=None):
        self.calls, self._until = [], until

    def paint_first(self, frame):
        return self.paint_next(frame, 255 - frame.rgb.astype(np.float32), None, None, None)

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


def run(folder, pictures=SHOT, temporal=None, passes=1, until=None, masks=None, size=SIZE):
    """(painter, store)"""
    painter, store = Painter(until), FrameStore.open(str(folder / "out.mp4"), {"a": 1})
    numbers = tuple(range(len(pictures)))
    shots = ShotPainter(painter, store, temporal or Temporal(0.5), size)
    try:
        if passes == 1:
            shots.paint(frames(pictures, masks), numbers)
        else:
            shots.paint_in_passes(frames(pictures, masks), numbers, passes)
    except KeyboardInterrupt:
        assert until is not None
    return painter, store


def paintings(store, count):
    return [store.read(number) for number in range(count)]


def test_each_frame_begins_with_the_one_before_moved(tmp_path):
    painter, store = run(tmp_path)
    assert painter.calls[0][-1] is None
    frame, start, picture, weights, strength = painter.calls[2]
    wanted = warp(store.read(1).astype(np.float32), dense_flow(SHOT[2], SHOT[1]))
    known = weights > 0
    np.testing.assert_array_equal(start[known], picture[known])
    # Not exactly: the light of the frames differs by what the flow misses.
    assert np.abs(picture - wanted)[INNER].max() < 2
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
    assert near.calls[-1][3][inside].mean() < 0.5
    assert far.calls[-1][3][inside].mean() > 0.9
    assert far.calls[-1][3].max() == 1


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
    store.remove([2])  # as the user does with one that is damaged
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
        edge, weights = 8 + 16 * number, painter.calls[number][3]
        assert not weights[:, edge - 16 : edge].any()
        assert weights[:, edge:].all()
        changed = np.abs(store.read(number).astype(int) - store.read(number - 1)).max(axis=(0, 2))
        assert not changed[edge + 12 :].any()


@pytest.mark.parametrize(
    ("passes", "strengths"), [(2, [None, 0.5]), (3, [None, 0.5, 0.5]), (4, [None, 0, 0.5, 0.5])]
)
def test_passes_go_forward_and_backward_and_the_second_half_is_tied(tmp_path, passes, strengths):
    painter, store = run(tmp_path, SHOT[:3], passes=passes)
    assert painter.numbers == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0][: passes * 3]
    # The first frame of each pass has no neighbour, and so never a loss.
    assert [call[-1] for call in painter.calls[1::3]] == strengths
    assert [call[-1] for call in painter.calls[3::3]] == [0] * (passes - 1)
    assert count_missing(range(5), store, 1) == 2


def test_a_frame_begins_with_its_painting_blended_with_its_neighbours(tmp_path):
    painter, store = run(tmp_path, passes=2)
    own = [255 - frame.astype(np.float32) for frame in SHOT]
    second = {call[0].number: call for call in painter.calls[4:]}
    # The last frame, with which the pass begins, has no neighbour yet.
    _, start, picture, weights, strength = second[3]
    np.testing.assert_array_equal(start, own[3])
    np.testing.assert_array_equal(picture, own[3])
    assert (strength, weights.max()) == (0, 0)
    for number in (2, 1, 0):
        _, start, picture, weights, _ = second[number]
        backward = dense_flow(SHOT[number], SHOT[number + 1])
        forward = dense_flow(SHOT[number + 1], SHOT[number])
        np.testing.assert_array_equal(weights, consistency(backward, forward))
        there = store.read(number + 1).astype(np.float32)  # of this pass, not of the one before
        assert np.abs(picture - warp(there, backward))[INNER].max() < 4
        known = weights == 1
        wanted = (own[number] + picture) / 2
        np.testing.assert_allclose(start[known], wanted[known], atol=1e-3)
        np.testing.assert_array_equal(start[~known], own[number][~known])


def test_wherever_it_is_stopped_it_goes_on_to_the_same_paintings(tmp_path):
    passes, pictures = 3, SHOT[:2]
    total = passes * len(pictures)
    whole, store = run(tmp_path / "whole", pictures, passes=passes)
    wanted = paintings(store, 2)
    for until in range(total + 1):
        first, store = run(tmp_path / str(until), pictures, passes=passes, until=until)
        assert count_missing(range(2), store, passes) == total - until
        second, store = run(tmp_path / str(until), pictures, passes=passes)
        assert first.numbers + second.numbers == whole.numbers
        assert count_missing(range(2), store, passes) == 0
        np.testing.assert_array_equal(paintings(store, 2), wanted)
    left = [folder for folder, _, files in os.walk(store.folder) if files]
    assert left == [store.folder]  # of earlier passes nothing is left
    # Some of a pass is gone already, when all of the next is there.
    store.remove([0])
    store.inner("pass-1").write(1, wanted[1])
    store.inner("pass-2").write(0, wanted[0])
    again, _ = run(tmp_path / str(total), pictures, passes=passes)
    assert again.numbers == [0]


def test_the_folder_keeps_frames_and_survey_for_runs_that_resume(tmp_path):
    def open_store(identity=1):
        return FrameStore.open(str(tmp_path / "out.mp4"), {"a": identity})

    store, survey = open_store(), Survey(((0, 2), (3,)), {0: 0, 2: 512, 3: 1024}, "“it” is broken")
    assert store.read_survey() is None
    store.write_survey(survey)
    deep = np.random.default_rng(0).integers(0, 65536, (24, 32, 3), dtype=np.uint16)
    store.write(3, deep)
    with pytest.raises(InputError, match="other pictures or settings"):
        open_store(2)
    again = open_store()
    assert again.read_survey() == survey
    assert (again.has(3), again.has(2), again.inner("pass-1").has(3)) == (True, False, False)
    assert again.read(3).dtype == np.uint16
    np.testing.assert_array_equal(again.read(3), deep)
    again.discard()
    assert os.listdir(tmp_path) == []
    (tmp_path / "out.mp4.frames").mkdir()
    (tmp_path / "out.mp4.frames" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not a folder of frames"):
        open_store()
    for name, text in (("identity.json", '{"a": 1}'), ("survey.json", '{"shots": 3}')):
        (tmp_path / "out.mp4.frames" / name).write_text(text)
    with pytest.raises(InputError, match=r"^can't read .*survey\.json; remove it$"):
        open_store().read_survey()
