"""The preconditioner: linear, symmetric, invertible, of known gain."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.objective.coordinates import precondition

SHAPES = [(16, 16), (16, 24), (17, 16), (16, 17), (17, 35)]
POWERS = [0.25, 0.5, 1.0]


def noise(shape, seed=0):
    values = np.random.default_rng(seed).normal(size=(1, *shape, 3))
    return tf.constant(values, tf.float64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("settled", [0.0, 0.25])
def test_inverse(shape, power, settled):
    image = noise(shape)
    there = precondition(image, power, settled, settle=1.0)
    assert there.shape == image.shape
    assert there.dtype == tf.float64
    assert np.abs(there - image).max() > 0.1
    back = precondition(there, -power, settled, settle=1.0)
    np.testing.assert_allclose(back, image, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("power", POWERS)
def test_symmetric(shape, power):
    """The gradient with respect to z is P times the image's only if ⟨Pa, b⟩ = ⟨a, Pb⟩."""
    a, b = noise(shape, 1), noise(shape, 2)
    left, right = np.vdot(precondition(a, power), b), np.vdot(a, precondition(b, power))
    np.testing.assert_allclose(left, right, rtol=1e-11)


def test_the_gradient_is_p_of_the_images():
    z, goal = noise((17, 16), 3), noise((17, 16), 4)
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = tf.reduce_sum(tf.sin(precondition(z, 0.5) * goal))
    image = precondition(z, 0.5)
    np.testing.assert_allclose(
        tape.gradient(value, z), precondition(goal * tf.cos(image * goal), 0.5), atol=1e-12
    )


def test_power_zero_is_the_image_itself():
    image = noise((16, 16))
    assert precondition(image, 0.0) is image


def test_powers_add():
    image = noise((17, 35))
    np.testing.assert_allclose(
        precondition(precondition(image, 0.25), 0.5), precondition(image, 0.75), atol=1e-12
    )


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
    wave = np.cos(2 * np.pi * (cycles[0] * y + cycles[1] * x) / 16)
    image = tf.constant(np.stack([wave, 2 * wave, -wave], -1)[None])
    np.testing.assert_allclose(precondition(image, 0.5), gain * image, atol=1e-12)


def test_what_is_settled_moves_less():
    """By |f| over the settled frequency, to a power; what is above it moves as before."""
    x = np.arange(16)
    for cycles, held in ((6, 1), (4, 1), (2, 0.5), (1, 0.25)):
        wave = np.tile(np.cos(2 * np.pi * cycles * x / 16), (16, 1))
        image = tf.constant(np.stack([wave] * 3, -1)[None])
        for settle in (0.0, 1.0, 2.0):
            found = precondition(image, 0.5, settled=0.25, settle=settle)
            expected = held**settle * precondition(image, 0.5)
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_frequencies_are_per_pixel_on_both_axes():
    """In a picture that is not square, waves of equal length have equal gains."""
    y, x = np.mgrid[:16, :32]
    for wave in (np.cos(2 * np.pi * y / 8), np.cos(2 * np.pi * x / 8)):
        image = tf.constant(np.stack([wave] * 3, -1)[None])
        np.testing.assert_allclose(precondition(image, 1.0), 2 * image, atol=1e-12)


def test_the_mean_counts_as_a_wave_over_the_longer_side():
    image = tf.ones([1, 16, 32, 3], tf.float64)
    np.testing.assert_allclose(precondition(image, 1.0), 8 * image, atol=1e-12)


def test_float32_in_a_graph_of_any_size():
    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)], autograph=False)
    def both(image):
        return precondition(precondition(image, 0.25), -0.25)

    for shape in SHAPES:
        image = tf.cast(noise(shape), tf.float32)
        np.testing.assert_allclose(both(image), image, atol=1e-5)
