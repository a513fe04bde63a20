"""A level that ends by itself when the last iterations brought too little."""

import numpy as np
import pytest

from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.optimize import WINDOW
from painters import stylize


@pytest.fixture
def settings(small_file):
    return {
        "size": 32,
        "weights": str(small_file),
        "init": "content",
        "optimizer": "lbfgs",
        "precision": "float32",
        "iterations": 150,
    }


def stalls(trace, tolerance):
    """The first iteration, from 1, after which the last twenty brought too little."""
    values = np.array([row[2] for row in trace])
    for done in range(WINDOW + 1, len(values) + 1):
        before, now = values[: done - WINDOW].min(), values[:done].min()
        if before - now < tolerance * before:
            return done
    return None


def test_it_ends_where_twenty_iterations_bring_too_little(settings, picture):
    content, style = picture(32, 32, 1), picture(32, 32, 2)
    whole = stylize(content, style, Config(**settings))
    ended = stylize(content, style, Config(**settings, tolerance=0.2))
    found = stalls(whole.trace, 0.2)
    assert WINDOW < found < 150
    assert [row[2] for row in ended.trace] == [row[2] for row in whole.trace[:found]]
    assert ended.stop_reason == "20 iterations lowered the objective by less than 0.2 of it"


def test_a_resumed_run_ends_at_the_same_iteration(settings, picture, tmp_path):
    content, style = picture(32, 32, 1), picture(32, 32, 2)
    config = Config(**settings, tolerance=0.2)
    whole = stylize(content, style, config)
    folder = tmp_path / "folder"
    halfway = len(whole.trace) - 10

    def stop(step):
        return step.iteration < halfway

    stylize(content, style, config, checkpoints=Checkpoints(folder), callback=stop)
    resumed = stylize(content, style, config, checkpoints=Checkpoints(folder, resume=True))
    assert resumed.stop_reason == whole.stop_reason
    assert len(resumed.trace) == len(whole.trace)
    np.testing.assert_array_equal(resumed.image, whole.image)
