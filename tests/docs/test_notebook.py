"""The notebook runs from top to bottom, and is committed small and with its outputs."""

import base64
import copy
import io
import json
import os
import pathlib
import re
import sys

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from PIL import Image

from commands import HANGING
from places import ROOT, SAMPLES

NOTEBOOK = ROOT / "notebooks" / "artistyle.ipynb"
BOTH = [NOTEBOOK, ROOT / "notebooks" / "keras_pipeline.ipynb"]

COLAB = '''
"""Stands for Colab's dialogs: `chosen` is what the next upload brings."""

chosen, downloaded = {}, []


def upload():
    return dict(chosen)


def download(path):
    downloaded.append(path)
'''


class ThisPython(AsyncKernelManager):
    """Starts the kernel with the Python of the tests, whether or not a kernelspec is installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python of the tests",
            language="python",
        )


def read(path: pathlib.Path = NOTEBOOK) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


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
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path: pathlib.Path) -> None:
    """In a folder with nothing in it: the sample pictures come with the package."""
    small = {"WEIGHTS": "preview", "SIZE": 64, "ITERATIONS": 6, "SHOW_EVERY": 2}
    small |= {"TRY_SIZE": 48, "TRY_ITERATIONS": 4}
    notebook = with_settings(read(), OUTPUT="painted.png", **small)
    notebook.cells += map(nbformat.v4.new_code_cell, (PRESSED, LINK))
    done = run(notebook, tmp_path)
    check, _, _, _, chosen, _, paint, beside, curves, save, *tried, pressed, link = code_cells(done)
    assert "CPU" in printed(check)
    assert [picture.size for picture in pictures(chosen)] == [(591, 192)]
    # One view, updated: a single picture with its curves is left of the many that were shown.
    (growing,) = pictures(paint)
    assert growing.size == (720, 272)
    left, right = (growing.crop((x, 0, x + 360, 272)) for x in (0, 360))
    assert len(left.getcolors(1 << 20)) > 3000  # a picture
    assert len(right.getcolors(1 << 20)) > 50  # lines were drawn
    assert "all 6 iterations done" in printed(paint)
    (sheet,) = pictures(beside)
    assert sheet.size == (2 * 64 + 45 + 2 * 8, 36)  # the painting is narrower
    (chart,) = pictures(curves)
    assert len(chart.getcolors(1 << 20)) > 50
    assert "painted.png: 64×36 px" in printed(save)
    with Image.open(tmp_path / "painted.png") as picture:
        assert picture.size == (64, 36)
    wanted = {"strength": 0.5, "style_scale": 3, "statistics": 3}
    for cell, (setting, apart) in zip(tried, wanted.items(), strict=True):
        assert printed(cell).startswith(f"{setting}: ")
        assert float(re.search(r"\(([\d.]+) grey levels", printed(cell))[1]) > apart
        (row,) = pictures(cell)
        assert row.size == (2 * 48 + 8, 27)
    assert printed(pressed).splitlines() == [
        "(32, 18)",  # what the sliders were set to is what is painted
        "True",
    ]
    assert printed(link) == "painted.png\n"


PRESSED = """
controls["size"].value, controls["iterations"].value, controls["color"].value = 32, 1, "match"
controls["preset"].value = "gatys-pytorch"
tried = config()
print(Image.fromarray(paint(tried).image).size)
print((tried.iterations, tried.color, tried.style_weight, tried.history) == (1, "match", 1000, 100))
download_button.click()
"""

LINK = "print(*(o['data']['text/plain'].rpartition('/')[2] for o in place.outputs))"
"""The link that the button made; the widget has it in the cell after that."""


UPLOADS = """
def shown():
    print(message.value, "|", names["content"], pictures["content"].size)

first, second, samples = buttons
first.click(); shown()
colab_files.chosen["mine.png"] = open("mine.png", "rb").read()
first.click(); shown()
colab_files.chosen.clear()
first.click(); shown()
colab_files.chosen["notes.txt"] = b"no picture"
first.click(); shown()
samples.click(); shown()
OUTPUT = "painted.png"
"""


@pytest.mark.slow
def test_in_colab_pictures_are_uploaded_and_a_cancelled_upload_is_no_error(
    tmp_path: pathlib.Path,
) -> None:
    """With stand-ins for `google.colab` and for `nvidia-smi`; nothing is painted."""
    (tmp_path / "google" / "colab").mkdir(parents=True)
    (tmp_path / "google" / "colab" / "__init__.py").touch()
    (tmp_path / "google" / "colab" / "files.py").write_text(COLAB)
    Image.new("RGB", (30, 20)).save(tmp_path / "mine.png")
    notebook = read()
    cells = code_cells(notebook)
    check, _, settings, *_ = cells
    choose, save = cells[3], cells[8]
    at_last = save.source.partition("\n\n")[2] + "\ndownload_button.click()\n"
    at_last += "print(colab_files.downloaded)"
    sources = [
        check.source + "\ngpus = lambda: ['Tesla T4']\nKIND, FOUND, DEVICE = runtime()",
        *("print(FOUND, DEVICE)", settings.source, "print(SIZE, ITERATIONS)"),
        *("import tensorflow as tf", choose.source, UPLOADS, at_last),
    ]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    _, found, _, sizes, _, _, uploads, saved = run(notebook, tmp_path).cells
    assert printed(found) == "GPU: Tesla T4. None\n"
    assert printed(sizes) == "768 200\n"
    sample = "the sample picture"
    assert printed(uploads).splitlines() == [
        f"No file was chosen: content stays {sample}. | {sample} (960, 540)",
        "content is mine.png now. Run the cells below again. | mine.png (30, 20)",
        "No file was chosen: content stays mine.png. | mine.png (30, 20)",
        "notes.txt is no picture that can be read: content stays mine.png. | mine.png (30, 20)",
        f"The sample pictures are used. | {sample} (960, 540)",
    ]
    assert "['painted.png']" in printed(saved)


def checked(environment: dict[str, str] | None = None) -> dict[str, object]:
    """The names that the first cell defines; what it sets goes to `environment`."""
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ) if environment is None else environment)
        exec(code_cells(read())[0].source, names)
    return names


def test_memory_grows_unless_the_user_says_otherwise() -> None:
    for given, wanted in (({}, "true"), ({"TF_FORCE_GPU_ALLOW_GROWTH": "false"}, "false")):
        checked(given)
        assert given["TF_FORCE_GPU_ALLOW_GROWTH"] == wanted


def test_a_runtime_is_a_gpu_a_tpu_or_a_cpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    names = checked()
    assert capsys.readouterr().out.count("\n") == 1
    runtime, smi = names["runtime"], tmp_path / "nvidia-smi"
    names["has_tpu"] = lambda: False
    assert runtime()[::2] == ("CPU", None)
    names["has_tpu"] = lambda: True
    names["tpu_device"] = lambda: None
    kind, found, device = runtime()
    assert (kind, device) == ("CPU", "/CPU:0")
    assert "which is not used" in found
    names["tpu_device"] = lambda: "tpu"
    assert runtime()[::2] == ("TPU", "tpu")
    smi.write_text("#!/bin/sh\necho Tesla T4\necho NVIDIA A100\n")
    smi.chmod(0o755)
    assert runtime() == ("GPU", "GPU: Tesla T4, NVIDIA A100.", None)
    smi.write_text("#!/bin/sh\necho failed\nexit 9\n")
    assert runtime()[0] == "TPU"


def test_both_notebooks_begin_alike_and_their_badges_name_one_place() -> None:
    first, second = (read(path) for path in BOTH)
    for one, other in zip(code_cells(first)[:2], code_cells(second)[:2], strict=True):
        assert one.source == other.source
    places = set()
    for path, notebook in zip(BOTH, (first, second), strict=True):
        title = notebook.cells[0].source
        assert title.startswith("[![Open in Colab]")
        link = rf"https://colab\.research\.google\.com/github/(\S+)/blob/main/notebooks/{path.name}"
        places.add(re.search(rf"^\[colab\]: {link}$", title, re.MULTILINE)[1])
    assert len(places) == 1


def test_the_defaults_need_no_network() -> None:
    settings: dict[str, object] = {"KIND": "CPU"}
    exec(settings_cell(read()).source, settings)
    assert settings["WEIGHTS"] == "auto"
    assert settings["CONTENT"] is None
    assert settings["STYLE"] is None
    assert {path.name for path in SAMPLES.glob("*.jpg")} == {"content.jpg", "style.jpg"}


def test_committed_with_the_outputs_of_one_whole_run() -> None:
    assert NOTEBOOK.stat().st_size < 500_000
    notebook = read()
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum(len(pictures(cell)) for cell in cells) == 7
    # Nothing of the machine it was made on.
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps([dict(o) for o in outputs]))
    assert "stderr" not in [output.get("name") for output in outputs]
