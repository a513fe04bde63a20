"""Light that changes where nothing moves, and places that keep their painting."""

import numpy as np
import pytest

import clips
from artistyle_tf.video.light import relit
from artistyle_tf.video.still import REACH, Still, mixed

SIZE = (64, 96)
ONES = np.ones(SIZE, np.float32)


def painting(seed=3):
    return clips.texture(*SIZE, seed).astype(np.float32)


@pytest.mark.parametrize("change", [-25, 25])
def test_a_change_of_light_is_added_to_the_painting(change):
    before, moved = np.clip(clips.texture(*SIZE), 30, 225), np.clip(painting(), 30, 225)
    found = relit(moved, before, (before.astype(int) + change).astype(np.uint8), ONES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, moved + change, atol=0.01)


def test_light_that_changes_in_one_corner_is_followed_there():
    before = np.full((*SIZE, 3), 100, np.float32)
    now = before.copy()
    now[:, :48] += 40
    found = relit(painting(), before, now, ONES) - painting()
    assert found[:, :8].mean() > 35
    assert np.abs(found[:, -8:]).max() < 0.5


def test_equal_frames_change_nothing():
    same = clips.texture(*SIZE)
    np.testing.assert_array_equal(
        relit(painting(), same.astype(np.float32), same, ONES), painting()
    )


def test_what_is_not_consistent_says_nothing_of_the_light():
    """A thing that came into sight is much brighter; the rest became darker by 10."""
    before = np.full((*SIZE, 3), 120, np.uint8)
    now, weights = before - 10, ONES.copy()
    now[20:40, 30:60], weights[20:40, 30:60] = 255, 0
    found = relit(painting(), before.astype(np.float32), now, weights)
    np.testing.assert_allclose(found, np.clip(painting() - 10, 0, 255), atol=0.01)


def test_nothing_consistent_is_harmless():
    before, now = np.zeros((*SIZE, 3), np.float32), np.full((*SIZE, 3), 255, np.uint8)
    np.testing.assert_array_equal(relit(painting(), before, now, ONES * 0), painting())


def test_paintings_stay_within_grey_levels():
    before, now = np.full((*SIZE, 3), 200, np.float32), np.zeros((*SIZE, 3), np.float32)
    dark = relit(painting(), before, now, ONES)
    assert dark.min() == 0
    assert relit(painting(), now, before, ONES).max() == 255


def kept(frames, threshold=2.0):
    still = Still(threshold)
    return [still.kept(frame) for frame in frames]


def test_no_threshold_or_no_frame_before_keeps_nothing():
    frames = clips.square(3, SIZE, side=16)
    assert kept(frames, 0) == [None] * 3
    first, *others = kept(frames)
    assert first is None
    assert all(one is not None for one in others)


def test_equal_frames_keep_everything():
    back = clips.texture(*SIZE)
    _, found = kept([back, back])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, ONES)


def test_around_what_moves_a_feathered_border_is_painted():
    """Nothing is kept where it moves, everything beyond reach, and shares fall off in between."""
    size = (192, 256)
    back = np.full((*size, 3), 128, np.uint8)
    now = back.copy()
    now[80:112, 100:140] = 250
    _, found = kept([back, now])
    np.testing.assert_array_equal(found[80:112, 100:140], 0)
    reach = round(256 / REACH)
    right = found[96, 140:]
    # The blur that noise is averaged by makes a little more change than did.
    inside = int(np.argmax(right > 0))
    assert reach <= inside <= reach + 10
    beyond = int(np.argmax(right == 1))
    assert beyond - inside == pytest.approx(2 * reach, abs=1)
    assert (np.diff(right[: beyond + 1]) >= 0).all()
    np.testing.assert_array_equal(right[beyond:], 1)
    assert found[:60].min() == found[:, :70].min() == 1


def test_a_place_is_compared_with_the_frame_it_was_painted_in():
    """Steps below the threshold: none is seen alone, but their sum is."""
    grey = [np.full((*SIZE, 3), 100 + level, np.uint8) for level in (0, 1, 2, 3, 4, 5, 6)]
    middle = [one[20:-20, 20:-20].mean() for one in kept(grey, 2.5)[1:]]
    assert middle == [1, 1, 0, 1, 1, 0]


def test_noise_is_no_change_at_borders_either():
    """There the blur averages fewer pixels. Noise after it has a fifth of the threshold."""
    random, back = np.random.default_rng(0), np.full((*SIZE, 3), 128.0)
    noisy = [np.rint(back + random.normal(0, 2, back.shape)).astype(np.uint8) for _ in range(8)]
    for one in kept(noisy)[1:]:
        np.testing.assert_array_equal(one, 1)


def test_a_mask_that_changes_is_a_change():
    back, masks = clips.texture(*SIZE), np.zeros((2, *SIZE), np.uint8)
    masks[1, :, :30] = 255
    _, found = kept([np.dstack([back, mask]) for mask in masks])
    assert found[:, :30].max() == 0
    assert found[:, 60:].min() == 1


def test_paintings_are_mixed_exactly():
    new, before = painting(1) + np.float32(0.123), painting(2) + np.float32(0.456)
    share = ONES.copy()
    share[:, :32], share[:, 32:64] = 0, 0.25
    found = mixed(new, before, share)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :32], new[:, :32])
    np.testing.assert_array_equal(found[:, 64:], before[:, 64:])
    wanted = 0.75 * new[:, 32:64] + 0.25 * before[:, 32:64]
    np.testing.assert_allclose(found[:, 32:64], wanted, atol=1e-3)
    assert mixed(new, before, None) is new
