#!/usr/bin/env python3
"""Paint docs/gallery/: what each control does, on the sample pictures, one control at a time.

scripts/docs/make_gallery.py [NAME ...]     # all of them take some minutes
"""

import os
import pathlib
import shlex
import sys

from PIL import Image

import artistyle_tf
from artistyle_tf.cli.flags import parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
GALLERY = ROOT / "docs" / "gallery"
CONTENT, STYLE = "--content=samples/content.jpg", "--style=samples/style.jpg"
RECIPE = "--preset=large --weights=preview --size=512 --iterations=60"
COMMAND = f"artistyle {CONTENT} {STYLE} --output=out.png {RECIPE}"
CONTROLS = {
    "plain": "",
    "gentle": "--strength=0.2",
    "strong": "--strength=0.9",
    "strokes": "--style_scale=2",
    "fine": "--style_scale=0.5",
    "luminance": "--color=luminance",
    "match": "--color=match",
    "noise": "--init=noise --iterations=120",
    "grain": "--init=noise --noise_amplitude=60",
    "zeros": "--padding=zeros",
    "layers": "--style_layers=block1_conv1,block2_conv1",
    "smooth": "--tv_weight=300",
    "w2": "--statistics=w2",
    "published": "--balance=0 --palette_weight=0",
    "blend": "--style=samples/content.jpg --style_blend=0.4,0.6",
    "masks": "--style=samples/style.jpg --content_mask=samples/top.png,samples/bottom.png "
    "--style_mask=samples/style-top.png,samples/style-bottom.png",
    "texture": "--task=texture --style_scale=0.7",
    "reconstruct": "--task=reconstruct --iterations=120",
}
"""Name → flags; docs/controls.md and docs/problems.md show the pictures."""


def whole_command(flags: str) -> str:
    """The command line with these flags, which may leave no room for some of the usual ones."""
    absent = {"--task=texture": CONTENT, "--task=reconstruct": STYLE}
    left_out = [absent.get(flag) for flag in flags.split()]
    return f"{' '.join(word for word in COMMAND.split() if word not in left_out)} {flags}".strip()


def main() -> None:
    os.chdir(ROOT)  # the commands name files from here
    for name in sys.argv[1:] or CONTROLS:
        command = parse(shlex.split(whole_command(CONTROLS[name]))[1:])
        assert not isinstance(command, str)
        masks = {"content_masks": command.content_masks, "style_masks": command.style_masks}
        result = artistyle_tf.stylize(command.content, command.styles, command.config, **masks)
        Image.fromarray(result.image).save(GALLERY / f"{name}.jpg", quality=85)
        print(name, flush=True)


if __name__ == "__main__":
    main()
