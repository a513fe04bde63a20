"""Checks that Keras runs on TensorFlow, as this package needs."""

from artistyle_tf.errors import ConfigError


def check_backend() -> None:
    """ConfigError unless Keras uses TensorFlow."""
    import keras  # here: importing this package loads no TensorFlow

    if (chosen := keras.config.backend()) != "tensorflow":
        raise ConfigError(
            f"Keras runs on {chosen}; set KERAS_BACKEND=tensorflow before Python starts"
        )
