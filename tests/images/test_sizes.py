"""Sizes and resampling."""

import numpy as np
import pytest
from picture_files import pattern

from artistyle_tf.errors import ConfigError
from artistyle_tf.images import sizes


def test_fit():
    for size, longer, expected in (
        ((300, 400), 0, (300, 400)),
        ((400, 300), 200, (200, 150)),
        ((389, 517), 256, (193, 256)),  # 192.62
        ((3, 8), 4, (2, 4)),  # 1.5, halves up
        ((1, 1000), 10, (1, 10)),
    ):
        assert sizes.fit(*size, longer) == expected
    with pytest.raises(ConfigError, match="-1"):
        sizes.fit(10, 10, -1)


def test_resize():
    rgb = pattern(40, 60)
    assert sizes.resize(rgb, (40, 60)) is rgb
    half = sizes.resize(rgb, (20, 30))
    assert (half.dtype, half.shape) == (np.uint8, (20, 30, 3))
    box = rgb.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    assert np.abs(half[2:-2, 2:-2] - box[2:-2, 2:-2]).max() <= 1.5  # a ramp keeps its slope
    plane = sizes.resize(rgb[..., 0], (20, 30))
    np.testing.assert_array_equal(plane, half[..., 0])
    step = np.zeros((20, 20), np.uint8)
    step[:, 10:] = 255
    doubled = sizes.resize(np.dstack([step // 2 + 60] * 3), (40, 40))
    assert doubled.max() > 60 + 127  # Lanczos overshoots, bilinear would not


def test_resample():
    y, x = np.mgrid[0:20, 0:30].astype(np.float32)
    image = np.stack([x, y, x - 2 * y, -1000 * x + 0.25], axis=-1)
    twice = sizes.resample(image, (40, 60))
    assert (twice.dtype, twice.shape) == (np.float32, (40, 60, 4))
    # A bicubic kernel carries a straight line on: pixel centres sit at (i + 0.5) / 2 - 0.5.
    v, u = np.mgrid[0:40, 0:60] / 2 - 0.25
    expected = np.stack([u, v, u - 2 * v, -1000 * u + 0.25], axis=-1)
    inner = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(twice[inner], expected[inner], rtol=1e-4, atol=1e-3)
    step = np.where(x < 15, 0, 100)[..., None].astype(np.float32)
    sharp = sizes.resample(step, (40, 60))
    assert sharp.min() < -1  # bicubic overshoots, bilinear would not; nothing is clipped
    assert sharp.max() > 101
    assert sizes.resample(image, (20, 30)) is image
    assert sizes.resample(image[:, ::2], (20, 7)).shape == (20, 7, 4)
