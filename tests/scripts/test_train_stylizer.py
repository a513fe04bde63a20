"""The script that trains a feed-forward stylizer: what it prints and writes."""

import keras
import numpy as np
import pytest


@pytest.mark.slow
def test_a_few_steps_lower_the_loss_on_an_unseen_picture(script, tmp_path, capsys):
    train_stylizer = script("train_stylizer")
    arguments = [
        "--weights=preview",
        "--side=48",
        "--batch=2",
        "--width=8",
        "--steps=60",
        "--minutes=60",  # the steps end it; by then the learning rate has not faded either
        "--unseen_side=96",
    ]
    figures = train_stylizer.main([f"--folder={tmp_path}", *arguments])
    assert figures["last_epoch"] < figures["first_epoch"]
    assert figures["trained"] < 0.8 * figures["untrained"]
    assert f"trained: {figures['trained']:.5g}" in capsys.readouterr().out
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"model.keras", "photo.png", "untrained.png", "trained.png"}
    model = keras.saving.load_model(tmp_path / "model.keras")
    unseen = train_stylizer.picture(train_stylizer.UNSEEN, 96)[None].astype(np.float32)
    painted = model.predict(unseen, verbose=0)
    assert painted.shape == unseen.shape
    assert painted.min() >= 0
    assert painted.max() <= 255
    assert float(model.loss(unseen, painted)) == pytest.approx(figures["trained"], rel=1e-4)
