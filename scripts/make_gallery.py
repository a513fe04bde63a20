#!/usr/bin/env python3
"""Paint docs/gallery.md: what each control does, on the sample pictures, with the preview weights.

scripts/make_gallery.py            # paints all pictures and writes the page; some minutes
scripts/make_gallery.py --page     # writes the page only
"""

import argparse
import pathlib
import shlex
import sys

from PIL import Image

import artistyle_tf
from artistyle_tf.flags import parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "gallery.md"
SIZE, ITERATIONS = 192, 40
COMMAND = (
    "artistyle --content=samples/content.jpg --style=samples/style.jpg --output=out.png "
    f"--preset=fast --weights=preview --size={SIZE} --iterations={ITERATIONS}"
)
# name, what it shows, flags
CONTROLS = (
    ("plain", "What the others are compared with.", "--init=content"),
    ("noise", "Start from white noise.", "--init=noise"),
    ("init-style", "Start from the painting: its motif stays.", "--init=style"),
    (
        "init-noise",
        "Start half from the photo, half from noise.",
        "--init=content --init_noise=0.5",
    ),
    ("luminance", "Only brightness is painted.", "--init=content --color=luminance"),
    ("match", "The photo's mean and covariance of colours.", "--init=content --color=match"),
    ("cholesky", "The same, by Cholesky factors.", "--init=content --color=cholesky"),
    ("histogram", "The photo's histograms of colours.", "--init=content --color=histogram"),
    (
        "strokes",
        "Twice the size of the painting: larger strokes.",
        "--init=content --style_scale=2",
    ),
    ("fine", "Half the size: finer strokes.", "--init=content --style_scale=0.5"),
    ("balance", "Each style layer starts with an equal share.", "--init=content --balance=equal"),
    (
        "layers",
        "The first two style layers alone: colours and fine texture.",
        "--init=content --style_layers=block1_conv1,block2_conv1",
    ),
    ("content", "More of the photo.", "--init=content --content_weight=20"),
    ("painting", "More of the painting.", "--init=content --style_weight=600"),
    ("smooth", "Total variation: smoother.", "--init=content --tv_weight=300"),
    ("average", "Average pooling instead of the largest value.", "--init=content --pooling=avg"),
    (
        "deep",
        "The content from an earlier layer: more of its detail.",
        "--init=content --content_layers=block3_conv1",
    ),
    (
        "blend",
        "Two styles, the second being the photo itself.",
        "--init=content --style=samples/style.jpg,samples/content.jpg --style_blend=0.4,0.6",
    ),
    (
        "mask",
        "The style only where the mask is white; the photo elsewhere.",
        "--content_mask=samples/mask.png",
    ),
    (
        "style-mask",
        "Of the painting only what its mask shows.",
        "--init=content --content_mask=samples/white.png --style_mask=samples/mask.png",
    ),
    ("texture", "More of the painting, at any size.", "--task=texture --size=192x112"),
    (
        "reconstruct",
        "What one layer knows of the photo.",
        "--task=reconstruct --content_layers=block4_conv2 --iterations=150",
    ),
    ("rerun", "The first picture again, with one setting changed.", "RERUN --style_weight=600"),
    ("small", "128 px beside 512 px below: one composition.", "--size=128"),
    ("large", "512 px, shown smaller.", "--size=512"),
)


def page() -> str:
    """The page's Markdown."""
    lines = [
        "# Gallery",
        "",
        "What single controls do, one at a time. The pictures are small and made with the preview",
        "weights that come with the package; `scripts/make_gallery.py` paints them and writes this",
        "page. Every command begins with",
        "",
        "```sh",
        COMMAND,
        "```",
    ]
    for name, text, flags in CONTROLS:
        lines += ["", f"## `{flags}`", "", text, "", f"![{text}](gallery/{name}.jpg)"]
    return "\n".join(lines) + "\n"


def paint(name: str, flags: str) -> None:
    command = parse(shlex.split(f"{COMMAND} {flags}")[1:])
    assert not isinstance(command, str)
    pictures = [ROOT / command.content, *(ROOT / style for style in command.styles)]
    result = artistyle_tf.stylize(pictures[0], pictures[1:], command.config)
    target = PAGE.parent / "gallery" / f"{name}.jpg"
    target.parent.mkdir(exist_ok=True)
    Image.fromarray(result.image).save(target, quality=88)


def main() -> int:
    parser = argparse.ArgumentParser(description="Paint docs/gallery.md.")
    parser.add_argument("--page", action="store_true", help="write the page, paint nothing")
    if not parser.parse_args().page:
        for name, _, flags in CONTROLS:
            paint(name, flags)
            print(name, flush=True)
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
