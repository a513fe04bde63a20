"""docs/gallery.md is what its script writes, every picture there and of a real command."""

import importlib.util
import shlex

from PIL import Image

from artistyle_tf.command import flags
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
    files = {script.file_of(name) for name, _, _ in script.CONTROLS}
    assert {path.name for path in (ROOT / "docs" / "gallery").iterdir()} == files
    monkeypatch.chdir(ROOT)
    for name, _, given in script.CONTROLS:
        command = flags.parse(shlex.split(script.whole_command(given))[1:])
        with Image.open(ROOT / "docs" / "gallery" / script.file_of(name)) as picture:
            assert max(picture.size) == min(command.config.size, 256)


def test_every_control_is_shown():
    """Each setting that a painter steers by has its picture."""
    shown = " ".join(given for _, _, given in gallery().CONTROLS)
    for flag in (
        "init", "init_noise", "color", "style_scale", "balance", "style_layers", "content_layers",
        "strength", "noise_amplitude", "weights", "tv_weight", "pooling", "style_blend",
        "statistics", "padding", "content_mask", "style_mask", "task=texture", "task=reconstruct",
        "rerun", "size",
    ):  # fmt: skip
        assert f"--{flag}" in shown
