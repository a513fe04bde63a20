"""The command in the tests' own process: what it sets is undone, and nothing is traced."""

import os

import pytest

from artistyle_tf.callbacks import progress
from artistyle_tf.cli import console
from artistyle_tf.vgg.extractor import FROZEN
from painters import eagerly


@pytest.fixture
def environment(monkeypatch, unfrozen):
    for name in {"KERAS_BACKEND", "KERAS_HOME", *console.ENVIRONMENT} - {FROZEN}:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    monkeypatch.setattr(progress, "QUIET", 1e9)  # no progress, however long a test takes
    with eagerly():
        yield
