#!/usr/bin/env python3
"""Paint docs/gallery.md: what each control does, on the sample pictures.

scripts/docs/make_gallery.py            # paints all pictures and writes the page; some minutes
scripts/docs/make_gallery.py --page     # writes the page only
"""

import argparse
import os
import pathlib
import shlex

from PIL import Image

import artistyle_tf
from artistyle_tf.cli.flags import parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "gallery.md"
SIZE, ITERATIONS = 512, 60
CONTENT, STYLE = "--content=samples/content.jpg", "--style=samples/style.jpg"
RECIPE = f"--preset=large --weights=preview --size={SIZE} --iterations={ITERATIONS}"
COMMAND = f"artistyle {CONTENT} {STYLE} --output=out.png {RECIPE}"
# name, what it shows, flags
CONTROLS = (
    ("plain", "What the others are compared with.", "--seed=0"),
    ("gentle", "More of the photo.", "--strength=0.2"),
    ("strong", "More of the style.", "--strength=0.9"),
    ("strokes", "The style at twice the size: larger strokes.", "--style_scale=2"),
    ("fine", "At half the size: finer strokes.", "--style_scale=0.5"),
    ("luminance", "Only brightness is painted.", "--color=luminance"),
    ("match", "The photo's mean and covariance of colours.", "--color=match"),
    ("noise", "Start from faint white noise: another variation.", "--init=noise --iterations=120"),
    ("layers", "The first two style layers alone: colours and fine texture.",
     "--style_layers=block1_conv1,block2_conv1"),
    ("smooth", "Total variation: smoother.", "--tv_weight=300"),
    ("w2", "Means and covariances instead of Gram matrices.", "--statistics=w2"),
    ("published",
     "Layers weighted as published, and any colour: the sky leaves the style's palette.",
     "--balance=0 --palette_weight=0"),
    ("blend", "Two styles, the second being the photo itself.",
     "--style=samples/content.jpg --style_blend=0.4,0.6"),
    ("masks", "Above the style's sky, below its village.",
     "--style=samples/style.jpg --content_mask=samples/top.png,samples/bottom.png "
     "--style_mask=samples/style-top.png,samples/style-bottom.png"),
    ("texture", "More of the style, at any size.", "--task=texture --style_scale=0.7"),
    ("reconstruct", "What one layer knows of the photo.", "--task=reconstruct --iterations=120"),
)  # fmt: skip


def whole_command(flags: str) -> str:
    """The command line with these flags, which may leave no room for some of the usual ones."""
    replaced = [word.split("=")[0] for word in shlex.split(flags)]
    words = [
        word
        for word in COMMAND.split()
        if word.split("=")[0] not in replaced or word.startswith("--style=")
    ]
    absent = {"--task=texture": CONTENT, "--task=reconstruct": STYLE}
    words = [word for word in words if word not in [absent.get(flag) for flag in flags.split()]]
    return f"{' '.join(words)} {flags}"


def page() -> str:
    """The page's Markdown."""
    lines = [
        "# Gallery",
        "",
        "What single controls do, one at a time. `scripts/docs/make_gallery.py` paints them, with",
        "the small network, and writes this page. The first one's command is",
        "",
        "```sh",
        whole_command(CONTROLS[0][2]),
        "```",
        "",
        "and the others have other flags in place of its last one.",
    ]
    for name, text, flags in CONTROLS:
        lines += ["", f"## `{flags}`", "", text, "", f"![{text}](gallery/{name}.jpg)"]
        if not whole_command(flags).startswith(COMMAND):
            lines += ["", "The whole command:", "", "```sh", whole_command(flags), "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Paint docs/gallery.md.")
    parser.add_argument("--page", action="store_true", help="write the page, paint nothing")
    painting = not parser.parse_args().page
    PAGE.write_text(page(), "utf-8")
    os.chdir(ROOT)  # the commands name files from here
    for name, _, flags in CONTROLS if painting else ():
        command = parse(shlex.split(whole_command(flags))[1:])
        assert not isinstance(command, str)
        masks = {"content_masks": command.content_masks, "style_masks": command.style_masks}
        result = artistyle_tf.stylize(command.content, command.styles, command.config, **masks)
        Image.fromarray(result.image).save(ROOT / f"docs/gallery/{name}.jpg", quality=85)
        print(name, flush=True)


if __name__ == "__main__":
    main()
