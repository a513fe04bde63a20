"""Between pictures and the network's scale."""

import keras
import numpy as np

from artistyle_tf.images.network_scale import from_network, to_network


def test_round_trip_of_every_level():
    rgb = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    rgb.flags.writeable = False
    back = from_network(to_network(rgb))
    assert back.dtype == np.uint8
    assert back.flags.c_contiguous  # Pillow and others copy or refuse views that run backwards
    np.testing.assert_array_equal(back, rgb)


def test_as_keras_does_it(picture):
    rgb = picture(6, 9)
    wanted = keras.applications.vgg19.preprocess_input(
        rgb.astype(np.float32), data_format="channels_last"
    )
    ours = to_network(rgb)
    assert (ours.shape, ours.dtype) == ((1, 6, 9, 3), np.float32)
    np.testing.assert_allclose(ours[0], wanted, atol=1e-4)
