"""Colour control: how far each mode moves colours, and where to."""

import numpy as np
import pytest

from artistyle_tf.config.choices import Color
from artistyle_tf.images.color import keep_chroma, luminance, recolor
from artistyle_tf.images.network_scale import from_network, to_network

MODES = Color.__args__


@pytest.fixture
def pair():
    """Two pictures of correlated colours, none of which any mode has to clip."""
    rng = np.random.default_rng(0)
    mixes = rng.normal(size=(2, 3, 3)) * 8
    means = (np.array([90, 130, 160]), np.array([150, 120, 100]))
    return [
        np.clip(rng.normal(size=(60, 70, 3)) @ mix + mean, 0, 255).astype(np.uint8)
        for mix, mean in zip(mixes, means, strict=True)
    ]


def moments(rgb):
    pixels = rgb.reshape(-1, 3).astype(np.float64)
    return pixels.mean(0), np.cov(pixels.T, bias=True)


@pytest.mark.parametrize("mode", ["match", "cholesky"])
def test_match_gives_the_contents_mean_and_covariance(pair, mode):
    content, (style,) = recolor(mode, pair[0], [pair[1]])
    np.testing.assert_array_equal(content, pair[0])
    for ours, wanted in zip(moments(style), moments(content), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=0.02 * np.abs(wanted).max())


def test_the_two_roots_are_what_they_say(pair):
    content, style = pair
    pixels = style.reshape(-1, 3) - style.reshape(-1, 3).mean(0)
    for mode in ("match", "cholesky"):
        moved = recolor(mode, content, [style])[1][0].reshape(-1, 3).astype(float)
        matrix = np.linalg.lstsq(pixels, moved - moved.mean(0), rcond=None)[0].T
        if mode == "cholesky":
            assert np.abs(np.triu(matrix, 1)).max() < 0.02
        else:  # Σ_C^-½ A = Σ_S^-½ is symmetric
            values, vectors = np.linalg.eigh(moments(content)[1])
            root = (vectors * values**-0.5) @ vectors.T @ matrix
            np.testing.assert_allclose(root, root.T, atol=0.02 * np.abs(root).max())


def test_histogram_gives_the_contents_quantiles(pair):
    content, (style,) = recolor("histogram", pair[0], [pair[1]])
    for channel in range(3):
        quantiles = [
            np.quantile(one[..., channel], np.linspace(0.02, 0.98, 25)) for one in (style, content)
        ]
        np.testing.assert_allclose(*quantiles, atol=1.5)


def test_luminance_matches_brightness_and_keeps_chroma(pair):
    content, (style,) = recolor("luminance", pair[0], [pair[1]])
    for grey in (content, style):
        assert np.ptp(grey, axis=-1).max() == 0
    np.testing.assert_allclose(content[..., 0], luminance(pair[0]), atol=0.5)
    assert style.mean() == pytest.approx(content.mean(), abs=0.3)
    assert style.std() == pytest.approx(content.std(), abs=0.3)
    painted = np.clip(content.astype(int) + 20, 0, 255).astype(np.uint8)
    result = from_network(keep_chroma(to_network(painted), pair[0]))
    np.testing.assert_allclose(result, pair[0] + 20.0, atol=1.01)  # 20 brighter, nothing else


@pytest.mark.parametrize("mode", MODES)
def test_grey_and_single_coloured_pictures(pair, mode):
    grey = np.repeat(pair[0][..., :1], 3, axis=-1)
    flat = np.full((20, 30, 3), (200, 30, 90), np.uint8)
    for content in (pair[0], grey, flat):
        for style in (pair[1], grey, flat):
            before = style.copy()
            _, (changed,) = recolor(mode, content, [style])
            assert (changed.shape, changed.dtype) == (style.shape, np.uint8)
            np.testing.assert_array_equal(style, before)
            if mode != "style":
                wanted = np.full(3, luminance(content).mean())
                wanted = wanted if mode == "luminance" else content.reshape(-1, 3).mean(0)
                slack = 40 if mode == "histogram" else 1.5  # one colour can only be the median
                np.testing.assert_allclose(changed.reshape(-1, 3).mean(0), wanted, atol=slack)
            if mode in ("match", "cholesky", "histogram") and content is grey is style:
                assert np.ptp(changed.astype(int), axis=-1).max() <= 1
