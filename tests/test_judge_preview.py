"""The judge of the preview weights: its measure by hand, and one small run of the script."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.delitem(sys.modules, "judge_preview", raising=False)
    return importlib.import_module("judge_preview")


def test_closed_is_one_for_the_style_and_nought_for_the_content(judge: ModuleType) -> None:
    style = {"a": np.eye(2), "b": np.full((2, 2), 3.0)}
    content = {"a": 3 * np.eye(2), "b": np.full((2, 2), 6.0)}
    halfway = {"a": 2 * np.eye(2), "b": np.full((2, 2), 4.5)}
    start = judge.distances(content, style)
    assert start == pytest.approx({"a": 2.0, "b": 1.0})
    assert judge.closed(judge.distances(style, style), start) == 1
    assert judge.closed(start, start) == 0
    assert judge.closed(judge.distances(halfway, style), start) == pytest.approx(0.5)


def test_similarity_is_one_for_equals_and_small_for_noise(judge: ModuleType) -> None:
    pytest.importorskip("skimage")
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    assert judge.similarity(one, one) == pytest.approx(1)
    assert abs(judge.similarity(one, other)) < 0.2


def test_judges_a_pair_and_writes_table_figures_and_sheet(small_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    figures, sheet = tmp_path / "figures.json", tmp_path / "sheet.png"
    pair = f"{ROOT / 'samples' / 'content.jpg'},{ROOT / 'samples' / 'style.jpg'}"
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "scripts" / "judge_preview.py")),
            *(f"--weights={small_file}", f"--pair={pair}", "--size=48", "--iterations=2"),
            *(f"--json={figures}", f"--sheet={sheet}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| content × style |" in done.stdout
    ((name, (preview, full)),) = json.loads(figures.read_text()).items()
    assert name == "content × style"
    assert (preview["weights"], full["weights"]) == ("preview", small_file.name)
    assert preview["closed"] < 1
    assert full["closed"] < 1
    with Image.open(sheet) as image:
        assert image.width > 4 * 256
