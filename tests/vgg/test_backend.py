"""Another Keras backend is refused."""

import keras
import pytest

import artistyle_tf
from artistyle_tf import ConfigError


def test_another_backend_is_refused(monkeypatch):
    assert callable(artistyle_tf.stylize)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match=r"^Keras runs on jax; set KERAS_BACKEND=tensorflow"):
        _ = artistyle_tf.stylize
