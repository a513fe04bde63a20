"""The event of a run. No TensorFlow."""

import dataclasses

import pytest

from artistyle_tf.run.events import Step


def test_steps_cant_be_changed():
    nothing = dict.fromkeys(("parts", "image", "unclipped"), lambda: None)
    step = Step(1, 1, (32, 32), 1, 4, 1, 2.5, 0.1, 0.3, **nothing)
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.iteration = 5
