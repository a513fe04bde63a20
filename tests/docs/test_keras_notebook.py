"""The notebook that trains a feed-forward stylizer runs, and is committed as one run left it."""

import json
import re

import nbformat
import pytest
from test_notebook import LINK, code_cells, pictures, printed, run, with_settings

from places import ROOT

NOTEBOOK = ROOT / "notebooks" / "keras_pipeline.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    small = {"SIDE": 48, "BATCH": 2, "EPOCHS": 3, "STEPS": 8, "UNSEEN_SIDE": 64}
    small |= {"WEIGHTS": "preview"}
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    pressed = "buttons[-1].click()\nprint(message.value)\ndownload_button.click()\n"
    notebook.cells += map(nbformat.v4.new_code_cell, (pressed, LINK))
    done = run(with_settings(notebook, **small), tmp_path)
    *_, fit, show, save, press, link = code_cells(done)
    losses = [float(text) for text in re.findall(r"[\d.]+e[+]\d+|[\d.]+", printed(fit))]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    (growing,) = pictures(fit)  # one view, updated
    assert growing.size == (720, 272)
    untrained, trained = map(float, re.findall(r"trained ([\d.]+(?:e[+]\d+)?)", printed(show)))
    assert trained < untrained
    (row,) = pictures(show)
    assert row.width == 3 * 64
    assert "stylizer.keras: " in printed(save)
    assert (tmp_path / "stylizer.keras").is_file()
    assert printed(press).splitlines() == ["The sample pictures are used."]
    assert printed(link) == "stylizer.keras\n"


def test_the_notebook_is_committed_with_the_outputs_of_one_whole_run():
    assert NOTEBOOK.stat().st_size < 250_000
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 3
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps([dict(o) for o in outputs]))
    assert "stderr" not in [output.get("name") for output in outputs]
