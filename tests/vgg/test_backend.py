"""Another Keras backend is refused before anything heavy is loaded."""

import json
import sys

import pytest

import artistyle_tf
from artistyle_tf import ConfigError
from artistyle_tf.vgg.backend import check_backend


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A process that has not loaded Keras, with a configuration folder of its own."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "keras.json"


def test_the_environment_comes_before_the_configuration(fresh, monkeypatch):
    fresh.write_text(json.dumps({"backend": "tensorflow"}))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ConfigError, match=r"^Keras runs on jax; set KERAS_BACKEND=tensorflow"):
        _ = artistyle_tf.stylize
    fresh.write_text(json.dumps({"backend": "torch"}))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_backend()
    monkeypatch.delenv("KERAS_BACKEND")
    with pytest.raises(ConfigError, match="runs on torch"):
        check_backend()


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "not json"])
def test_tensorflow_where_nothing_is_said(fresh, text):
    if text is not None:
        fresh.write_text(text)
    check_backend()
