#!/usr/bin/env python3
"""Paint docs/gallery.md: what each control does, on the sample pictures.

scripts/docs/make_gallery.py            # paints all pictures and writes the page; some minutes
scripts/docs/make_gallery.py --page     # writes the page only
"""

import argparse
import os
import pathlib
import shlex
import sys

from PIL import Image

import artistyle_tf
from artistyle_tf.command.flags import parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "gallery.md"
SIZE, ITERATIONS = 256, 100
CONTENT, STYLE = "--content=samples/content.jpg", "--style=samples/style.jpg"
RECIPE = f"--preset=fast --size={SIZE} --iterations={ITERATIONS}"
COMMAND = f"artistyle {CONTENT} {STYLE} --output=out.png {RECIPE}"
# name, what it shows, flags
CONTROLS = (
    ("plain", "What the others are compared with.", "--seed=0"),
    ("noise", "Start from faint white noise.", "--init=noise --iterations=200"),
    ("strong-noise", "Start from strong white noise.", "--init=noise --noise_amplitude=60"),
    ("init-style", "Start from the painting: its motif stays.", "--init=style"),
    (
        "init-noise",
        "Start half from the photo, half from strong noise.",
        "--init_noise=0.5 --noise_amplitude=60",
    ),
    ("gentle", "More of the photo.", "--strength=0.2"),
    ("strong", "More of the painting.", "--strength=0.9"),
    ("luminance", "Only brightness is painted.", "--color=luminance"),
    ("match", "The photo's mean and covariance of colours.", "--color=match"),
    ("cholesky", "The same, by Cholesky factors.", "--color=cholesky"),
    ("histogram", "The photo's histograms of colours.", "--color=histogram"),
    ("strokes", "Twice the size of the painting: larger strokes.", "--style_scale=2"),
    ("fine", "Half the size: finer strokes.", "--style_scale=0.5"),
    ("balance", "Each style layer starts with an equal share.", "--balance=equal"),
    (
        "layers",
        "The first two style layers alone: colours and fine texture.",
        "--style_layers=block1_conv1,block2_conv1",
    ),
    ("smooth", "Total variation: smoother.", "--tv_weight=300"),
    (
        "w2",
        "Means and covariances of the style's features, not Gram matrices: whole motifs, and more "
        "grain in flat parts.",
        "--statistics=w2",
    ),
    (
        "zeros",
        "Zeros beyond the border instead of its mirror image: the border shows.",
        "--padding=zeros",
    ),
    ("average", "Average pooling instead of the largest value.", "--pooling=avg"),
    (
        "deep",
        "The content from an earlier layer: more of its detail.",
        "--content_layers=block3_conv1",
    ),
    (
        "blend",
        "Two styles, the second being the photo itself.",
        "--style=samples/content.jpg --style_blend=0.4,0.6",
    ),
    (
        "masks",
        "Above the painting's sky, below its village.",
        "--style=samples/style.jpg --content_mask=samples/top.png,samples/bottom.png "
        "--style_mask=samples/style-top.png,samples/style-bottom.png",
    ),
    ("texture", "More of the painting, at any size.", "--task=texture --style_scale=0.4"),
    ("reconstruct", "What one layer knows of the photo.", "--task=reconstruct --iterations=200"),
    (
        "preview",
        "The small network for drafts, in two fifths of the time.",
        "--weights=preview",
    ),
    (
        "rerun",
        "The first picture's record again, with one setting replaced.",
        "--rerun=docs/gallery/plain.png --style_scale=1.5",
    ),
    ("small", "At 256 px, and below at 1024 px.", "--size=256 --strength=0.7"),
    (
        "large",
        "The same at a quarter of its size: the composition stays, strokes are finer.",
        "--size=1024 --strength=0.7",
    ),
)

PHOTOGRAPHS = (
    "## Photographs and a painting",
    "",
    "![A cup of coffee and a harbour, and both painted like The Starry Night](photographs.jpg)",
    "",
    "`--preset=fast --size=384`, with Vincent van Gogh's *The Starry Night* (1889, public domain).",
    "The coffee is a photograph by Rachel Michetti, courtesy of Pikolo Espresso Bar (CC0), from",
    "scikit-image; the harbour is drawn by code. More photographs: [home](index.md).",
)
"""The end of the page; its sheet was put together by scripts/docs/make_sheet.py."""


def whole_command(flags: str) -> str:
    """The command line with these flags, which may leave no room for some of the usual ones."""
    if "--rerun" in flags:
        return f"artistyle {CONTENT} {STYLE} --output=out.png {flags}"
    replaced = [word.split("=")[0] for word in shlex.split(flags)]
    words = [
        word
        for word in COMMAND.split()
        if word.split("=")[0] not in replaced or word.startswith("--style=")
    ]
    absent = {"--task=texture": CONTENT, "--task=reconstruct": STYLE}
    words = [word for word in words if word not in [absent.get(flag) for flag in flags.split()]]
    return f"{' '.join(words)} {flags}"


def file_of(name: str) -> str:
    """The first is a PNG, whose record is lossless, for another one to begin from."""
    return f"{name}.png" if name == "plain" else f"{name}.jpg"


def page() -> str:
    """The page's Markdown."""
    lines = [
        "# Gallery",
        "",
        "What single controls do, one at a time. The pictures are small, and made with the network",
        "that comes with the package; `scripts/docs/make_gallery.py` paints them and writes",
        "this page. The first one's command is",
        "",
        "```sh",
        whole_command(CONTROLS[0][2]),
        "```",
        "",
        "and the others have other flags in place of its last one.",
    ]
    for name, text, flags in CONTROLS:
        lines += ["", f"## `{flags}`", "", text, "", f"![{text}](gallery/{file_of(name)})"]
        if not whole_command(flags).startswith(COMMAND) and "--size" not in flags:
            lines += ["", "The whole command:", "", "```sh", whole_command(flags), "```"]
    return "\n".join([*lines, "", *PHOTOGRAPHS]) + "\n"


def paint(name: str, flags: str) -> None:
    command = parse(shlex.split(whole_command(flags))[1:])
    assert not isinstance(command, str)
    result = artistyle_tf.stylize(
        command.content,
        command.styles,
        command.config,
        content_masks=command.content_masks,
        style_masks=command.style_masks,
    )
    target = PAGE.parent / "gallery" / file_of(name)
    target.parent.mkdir(exist_ok=True)
    if name == "plain":
        result.save(target)
        return
    image = Image.fromarray(result.image)
    image.thumbnail((256, 256), Image.Resampling.LANCZOS)
    image.save(target, quality=88)


def main() -> int:
    parser = argparse.ArgumentParser(description="Paint docs/gallery.md.")
    parser.add_argument("--page", action="store_true", help="write the page, paint nothing")
    parser.add_argument("--only", default="", help="names of the pictures to paint, with commas")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else [name for name, *_ in CONTROLS]
    os.chdir(ROOT)  # the commands name files from here
    for name, _, flags in CONTROLS:
        if name in chosen and not arguments.page:
            paint(name, flags)
            print(name, flush=True)
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
