"""docs/gallery.md is what its script writes, every picture there and of a real command."""

import importlib.util
import shlex

from PIL import Image

from artistyle_tf.cli import flags
from places import ROOT, SCRIPTS


def gallery():
    path = SCRIPTS / "docs" / "make_gallery.py"
    spec = importlib.util.spec_from_file_location("make_gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_pictures(monkeypatch):
    script = gallery()
    assert script.PAGE.read_text("utf-8") == script.page()
    files = {f"{name}.jpg" for name, _, _ in script.CONTROLS}
    assert {path.name for path in (ROOT / "docs" / "gallery").iterdir()} == files
    monkeypatch.chdir(ROOT)
    for name, _, given in script.CONTROLS:
        command = flags.parse(shlex.split(script.whole_command(given))[1:])
        with Image.open(ROOT / "docs" / "gallery" / f"{name}.jpg") as picture:
            assert max(picture.size) == command.config.size
