"""The preconditioner: linear, symmetric, invertible, of known gain."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.objective.preconditioner import precondition


def noise(shape, seed):
    return tf.constant(np.random.default_rng(seed).normal(size=(1, *shape, 3)))


def wave(angles):
    return tf.constant(np.stack([np.cos(angles)] * 3, -1)[None])


@pytest.mark.parametrize(("shape", "settled"), [((17, 16), 0.0), ((17, 35), 0.25)])
def test_invertible_and_symmetric(shape, settled):
    """The gradient with respect to z is P times the image's only if ⟨Pa, b⟩ = ⟨a, Pb⟩."""
    image, other = noise(shape, 1), noise(shape, 2)
    assert precondition(image, 0.0) is image
    for power in (0.25, 1.0):
        there = precondition(image, power, settled, settle=1.0)
        assert (there.shape, there.dtype) == (image.shape, tf.float64)
        assert np.abs(there - image).max() > 0.1
        back = precondition(there, -power, settled, settle=1.0)
        np.testing.assert_allclose(back, image, atol=1e-12)
        moved = precondition(other, power, settled, settle=1.0)
        np.testing.assert_allclose(np.vdot(there, other), np.vdot(image, moved), rtol=1e-11)


@pytest.mark.parametrize(
    ("cycles", "gain"),
    [
        ((0, 4), 1),  # four pixels a wave
        ((4, 0), 1),
        ((0, 1), 2),  # 16 pixels: (4 / 16)^-½
        ((0, 0), 2),  # the mean is moved as much as the lowest wave
        ((0, 8), 2**-0.5),
        ((2, 2), (4 * np.hypot(2, 2) / 16) ** -0.5),
    ],
)
def test_gain_of_a_pure_wave(cycles, gain):
    y, x = np.mgrid[:16, :16]
    image = wave(2 * np.pi * (cycles[0] * y + cycles[1] * x) / 16)
    np.testing.assert_allclose(precondition(image, 0.5), gain * image, atol=1e-12)


def test_where_it_is_not_square_frequencies_are_per_pixel_on_both_axes():
    y, x = np.mgrid[:16, :32]
    for angles in (2 * np.pi * y / 8, 2 * np.pi * x / 8):
        np.testing.assert_allclose(precondition(wave(angles), 1.0), 2 * wave(angles), atol=1e-12)
    # The mean counts as a wave over the longer side.
    image = tf.ones([1, 16, 32, 3], tf.float64)
    np.testing.assert_allclose(precondition(image, 1.0), 8 * image, atol=1e-12)


def test_what_is_settled_moves_less():
    """By |f| over the settled frequency, to a power; what is above it moves as before."""
    _, x = np.mgrid[:16, :16]
    for cycles, held in ((6, 1), (4, 1), (2, 0.5), (1, 0.25)):
        image = wave(2 * np.pi * cycles * x / 16)
        for settle in (0.0, 1.0, 2.0):
            found = precondition(image, 0.5, settled=0.25, settle=settle)
            expected = held**settle * precondition(image, 0.5)
            np.testing.assert_allclose(found, expected, atol=1e-12)
