#!/usr/bin/env python3
"""Figures 1 to 3 of Gatys, Ecker, Bethge 2015 (arXiv:1508.06576), each as one sheet.

    scripts/docs/make_figures.py 1 --output=figure1.png
    scripts/docs/make_figures.py 3 --output=figure3.png --content=photo.jpg --style=painting.jpg

Figure 1, what each layer knows. Above, the style rebuilt as texture from the Gram matrices of
growing sets of layers: conv1_1, conv1_1 and conv2_1, and so on to conv5_1. Below, the content
rebuilt from the activations of one layer. All from white noise, at one scale.

Figure 2, the style and the content in it: by the preset "paper" (our L-BFGS for speed), and by
"fast".

Figure 3, layers against weights. Rows: the style's layers, from conv1_1 alone to all up to conv5_1,
with equal weights w_l = 1/n. Columns: α/β from 1e-5 to 1e-2, in the units of the paper's sums
(preset "paper": average pooling, one scale, white noise; our L-BFGS for speed).
"""

import argparse
import sys
from collections.abc import Sequence

from make_sheet import make_sheet
from PIL import Image

import artistyle_tf
from artistyle_tf import ArtistyleError, Config, samples
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.images.write import check_output

RATIOS = (1e-5, 1e-4, 1e-3, 1e-2)
SOONER = {"optimizer": "lbfgs", "precondition": 0.35, "precision": "auto"}
"""What reaches the minima of the preset "paper" sooner."""


def painted(content: str | None, style: str | None, config: Config) -> Image.Image:
    """A cell of a figure."""
    return Image.fromarray(artistyle_tf.stylize(content, style, config).image)


def figure1(asked: argparse.Namespace) -> Image.Image:
    common = {"iterations": asked.iterations, "weights": asked.weights, "levels": 1}
    with Image.open(asked.style) as opened:
        scale = asked.size / max(opened.size)
        sides = tuple(max(16, round(side * scale)) for side in opened.size)
    styles, contents = [], []
    for depth, layer in enumerate(STYLE_LAYERS, start=1):
        texture = Config.preset(
            "fast",
            **common,
            size=sides,
            task="texture",
            noise_amplitude=60.0,  # of faint noise conv1_1 alone makes one large blot
            style_layers=dict.fromkeys(STYLE_LAYERS[:depth], 1.0),
            style_scale=min(max(scale, 0.01), 100),
        )
        styles.append(painted(None, asked.style, texture))
        layers = {"task": "reconstruct", "content_layers": {layer: 1.0}}
        rebuilt = Config.preset("fast", **common, **layers, size=asked.size)
        contents.append(painted(asked.content, None, rebuilt))
        print(f"{depth} of 5", flush=True)
    columns = [f"conv{depth}_1" for depth in range(1, 6)]
    names = ["style, up to", "content of"]
    return make_sheet([styles, contents], columns, contents[0].height, names)


def figure2(asked: argparse.Namespace) -> Image.Image:
    common = {"size": asked.size, "weights": asked.weights, "iterations": asked.iterations}
    row = [Image.open(asked.style)]
    for preset, settings in (("paper", SOONER), ("fast", {})):
        config = Config.preset(preset, **common, **settings)
        row.append(painted(asked.content, asked.style, config))
        print(preset, flush=True)
    return make_sheet([row], ["style", "preset paper", "preset fast"], row[-1].height)


def figure3(asked: argparse.Namespace) -> Image.Image:
    rows = []
    for depth in range(1, 6):
        row = []
        for ratio in RATIOS:
            config = Config.preset(
                "paper",
                **SOONER,
                iterations=asked.iterations,
                size=asked.size,
                weights=asked.weights,
                style_layers=dict.fromkeys(STYLE_LAYERS[:depth], 1 / depth),
                style_weight=1 / ratio,
            )
            row.append(painted(asked.content, asked.style, config))
        rows.append(row)
        print(f"{depth} of 5", flush=True)
    names = [f"to conv{depth}_1" for depth in range(1, 6)]
    columns = [f"{ratio:.0e}".replace("e-0", "e-") for ratio in RATIOS]
    return make_sheet(rows, columns, rows[0][0].height, names)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("figure", type=int, choices=(1, 2, 3))
    add("--output", required=True, help="the sheet: .png, .jpg, .webp or .tif")
    add("--content", default=str(samples.content()), help="the photo (samples/content.jpg)")
    add("--style", default=str(samples.style()), help="the painting (samples/style.jpg)")
    add("--weights", default="auto", help="as of artistyle (auto)")
    add("--size", type=int, default=192, help="longer side of each, px (192)")
    add("--iterations", type=int, default=200, help="for each (200)")
    asked = parser.parse_args(argv)
    try:
        check_output(asked.output)
        (figure1, figure2, figure3)[asked.figure - 1](asked).save(asked.output)
    except ArtistyleError as error:
        print(f"make_figures.py: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
