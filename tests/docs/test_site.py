"""docs/ as a site: it builds without a warning, and loads nothing from elsewhere."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from places import ROOT

pytest.importorskip("material", reason="the extra docs is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr  # any warning is an error
    return folder


def test_it_loads_nothing_from_elsewhere(site: pathlib.Path) -> None:
    pages = [path.read_text("utf-8") for path in site.rglob("*.html")]
    assert len(pages) > 15
    loading = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//[^>]*>")
    styles = re.compile(r"<link\b[^>]*\bhref=\"?(?:https?:)?//[^>]*>")
    for page in pages:
        assert not loading.search(page)
        assert not styles.search(page)
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text("utf-8"))


def test_links_out_of_docs_are_paths(site: pathlib.Path) -> None:
    page = (site / "tiles" / "index.html").read_text("utf-8")
    assert "<code>tests/objective/test_tiled.py</code>" in page
    assert "(<code>docs/notes/tiles.md</code>)" in page
    assert not (site / "notes").exists()
    for path in site.rglob("*.html"):
        assert not re.search(r"href=\"[^\"]*\.(py|ipynb)\"", path.read_text("utf-8")), path
