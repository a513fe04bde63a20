"""Figures that no run lowers, each by hand or beside another implementation."""

import math

import numpy as np
import pytest

pytest.importorskip("scipy")


@pytest.fixture
def referees(script):
    return script("referees")


def grey(levels):
    return np.repeat(np.array(levels, np.uint8)[..., None], 3, axis=2)


# Colours


def test_oklab_of_known_colours(referees):
    """White, black and sRGB red as published by Ottosson."""
    known = [[1, 0, 0], [0, 0, 0], [0.62796, 0.22486, 0.12585]]
    rgb = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8)
    np.testing.assert_allclose(referees.oklab(rgb), known, atol=1e-4)


def test_what_is_off_the_palette(referees, picture):
    painting = np.zeros((64, 64, 3), np.uint8)
    painting[:, :32], painting[:, 32:] = (20, 40, 200), (240, 220, 30)  # blue, yellow
    violet = np.full((48, 64, 3), (130, 30, 180), np.uint8)
    assert referees.off_palette(violet, painting) == 1
    assert referees.off_palette(painting[::-1, ::-1], painting) == 0
    half = np.vstack([violet, painting[:48]])
    assert referees.off_palette(half, painting) == pytest.approx(0.5, abs=0.03)
    lines = grey(np.indices((256, 256)).sum(0) // 2 % 2 * 255)  # blurred: all greys
    assert referees.off_palette(lines, lines) < 0.001
    noisy = picture(64, 96)
    assert referees.off_palette(noisy, noisy) < 0.01


# Patches


def test_a_shift_of_all_levels_is_the_distance_of_coarse_patches(referees, picture):
    darker = picture(64, 96) // 2
    assert set(referees.patch_distances(darker, darker).values()) == {0}
    found = referees.patch_distances(darker + np.uint8(20), darker)
    assert found.pop("mean") == pytest.approx(20 / 3, rel=1e-3)
    assert found == pytest.approx({"fine": 0, "middle": 0, "coarse": 20}, rel=1e-3, abs=1e-3)


def test_grain_is_the_distance_of_fine_patches(referees, picture):
    """Of noise, most of which is gone at half the size; the bands add up to the picture."""
    flat = np.full((64, 96, 3), 128, np.uint8)
    noise = np.random.default_rng(0).normal(128, 10, flat.shape).astype(np.uint8)
    found = referees.patch_distances(noise, flat)
    assert found["fine"] == pytest.approx(10, rel=0.2)
    assert found["fine"] > 2 * found["middle"]
    fine, middle, coarse = referees.bands(picture(64, 96))
    half = middle + referees.resample(coarse, (32, 48))
    whole = fine + referees.resample(half, (64, 96))
    np.testing.assert_allclose(whole, picture(64, 96), atol=1e-3)


def test_distances_along_directions_are_those_of_scipy(referees, picture):
    """W1 would be SciPy's; of shifts it equals W2."""
    from scipy.stats import wasserstein_distance

    directions = np.linalg.qr(np.random.default_rng(1).normal(size=(147, 147)))[0][:3]
    one = picture(40, 40, seed=1).astype(np.float32)
    other = picture(30, 50, seed=2).astype(np.float32)
    quantiles = [referees.projected(each, directions) for each in (one, other)]
    windows = np.lib.stride_tricks.sliding_window_view
    rows = [windows(each, (7, 7), (0, 1)).reshape(-1, 147) for each in (one, other)]
    for row, direction in enumerate(directions):
        expected = wasserstein_distance(*(each @ direction for each in rows))
        found = np.mean(np.abs(quantiles[0][row] - quantiles[1][row]))
        assert found == pytest.approx(expected, rel=0.02)


# Strokes


def test_strokes_of_an_enlarged_picture_are_as_much_wider(referees, picture):
    cells = np.random.default_rng(0).integers(0, 2, (32, 43)) * 200
    small, large = (grey(np.kron(cells, np.ones((side, side)))) for side in (4, 8))
    assert referees.strokes(small, small) == 1
    assert referees.strokes(large, small) == pytest.approx(2, rel=0.05)
    # Squares of 4 px correlate along a straight line, to half at 2 px; less without what is broad.
    assert referees.stroke_width(small) == pytest.approx(4, rel=0.25)
    assert math.isnan(referees.stroke_width(np.full((32, 32, 3), 7, np.uint8)))


# E


def test_divergence_of_known_gaussians(referees):
    unit = referees.Fit(np.zeros(2), np.eye(2))
    wider = referees.Fit(np.array([1.0, 0]), np.diag([4.0, 1.0]))
    # (log s + (1 + m²) / s² - 1) / 2 by dimension, s² the other's variance
    assert referees.divergence(unit, wider) == pytest.approx(
        (math.log(4) + 2 / 4 - 1) / 2, abs=1e-5
    )
    assert referees.divergence(wider, unit) == pytest.approx(
        (4 + 1 - 1 - math.log(4)) / 2, abs=1e-5
    )
    assert referees.divergence(wider, wider) == pytest.approx(0, abs=1e-9)


def test_e_is_higher_for_closer_statistics(referees):
    rng = np.random.default_rng(0)
    style = {}
    for layer, (kept, _) in referees.E_LAYERS.items():
        rows = rng.normal(size=(400, kept + 8)) * np.linspace(1, 3, kept + 8)
        style[layer] = referees.Fit(rows.mean(0), np.cov(rows.T))
    bases = referees.bases_of([style])
    for layer, (kept, _) in referees.E_LAYERS.items():
        spread = np.diag(bases[layer].T @ style[layer].covariance @ bases[layer])
        np.testing.assert_allclose(bases[layer].T @ bases[layer], np.eye(kept), atol=1e-9)
        assert np.argmax(spread) == 0  # the widest axis comes first

    def moved(by):
        fits = {k: referees.Fit(fit.mean + by, fit.covariance) for k, fit in style.items()}
        return referees.effectiveness(fits, style, bases)

    near, far = moved(0.1), moved(0.2)
    # Twice as far is four times the divergence, at every layer.
    lost = (0.7468 + 0.2557 + 2.3768) * math.log(4)
    assert near["E"] - far["E"] == pytest.approx(lost, rel=1e-6)
    assert moved(0)["E"] == pytest.approx((0.7468 + 0.2557 + 2.3768) * math.log(1e6))
