"""How a network that paints in one pass is trained: crops, deadline, and what is refused."""

import inspect

import keras
import numpy as np
import pytest
from PIL import Image

from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.feedforward import (
    Deadline,
    build_transform_net,
    crops,
    train_transform_net,
    training,
)
from artistyle_tf.vgg.extractor import FROZEN

SMALL = {"minutes": None, "side": 32, "batch": 2, "weights": "preview"}


def test_crops_are_parts_of_the_pictures(picture, tmp_path):
    tall, wide = picture(64, 32), picture(16, 96, 1)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    taken = list(crops([tall, tmp_path / "wide.png"], 32, 4, seed=3).take(8))
    for inputs, target in taken:
        assert inputs.shape == (4, 32, 32, 3)
        assert inputs.dtype == "float32"
        assert np.array_equal(inputs, target)
    again = list(crops([tall, tmp_path / "wide.png"], 32, 4, seed=3).take(8))
    assert all(np.array_equal(*pair) for pair in zip(taken, again, strict=True))
    # At a longer side of twice the crop this one keeps its size.
    found = np.concatenate([inputs for inputs, _ in crops(tall, 32, 4).take(16)])
    parts = [tall[top : top + 32] for top in range(33)]
    parts += [part[:, ::-1] for part in parts]
    matches = sum(any(np.array_equal(crop, part) for part in parts) for crop in found)
    assert 16 < matches < 48  # the other half is of the larger scale


@pytest.mark.slow
def test_training_lowers_the_loss_and_is_repeatable(picture):
    style, lessons = picture(64, 64, 9), [picture(64, 80, 1), Image.fromarray(picture(70, 64, 2))]
    counted = []

    class Counter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            counted.append(float(self.model.optimizer.learning_rate))

    def trained():
        model = build_transform_net(4, 1, seed=0)
        return train_transform_net(
            style, lessons, steps=60, model=model, callbacks=[Counter()], **SMALL
        )

    model, history = trained()
    assert len(counted) == 60  # two epochs, the second one short
    assert counted[0] == pytest.approx(2e-3, rel=0.01)
    assert counted[-1] == pytest.approx(1e-4, rel=0.01)
    assert counted == sorted(counted, reverse=True)
    assert list(history) == ["loss"]
    first, last = history["loss"]
    assert last < 0.9 * first
    photo = picture(32, 48, 5)[None].astype(np.float32)
    assert model.predict(photo, verbose=0).shape == photo.shape
    assert float(model.loss(photo, model.predict(photo, verbose=0))) > 0
    assert trained().history["loss"] == pytest.approx([first, last], rel=0.01)


def test_deadline_by_the_clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])
    deadline, model = Deadline(minutes=2), keras.Sequential()
    model.compile(keras.optimizers.SGD(0.5))
    deadline.set_model(model)
    deadline.on_train_begin()
    model.stop_training, rates = False, []
    for now[0] in (130.0, 160.0, 219.0):
        deadline.on_train_batch_end(0)
        rates.append(float(model.optimizer.learning_rate))
        assert not model.stop_training
    assert rates == pytest.approx([0.5 * 0.853553, 0.25, 0.025], rel=1e-5)
    now[0] = 220.0
    deadline.on_train_batch_end(0)
    assert model.stop_training


def test_not_where_weights_are_promised_to_be_frozen(monkeypatch, picture):
    monkeypatch.setenv(FROZEN, "1")
    with pytest.raises(ConfigError, match=f"^{FROZEN} is 1, with which .* a process without"):
        train_transform_net(picture(32, 32), [picture(64, 64)], steps=1, **SMALL)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"side": 33}, "side is 33; it must be a multiple of 4 px"),
        ({"side": 8}, "side is 8; it must be a whole number from 16 to 4096"),
        ({"batch": 0}, "batch is 0; it must be"),
        ({"steps": 0}, "steps is 0; it must be"),
        ({"steps": None}, "minutes and steps are both None; one must say when"),
        ({"minutes": -1}, "minutes is -1; it must be"),
        ({"seed": -1}, "seed is -1; it must be"),
        ({"style_weight": -1}, "style_weight is -1; it must be"),
        ({"pictures": []}, "pictures is empty; name at least one"),
        ({"style": None}, "PerceptualLoss needs a style"),
    ],
)
def test_what_is_wrong_is_said(picture, changes, said):
    good = {"style": picture(32, 32), "pictures": [picture(64, 64)], "steps": 1, **SMALL}
    with pytest.raises(ConfigError, match=f"^{said}"):
        train_transform_net(**{**good, **changes})


def test_pictures_that_can_not_be_read(tmp_path):
    with pytest.raises(InputError, match=r"no\.png"):
        crops([tmp_path / "no.png"], 32, 1)


def test_the_weights_default_is_that_of_the_settings():
    assert inspect.signature(train_transform_net).parameters["weights"].default == Config.weights
