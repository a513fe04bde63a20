"""The notebook runs from top to bottom, and is committed small and with its outputs."""

import base64
import copy
import io
import json
import pathlib
import re
import sys

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from commands import HANGING
from places import ROOT

NOTEBOOK = ROOT / "notebooks" / "artistyle.ipynb"


class ThisPython(AsyncKernelManager):
    """Starts the kernel with the Python of the tests, whether or not a kernelspec is installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python of the tests",
            language="python",
        )


def read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def settings_cell(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    return cell


def with_settings(notebook: nbformat.NotebookNode, **settings: object) -> nbformat.NotebookNode:
    """A copy with a cell after the settings that replaces some of them; each must exist."""
    notebook = copy.deepcopy(notebook)
    cell = settings_cell(notebook)
    for name in settings:
        assert re.search(rf"^{name} = ", cell.source, re.MULTILINE), f"no setting {name}"
    lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    notebook.cells.insert(notebook.cells.index(cell) + 1, nbformat.v4.new_code_cell(lines))
    return notebook


def run(notebook: nbformat.NotebookNode, folder: pathlib.Path) -> nbformat.NotebookNode:
    client = NotebookClient(
        notebook,
        timeout=HANGING,
        startup_timeout=HANGING,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def pictures(cell: nbformat.NotebookNode) -> list[Image.Image]:
    found = [o.data["image/jpeg"] for o in cell.outputs if "image/jpeg" in o.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path: pathlib.Path) -> None:
    output = tmp_path / "painted.png"
    small = {"WEIGHTS": "preview", "SIZE": 64, "ITERATIONS": 6, "SHOW_EVERY": 2}
    small |= {"TRY_SIZE": 32, "TRY_ITERATIONS": 2}
    done = run(with_settings(read(), OUTPUT=str(output), **small), NOTEBOOK.parent)
    _, gpu, *_, paint, beside, curves, save = code_cells(done)[:-4]
    assert "computing on" in printed(gpu)
    # One view, updated: a single picture is left of the many that were shown, with its line.
    (growing,) = pictures(paint)
    assert growing.size == (64, 48)
    lines = [o.data["text/markdown"] for o in paint.outputs if "text/markdown" in o.get("data", {})]
    assert len(lines) == 1
    assert "iteration 6/6" in lines[0]
    assert "all 6 iterations done" in printed(paint)
    (sheet,) = pictures(beside)
    assert sheet.size == (3 * 64 + 2 * 8, 48)
    assert f"{output}: 64×48 px" in printed(save)
    with Image.open(output) as picture:
        assert picture.size == (64, 48)
    (chart,) = pictures(curves)
    assert len(chart.getcolors(1 << 20)) > 50  # lines were drawn
    for cell, setting, count in zip(
        code_cells(done)[-4:],
        ("strength", "style_scale", "style_layers", "init"),
        (3, 3, 3, 2),
        strict=True,
    ):
        assert printed(cell).startswith(f"{setting}: ")
        (row,) = pictures(cell)
        assert row.size == (32 * count + 8 * (count - 1), 24)


@pytest.mark.slow
def test_without_pictures_it_says_what_to_do(tmp_path: pathlib.Path) -> None:
    """As on Colab with a wheel alone: no clone, so no samples."""
    with pytest.raises(CellExecutionError, match="set CONTENT above"):
        run(read(), tmp_path)


def test_the_defaults_need_no_network() -> None:
    settings: dict[str, object] = {}
    exec(settings_cell(read()).source, settings)
    assert settings["WEIGHTS"] == "auto"
    assert settings["CONTENT"] is None
    assert settings["STYLE"] is None


def test_committed_with_the_outputs_of_one_whole_run() -> None:
    assert NOTEBOOK.stat().st_size < 500_000
    notebook = read()
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum(len(pictures(cell)) for cell in cells) == 8
    # Nothing of the machine it was made on.
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps([dict(o) for o in outputs]))
    assert "stderr" not in [output.get("name") for output in outputs]
