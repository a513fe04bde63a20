"""The network that paints in one pass and its training: crops, deadline, and what is refused."""

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


def test_the_network():
    model = build_transform_net()
    assert model.count_params() == 276_675
    photo = np.random.default_rng(0).uniform(0, 255, (2, 20, 36, 3)).astype(np.float32)
    painted = model(photo)
    assert painted.shape == photo.shape
    assert painted.dtype == "float32"
    assert 0 <= float(np.min(painted)) < float(np.max(painted)) <= 255
    # Instance normalisation: what is beside it in the batch changes nothing.
    np.testing.assert_allclose(painted[:1], model(photo[:1]), atol=1e-2)


def test_width_and_blocks_of_the_paper():
    model = build_transform_net(32, 5)
    kernels = [tuple(one.shape) for one in model.weights if one.path.endswith("kernel")]
    residual = [(3, 3, 128, 128)] * 10
    assert kernels == [
        (9, 9, 3, 32), (3, 3, 32, 64), (3, 3, 64, 128), *residual,
        (3, 3, 128, 64), (3, 3, 64, 32), (9, 9, 32, 3),
    ]  # fmt: skip


def test_the_seed_is_of_the_weights():
    one, same, other = (build_transform_net(4, 1, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])
    first, second = [array for array in one if array.shape == (3, 3, 16, 16)]
    assert not np.array_equal(first, second)


def test_crops_are_parts_of_the_pictures(picture, tmp_path):
    tall, wide = picture(64, 32), picture(16, 96, 1)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    taken, again = (
        list(crops([tall, tmp_path / "wide.png"], 32, 4, seed=3).take(8)) for _ in range(2)
    )
    for inputs, target in taken:
        assert inputs.shape == (4, 32, 32, 3)
        assert inputs.dtype == "float32"
        assert np.array_equal(inputs, target)
    assert all(np.array_equal(*pair) for pair in zip(taken, again, strict=True))
    # At a longer side of twice the crop this one keeps its size.
    found = np.concatenate([inputs for inputs, _ in crops(tall, 32, 4).take(16)])
    parts = [tall[top : top + 32] for top in range(33)]
    parts += [part[:, ::-1] for part in parts]
    matches = sum(any(np.array_equal(crop, part) for part in parts) for crop in found)
    assert 16 < matches < 48  # the other half is of the larger scale


def test_training_lowers_the_loss(picture, monkeypatch):
    monkeypatch.setattr(training, "EPOCH", 10)
    style, lessons = picture(64, 64, 9), [picture(64, 80, 1), Image.fromarray(picture(70, 64, 2))]
    rates = []

    class Counter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    model = build_transform_net(4, 1, seed=0)
    model, history = train_transform_net(
        style, lessons, steps=15, model=model, callbacks=[Counter()], **SMALL
    )
    assert len(rates) == 15  # two epochs, the second one short
    assert (rates[0], rates[-1]) == pytest.approx((2e-3, 1e-4), rel=0.03)
    assert rates == sorted(rates, reverse=True)
    assert list(history) == ["loss"]
    first, last = history["loss"]
    assert last < 0.9 * first
    photo = picture(32, 48, 5)[None].astype(np.float32)
    assert float(model.loss(photo, model.predict(photo, verbose=0))) > 0


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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"side": 33}, "side is 33; it must be a multiple of 4 px"),
        ({"batch": 0}, "batch is 0; it must be"),
        ({"steps": 0}, "steps is 0; it must be"),
        ({"steps": None}, "minutes and steps are both None; one must say when"),
        ({"minutes": -1}, "minutes is -1; it must be"),
        ({"pictures": []}, "pictures is empty; name at least one"),
        ({"style": None}, "PerceptualLoss needs a style"),
    ],
)
def test_what_is_wrong_is_said(picture, changes, said):
    good = {"style": picture(32, 32), "pictures": [picture(64, 64)], "steps": 1, **SMALL}
    with pytest.raises(ConfigError, match=f"^{said}"):
        train_transform_net(**{**good, **changes})


def test_what_is_refused(monkeypatch, picture, tmp_path):
    with pytest.raises(ConfigError, match=r"^width is 0; it must be"):
        build_transform_net(width=0)
    with pytest.raises(InputError, match=r"no\.png"):
        crops([tmp_path / "no.png"], 32, 1)
    monkeypatch.setenv(FROZEN, "1")
    with pytest.raises(ConfigError, match=f"^{FROZEN} is 1, with which .* a process without"):
        build_transform_net()
    with pytest.raises(ConfigError, match=f"^{FROZEN} is 1, with which .* a process without"):
        train_transform_net(picture(32, 32), [picture(64, 64)], steps=1, **SMALL)


def test_the_weights_default_is_that_of_the_settings():
    assert inspect.signature(train_transform_net).parameters["weights"].default == Config.weights
