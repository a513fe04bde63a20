"""The worked example: a feed-forward stylizer learns by `fit`, and its notebook runs."""

import json
import re

import keras
import nbformat
import numpy as np
import pytest
from test_notebook import code_cells, printed, run, with_settings

from places import ROOT

NOTEBOOK = ROOT / "notebooks" / "keras_pipeline.ipynb"


@pytest.mark.slow
def test_a_few_steps_lower_the_loss_on_an_unseen_picture(script, tmp_path, capsys):
    train_stylizer = script("train_stylizer")
    arguments = [
        "--weights=preview",
        "--side=48",
        "--batch=2",
        "--width=8",
        "--steps=60",
        "--minutes=2",
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


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    small = {"SIDE": 48, "BATCH": 2, "EPOCHS": 3, "STEPS": 8, "UNSEEN_SIDE": 64}
    small |= {"WEIGHTS": "preview"}
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    done = run(with_settings(notebook, FOLDER=str(tmp_path), **small), NOTEBOOK.parent)
    *_, fit, show, save = code_cells(done)
    losses = [float(text) for text in re.findall(r"[\d.]+e[+]\d+|[\d.]+", printed(fit))]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    untrained, trained = map(float, re.findall(r"trained ([\d.]+(?:e[+]\d+)?)", printed(show)))
    assert trained < untrained
    assert "stylizer.keras: " in printed(save)
    assert (tmp_path / "stylizer.keras").is_file()


def test_the_notebook_is_committed_with_the_outputs_of_one_whole_run():
    assert NOTEBOOK.stat().st_size < 200_000
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 1
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps([dict(o) for o in outputs]))
    assert "stderr" not in [output.get("name") for output in outputs]
