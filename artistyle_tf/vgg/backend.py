"""Determines which backend Keras will load, without loading it: we need TensorFlow."""

import json
import os
import pathlib
import sys

from artistyle_tf.errors import ConfigError

__all__ = ["check_backend"]


def check_backend() -> None:
    """ConfigError unless Keras uses or will use TensorFlow; follows Keras' own lookup order."""
    if "keras" in sys.modules:
        chosen = sys.modules["keras"].backend.backend()
    else:
        chosen = os.environ.get("KERAS_BACKEND") or _configured()
    if chosen != "tensorflow":
        raise ConfigError(
            f"Keras runs on {chosen}; set KERAS_BACKEND=tensorflow before Python starts"
        )


def _configured() -> str:
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        settings = json.loads(pathlib.Path(home, "keras.json").read_text())
        return str(settings["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"
