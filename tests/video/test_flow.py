"""Flow, warp, consistency and cuts on drawn clips whose motion is known."""

import numpy as np
import pytest

import clips
from artistyle_tf.video.consistency import (
    consistency,
    disoccluded,
    long_term,
    merged,
    motion_boundary,
)
from artistyle_tf.video.cuts import is_cut
from artistyle_tf.video.flow import QUALITIES, dense_flow
from artistyle_tf.video.warp import inside, warped

RNG = np.random.default_rng(0)


def flow_of(value, size=(10, 12)):
    return np.broadcast_to(np.float32(value), (*size, 2)).copy()


def both(before, now, quality="medium"):
    """(backward, forward)"""
    return dense_flow(now, before, quality), dense_flow(before, now, quality)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("size", [(64, 96), (20, 40)])
def test_a_pan_is_found(quality, size):
    before, now = clips.pan(2, size, (2, 1))
    backward, _ = both(before, now, quality)
    # The camera goes right and down by (2, 1), so that is where things were, seen from here.
    inner = backward[4:-4, 6:-6]
    assert backward.shape == (*size, 2)
    assert backward.dtype == np.float32
    assert np.median(np.abs(inner - (2, 1))) < 0.2
    error = np.abs(warped(before, backward).astype(float) - now)[4:-4, 6:-6]
    still = np.abs(before.astype(float) - now)[4:-4, 6:-6]
    assert error.mean() < 0.2 * still.mean()


def test_warp_by_hand():
    picture = np.float32([[0, 10, 20], [30, 40, 50]])
    assert warped(picture, flow_of((0.5, 0), (2, 3))).tolist() == [[5, 15, 20], [35, 45, 50]]
    assert warped(picture, flow_of((0, 1), (2, 3))).tolist() == [[30, 40, 50]] * 2
    assert inside(flow_of((1, 0), (2, 3))).tolist() == [[True, True, False]] * 2
    assert warped(np.dstack([picture] * 3), flow_of((0, 0), (2, 3))).shape == (2, 3, 3)


def test_there_and_back_by_hand():
    """The bound is 0.01 (|w̃|² + |ŵ|²) + 0.5, and what comes from outside is unseen."""
    backward, forward = flow_of((3, 0)), flow_of((-3, 0))
    found = disoccluded(backward, forward)
    assert found[:, -3:].all()
    assert not found[:, :-3].any()
    for off, unseen in ((0.79, False), (0.81, True)):  # 0.6241, 0.6561; bounds 0.6388, 0.6380
        forward = flow_of((-3 + off, 0))
        assert disoccluded(backward, forward)[:, :-3].all() == unseen


def test_motion_boundaries_by_hand():
    backward = flow_of((2, 0))
    assert not motion_boundary(backward).any()
    for step, bound in ((0.2, False), (0.21, True)):  # 0.0441 against 0.01 · 4 + 0.002 = 0.042
        stepped = backward.copy()
        stepped[:, 6:, 1] = step
        found = motion_boundary(stepped)
        assert found[:, 5].all() == bound
        assert not np.delete(found, 5, axis=1).any()


def test_what_a_moving_square_uncovers_is_found():
    """A strip of 4 px on its left; on the rest of the background and the square it is trusted."""
    before, now = clips.square(2)
    found = consistency(*both(before, now))
    assert found.dtype == np.float32
    assert set(np.unique(found)) == {0, 1}
    uncovered = found[36:60, 16:20]
    assert uncovered.mean() < 0.3
    assert found[:24].mean() > 0.95
    assert found[38:58, 28:44].mean() > 0.9
    trusted = found > 0
    error = np.abs(warped(before, dense_flow(now, before)).astype(float) - now)
    assert error[trusted].mean() < 0.3 * error[36:60, 16:20].mean()


def test_long_term_weights_count_each_pixel_once():
    near, far, farther = (np.float32(row) for row in ([1, 0, 0, 0.5], [1, 1, 0, 1], [1, 1, 1, 1]))
    found = long_term([near, far, farther])
    assert [one.tolist() for one in found] == [[1, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0]]


def test_merged_pairs_have_the_gradient_of_all():
    pictures = list(RNG.normal(size=(3, 5, 6, 3)).astype(np.float32))
    weights = list(RNG.uniform(size=(3, 5, 6)).astype(np.float32))
    for one in weights:
        one[0] = 0
    x = RNG.normal(size=(5, 6, 3))
    wanted = sum(c[..., None] * 2 * (x - w) for c, w in zip(weights, pictures, strict=True))
    picture, total = merged(pictures, weights)
    np.testing.assert_allclose(total[..., None] * 2 * (x - picture), wanted, atol=1e-5)
    assert np.isfinite(picture).all()


def test_cuts():
    shot, other = clips.pan(3, step=(3, 1)), clips.pan(2, seed=7)
    dark = [frame // 4 for frame in other]
    for before, now, cut in [
        (shot[0], shot[1], False),
        (shot[0], shot[0], False),
        (shot[2], dark[0], True),
        (shot[2], other[0], True),
        (dark[0], dark[1], False),
    ]:
        found = consistency(*both(before, now))
        assert is_cut(before, now, found) == cut
    brighter = np.clip(shot[1].astype(int) + 30, 0, 255).astype(np.uint8)
    assert not is_cut(shot[0], brighter, consistency(*both(shot[0], brighter)))
