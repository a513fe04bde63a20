"""Flow, consistency, light, static regions and cuts, on drawn clips whose motion is known."""

import numpy as np
import pytest

import clips
from artistyle_tf.video.motion import (
    MARGIN,
    StaticRegions,
    compose,
    consistency,
    dense_flow,
    find_disocclusions,
    find_motion_boundaries,
    is_cut,
    relight,
    texture,
    warp,
)

RNG = np.random.default_rng(0)
SIZE = (48, 64)
ONES = np.ones(SIZE, np.float32)


def uniform(value, size=(10, 12)):
    return np.broadcast_to(np.float32(value), (*size, 2)).copy()


@pytest.mark.parametrize("size", [(64, 96), (20, 40)])
def test_a_pan_is_found(size):
    """The camera goes right and down by (2, 1), so that is where things were, seen from here."""
    before, now = clips.pan(2, size, (2, 1))
    backward = dense_flow(now, before)
    assert (backward.shape, backward.dtype) == ((*size, 2), np.float32)
    inner = slice(4, -4), slice(6, -6)
    assert np.median(np.abs(backward[inner] - (2, 1))) < 0.2
    error = np.abs(warp(before, backward).astype(float) - now)[inner]
    assert error.mean() < 0.2 * np.abs(before.astype(float) - now)[inner].mean()


def test_a_pan_over_an_empty_sky_moves_the_sky_too():
    """DIS alone finds no motion in the sky, which leaves its strokes where they are."""
    frames = []
    for frame in clips.pan(2, (64, 96), (5, 0)):
        frame[:40] = np.linspace(120, 160, 40)[:, None, None]
        frames.append(frame)
    found = dense_flow(frames[1], frames[0])
    np.testing.assert_allclose(found[:, :-8, 0], 5, atol=0.3)
    trust = texture(frames[1])
    assert trust[:34].max() < 0.1
    assert trust[48:].mean() > 0.9
    for zoom in (0.9, 1.1):
        frames = [clips.texture(96, 128), clips.texture(96, 128)]
        frames[1] = warp(frames[0], zoomed(zoom, (96, 128)))
        found = dense_flow(frames[1], frames[0])[12:-12, 12:-12]
        np.testing.assert_allclose(found, zoomed(zoom, (96, 128))[12:-12, 12:-12], atol=0.5)


def zoomed(zoom, size):
    """The flow from a frame to the one before, of which it shows the middle, so much larger."""
    places = np.stack(np.indices(size, np.float32)[::-1], -1)
    middle = np.float32([size[1] / 2, size[0] / 2])
    return (places - middle) * np.float32(1 / zoom - 1)


def test_something_large_that_moves_is_not_the_camera():
    """A bus: most corners are on it, and the street shows hardly any."""
    street, bus = clips.texture(96, 128, blur=9), clips.texture(60, 160, 3)
    frames = [street.copy(), street.copy()]
    for number, frame in enumerate(frames):
        frame[30:90, 24:104] = bus[:, 4 * number : 4 * number + 80]
    found = dense_flow(frames[1], frames[0])
    assert np.abs(found[:24, :, 0]).mean() < 0.1
    assert np.median(found[36:84, 30:90, 0]) == pytest.approx(4, abs=0.2)


def test_a_flow_by_way_of_a_frame_between():
    first, second, third = clips.pan(3, (64, 96), (3, 1))
    whole = compose(dense_flow(third, second), dense_flow(second, first))
    np.testing.assert_allclose(np.median(whole, axis=(0, 1)), (6, 2), atol=0.1)


def test_warp_by_hand():
    picture = np.float32([[0, 10, 20], [30, 40, 50]])
    assert warp(picture, uniform((0.5, 0), (2, 3))).tolist() == [[5, 15, 20], [35, 45, 50]]
    assert warp(picture, uniform((0, 1), (2, 3))).tolist() == [[30, 40, 50]] * 2
    assert warp(np.dstack([picture] * 3), uniform((0, 0), (2, 3))).shape == (2, 3, 3)


def test_paintings_stay_sharp_however_often_they_are_moved():
    """Seven moves of 3/7 px to the right are one of 3 px."""
    flow = uniform((-3 / 7, 0), (64, 96))
    texture = clips.texture(64, 96).astype(np.float32)
    sharp, soft = texture, texture
    for _ in range(7):
        sharp, soft = warp(sharp, flow, "lanczos4"), warp(soft, flow)
    inner, wanted = (slice(8, -8), slice(16, -16)), texture[8:-8, 13:-19]
    errors = [np.square(one[inner] - wanted).mean() for one in (sharp, soft)]
    assert errors[0] < 0.2 * errors[1]


def test_there_and_back_by_hand():
    """The bound is 0.01 (|w̃|² + |ŵ|²) + 0.5, and what comes from outside is unseen."""
    backward = uniform((3, 0))
    found = find_disocclusions(backward, uniform((-3, 0)))
    assert found[:, -3:].all()
    assert not found[:, :-3].any()
    for off, unseen in ((0.79, False), (0.81, True)):  # 0.6241, 0.6561; bounds 0.6388, 0.6380
        assert find_disocclusions(backward, uniform((-3 + off, 0)))[:, :-3].all() == unseen


def test_motion_boundaries_by_hand():
    backward = uniform((2, 0))
    assert not find_motion_boundaries(backward).any()
    for step, bound in ((0.2, False), (0.21, True)):  # 0.0441 against 0.01 · 4 + 0.002 = 0.042
        stepped = backward.copy()
        stepped[:, 6:, 1] = step
        found = find_motion_boundaries(stepped)
        assert found[:, 5].all() == bound
        assert not np.delete(found, 5, axis=1).any()


def test_what_a_moving_square_uncovers_is_found():
    """A strip of 4 px on its left; on the rest of the background and the square it is trusted."""
    before, now = clips.square(2)
    found = consistency(dense_flow(now, before), dense_flow(before, now))
    assert found.dtype == np.float32
    assert set(np.unique(found)) == {0, 1}
    assert found[36:60, 16:20].mean() < 0.3
    assert found[:24].mean() > 0.95
    assert found[38:58, 28:44].mean() > 0.9


def test_cuts():
    shot, other = clips.pan(3, step=(3, 1)), clips.pan(2, seed=8)
    dark = [frame // 4 for frame in other]
    brighter = np.clip(shot[1].astype(int) + 30, 0, 255).astype(np.uint8)
    for before, now, cut in [
        (shot[0], shot[1], False),
        (shot[0], shot[0], False),
        (shot[0], brighter, False),
        (shot[2], dark[0], True),
        (shot[2], other[0], True),
        (dark[0], dark[1], False),
    ]:
        assert is_cut(before, now) == cut


def painting(seed=3):
    return clips.texture(*SIZE, seed).astype(np.float32)


@pytest.mark.parametrize("change", [-25, 0, 25])
def test_a_change_of_light_is_added_to_the_painting(change):
    before, moved = np.clip(clips.texture(*SIZE), 30, 225), np.clip(painting(), 30, 225)
    found = relight(moved, before, (before.astype(int) + change).astype(np.uint8), ONES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, moved + change, atol=0.01)


def test_what_is_not_consistent_says_nothing_of_the_light():
    """A thing that came into sight is much brighter; the rest became darker by 10."""
    before = np.full((*SIZE, 3), 120, np.uint8)
    now, weights = before - 10, ONES.copy()
    now[15:30, 20:40], weights[15:30, 20:40] = 255, 0
    found = relight(painting(), before.astype(np.float32), now, weights)
    np.testing.assert_allclose(found, np.clip(painting() - 10, 0, 255), atol=0.01)
    np.testing.assert_array_equal(relight(painting(), before, now, ONES * 0), painting())


def shares(frames, threshold=2.0):
    static = StaticRegions(threshold)
    return [static.share(frame, uniform(0, frame.shape[:2])) for frame in frames]


def test_around_what_moves_a_feathered_border_is_painted():
    """Nothing is kept where it moves, everything beyond reach, and shares fall off in between."""
    size = (192, 256)
    back = np.full((*size, 3), 128, np.uint8)
    now = back.copy()
    now[80:112, 100:140] = 250
    _, found = shares([back, now])
    np.testing.assert_array_equal(found[80:112, 100:140], 0)
    reach = round(256 / MARGIN)
    right = found[96, 140:]
    # The blur that noise is averaged by makes a little more change than did.
    inside = int(np.argmax(right > 0))
    assert reach <= inside <= reach + 10
    beyond = int(np.argmax(right == 1))
    assert beyond - inside == pytest.approx(2 * reach, abs=1)
    assert (np.diff(right[: beyond + 1]) >= 0).all()
    assert found[:60].min() == found[:, :70].min() == right[beyond:].min() == 1


def test_a_pixel_is_compared_with_the_frame_it_was_painted_in():
    """Steps below the threshold: none is seen alone, but their sum is. So fades are followed."""
    grey = [np.full((*SIZE, 3), 100 + level, np.uint8) for level in (0, 1, 2, 3, 4, 5, 6)]
    middle = [one[20:-20, 20:-20].mean() for one in shares(grey, 2.5)[1:]]
    assert middle == [1, 1, 0, 1, 1, 0]
