"""The pictures of docs/gallery/ stand under the flags that paint them, and are of real commands."""

import re
import shlex

from PIL import Image

from artistyle_tf.cli import flags
from places import ROOT

PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
TABLE = re.compile(r"^\|(.+)\|\n\|[-|]+\|\n\|(.+)\|$", re.MULTILINE)


def test_pictures_and_the_flags_above_them(script, monkeypatch):
    gallery = script("make_gallery")
    shown = set()
    texts = "\n".join(page.read_text("utf-8") for page in PAGES)
    for heads, cells in TABLE.findall(texts):
        for head, cell in zip(heads.split("|"), cells.split("|"), strict=True):
            for name in re.findall(r"gallery/(\w+)\.jpg", cell):
                shown.add(name)
                said = re.findall(r"--\S+?(?=[` ])", head)
                if name != "plain":  # which other pictures are compared with
                    assert said, name
                    words = gallery.CONTROLS[name].split()
                    names = {word.split("=")[0] for word in words}
                    assert set(said) <= {*words, *names}, name
    assert shown == gallery.CONTROLS.keys()
    assert shown == {path.stem for path in gallery.GALLERY.iterdir()}
    monkeypatch.chdir(ROOT)
    for name, given in gallery.CONTROLS.items():
        command = flags.parse(shlex.split(gallery.whole_command(given))[1:])
        with Image.open(gallery.GALLERY / f"{name}.jpg") as picture:
            assert max(picture.size) == command.config.size
