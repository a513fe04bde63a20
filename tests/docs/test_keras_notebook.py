"""The notebook that trains a feed-forward stylizer runs, and is committed as one run left it."""

import json
import re

import nbformat
import pytest
from test_notebook import code_cells, printed, run, with_settings

from places import ROOT

NOTEBOOK = ROOT / "notebooks" / "keras_pipeline.ipynb"


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
