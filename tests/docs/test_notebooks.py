"""The notebooks run from top to bottom, and are committed small and with their outputs."""

import base64
import copy
import io
import json
import os
import pathlib
import re
import subprocess
import sys

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from PIL import Image

from commands import HANGING
from places import ROOT

PAINTING, TRAINING = (
    ROOT / "notebooks" / f"{name}.ipynb" for name in ("artistyle", "keras_pipeline")
)


class ThisPython(AsyncKernelManager):
    """Starts the kernel with the Python of the tests, whether or not a kernelspec is installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python of the tests", language="python")


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(
    path: pathlib.Path, folder: pathlib.Path, then: str, **settings: object
) -> list[nbformat.NotebookNode]:
    """The code cells after a run with some settings replaced, and `then` at the end."""
    notebook = copy.deepcopy(nbformat.read(path, as_version=4))
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    for name in settings:
        assert re.search(rf"^{name} = ", cell.source, re.MULTILINE), f"no setting {name}"
    lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    notebook.cells.insert(notebook.cells.index(cell) + 1, new_code_cell(lines))
    # What a widget shows is a cell later in its outputs.
    notebook.cells += [new_code_cell(then), new_code_cell(LINK)]
    client = NotebookClient(
        notebook,
        timeout=HANGING,
        startup_timeout=HANGING,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(folder)}},
    )
    return code_cells(client.execute())


LINK = "print(*(o['data']['text/plain'].rpartition('/')[2] for o in place.outputs))"
"""The link that the download's button made."""


def pictures(cell: nbformat.NotebookNode) -> list[Image.Image]:
    found = [o.data["image/jpeg"] for o in cell.outputs if "image/jpeg" in o.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")


PRESSED = """
controls["size"].value, controls["iterations"].value, controls["color"].value = 32, 1, "match"
controls["preset"].value = "gatys-pytorch"
tried = config()
print(Image.fromarray(paint(tried).image).size)
print((tried.iterations, tried.color, tried.style_weight, tried.history) == (1, "match", 1000, 100))
download_button.click()

# In Colab its dialogs choose files; `chosen` is what the next upload brings.
chosen, downloaded = {}, []
class colab_files:
    upload, download = staticmethod(lambda: dict(chosen)), downloaded.append

def shown():
    print(message.value, "|", pictures["photo"].size)

button = upload_button("photo")
button.click(); shown()
chosen["mine.png"] = open("painted.png", "rb").read()
button.click(); shown()
chosen.clear()
chosen["notes.txt"] = b"no picture"
button.click(); shown()
use_samples(); shown()
download_button.click()
print(downloaded)
"""


@pytest.mark.slow
def test_painting(tmp_path: pathlib.Path) -> None:
    """In a folder with nothing in it: the sample pictures come with the package."""
    small = {"WEIGHTS": "preview", "SIZE": 48, "ITERATIONS": 4, "SHOW_EVERY": 2}
    small |= {"TRY_SIZE": 32, "TRY_ITERATIONS": 4, "OUTPUT": "painted.png"}
    cells = run(PAINTING, tmp_path, PRESSED, **small)
    check, _, _, _, chosen, _, paint, beside, curves, save, *tried, pressed, link = cells
    assert "CPU" in printed(check)
    assert [picture.size for picture in pictures(chosen)] == [(591, 192)]
    # One view, updated: a single picture with its curves is left of the many that were shown.
    (growing,) = pictures(paint)
    assert growing.size == (720, 272)
    left, right = (growing.crop((x, 0, x + 360, 272)) for x in (0, 360))
    assert len(left.getcolors(1 << 20)) > 1000  # a picture
    assert len(right.getcolors(1 << 20)) > 50  # lines were drawn
    assert "all 4 iterations done" in printed(paint)
    (sheet,) = pictures(beside)
    assert sheet.size == (2 * 48 + 34 + 2 * 8, 27)  # the result is narrower
    (chart,) = pictures(curves)
    assert len(chart.getcolors(1 << 20)) > 50
    assert "painted.png: 48×27 px" in printed(save)
    for cell, setting in zip(tried, ("strength", "style_scale", "statistics"), strict=True):
        assert printed(cell).startswith(f"{setting}: ")
        assert float(re.search(r"\(([\d.]+) grey levels", printed(cell))[1]) > 0.5
        (row,) = pictures(cell)
        assert row.size == (2 * 32 + 8, 18)
    sample = "the sample picture"
    assert printed(pressed).splitlines() == [
        "(32, 18)",  # what the sliders were set to is what is painted
        "True",
        f"No file was chosen: photo stays {sample}. | (960, 540)",
        "photo is mine.png now. Run the cells below again. | (48, 27)",
        "notes.txt is no picture that can be read: photo stays mine.png. | (48, 27)",
        "The sample pictures are used. | (960, 540)",
        "['painted.png']",
    ]
    assert printed(link) == "painted.png\n"


@pytest.mark.slow
def test_training(tmp_path: pathlib.Path) -> None:
    small = {"SIDE": 32, "BATCH": 2, "EPOCHS": 3, "STEPS": 6, "UNSEEN_SIDE": 48}
    then = "buttons[-1].click()\nprint(message.value)\ndownload_button.click()\n"
    cells = run(TRAINING, tmp_path, then, **small, WEIGHTS="preview")
    *_, fit, show, save, pressed, link = cells
    losses = [float(text) for text in re.findall(r"[\d.]+e[+]\d+|[\d.]+", printed(fit))]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    (growing,) = pictures(fit)  # one view, updated
    assert growing.size == (720, 272)
    untrained, trained = map(float, re.findall(r"trained ([\d.]+(?:e[+]\d+)?)", printed(show)))
    assert trained < untrained
    (row,) = pictures(show)
    assert row.width == 3 * 48
    assert "stylizer.keras: " in printed(save)
    assert printed(pressed).splitlines() == ["The sample pictures are used."]
    assert printed(link) == "stylizer.keras\n"


@pytest.mark.parametrize(("path", "count"), [(PAINTING, 7), (TRAINING, 3)])
def test_committed_with_the_outputs_of_one_whole_run(path: pathlib.Path, count: int) -> None:
    assert path.stat().st_size < 500_000
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum(len(pictures(cell)) for cell in cells) == count
    # Nothing of the machine it was made on.
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps([dict(o) for o in outputs]))
    assert "stderr" not in [output.get("name") for output in outputs]
    badge = notebook.cells[0].source.splitlines()[0]  # a comment until the address is known
    assert f"/blob/main/notebooks/{path.name})" in badge
    assert badge.startswith("<!-- repository: ") == ("{path}" in badge)


def test_both_begin_alike() -> None:
    first, second = (code_cells(nbformat.read(path, as_version=4)) for path in (PAINTING, TRAINING))
    assert [cell.source for cell in first[:2]] == [cell.source for cell in second[:2]]


def test_the_package_is_installed_by_name_or_else_from_the_repository_or_a_wheel(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a pip that knows of the wheel only."""
    first, second = (cell.source for cell in code_cells(nbformat.read(PAINTING, as_version=4))[:2])
    second = second.partition("if not version(")[0].replace("# repository: yield", "yield")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.chdir(tmp_path)
    defined: dict = {}
    exec(first + "\n" + second, defined)

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        status = int(".whl" not in command[-1])
        return subprocess.CompletedProcess(command, status, stderr="ERROR: no such thing\n")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(RuntimeError, match="put a wheel"):
        defined["install"]()
    (tmp_path / "artistyle_tf-1.0.0-py3-none-any.whl").touch()
    capsys.readouterr()
    defined["install"]()
    by_name, repository, wheel = capsys.readouterr().out.splitlines()
    assert by_name == "Not from artistyle-tf[notebook]: ERROR: no such thing"
    assert repository.startswith("Not from artistyle-tf[notebook] @ git+")
    assert wheel == f"Installed from {tmp_path}/artistyle_tf-1.0.0-py3-none-any.whl[notebook]"
