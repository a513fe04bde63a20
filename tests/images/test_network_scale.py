"""Between pictures and the network's scale."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from artistyle_tf.images.network_scale import BGR_MEAN, from_network, to_network

relaxed = settings(max_examples=30)


@relaxed
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_round_trip_is_exact(rgb):
    back = from_network(to_network(rgb))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, rgb)


def test_round_trip_of_every_level():
    rgb = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    np.testing.assert_array_equal(from_network(to_network(rgb)), rgb)


def test_as_keras_does_it(picture):
    rgb = picture(6, 9)
    wanted = keras.applications.vgg19.preprocess_input(
        rgb.astype(np.float32), data_format="channels_last"
    )
    ours = to_network(rgb)
    assert (ours.shape, ours.dtype) == ((1, 6, 9, 3), np.float32)
    np.testing.assert_allclose(ours[0], wanted, atol=1e-4)


def test_blue_is_first():
    blue = np.zeros((1, 1, 3), np.uint8)
    blue[..., 2] = 255
    np.testing.assert_allclose(
        to_network(blue)[0, 0, 0], [255 - BGR_MEAN[0], -BGR_MEAN[1], -BGR_MEAN[2]], rtol=1e-6
    )


def test_arguments_are_not_written_to(picture):
    rgb = picture(4, 4)
    before = rgb.copy()
    image = to_network(rgb)
    image += 1
    np.testing.assert_array_equal(rgb, before)
    rgb.flags.writeable = False
    image = to_network(rgb)
    kept = image.copy()
    from_network(image)[:] = 0
    np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize(
    ("grey", "wanted"), [(-40, 0), (0.4, 0), (0.6, 1), (254.4, 254), (255.4, 255), (999, 255)]
)
def test_rounded_and_clipped(grey, wanted):
    image = np.full((1, 2, 2, 3), grey, np.float64) - np.asarray(BGR_MEAN)
    assert (from_network(image) == wanted).all()


def test_what_comes_out_is_contiguous(picture):
    """Pillow and others copy or refuse views that run backwards."""
    assert from_network(to_network(picture(3, 5))).flags.c_contiguous
