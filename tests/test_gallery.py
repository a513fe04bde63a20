"""docs/gallery.md is what its script writes, every picture there and of a real command."""

import importlib.util
import pathlib
import shlex

from PIL import Image

from artistyle_tf import flags

ROOT = pathlib.Path(__file__).resolve().parents[1]


def gallery():
    path = ROOT / "scripts" / "make_gallery.py"
    spec = importlib.util.spec_from_file_location("make_gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_pictures():
    script = gallery()
    assert script.PAGE.read_text("utf-8") == script.page()
    names = {name for name, _, _ in script.CONTROLS}
    assert {path.stem for path in (ROOT / "docs" / "gallery").iterdir()} == names
    for name, _, given in script.CONTROLS:
        command = flags.parse(shlex.split(f"{script.COMMAND} {given}")[1:])
        with Image.open(ROOT / "docs" / "gallery" / f"{name}.jpg") as picture:
            assert max(picture.size) == command.config.size
            assert picture.format == "JPEG"
