"""Which backend Keras will load, known before it loads: ours is TensorFlow. Loads nothing."""

import json
import os
import pathlib
import sys

from artistyle_tf.errors import ConfigError

__all__ = ["check_backend"]


def check_backend() -> None:
    """ConfigError unless Keras runs on TensorFlow, or will: by its own rules, in their order."""
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
