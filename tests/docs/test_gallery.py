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


def test_every_control_is_shown():
    """Each setting that a painter steers by has its picture."""
    shown = " ".join(given for _, _, given in gallery().CONTROLS)
    for flag in (
        "init", "color", "style_scale", "balance", "palette_weight", "style_layers", "strength",
        "tv_weight", "style_blend", "statistics", "content_mask", "style_mask", "task=texture",
        "task=reconstruct",
    ):  # fmt: skip
        assert f"--{flag}" in shown
