#!/usr/bin/env python3
"""Figure 1 of Gatys, Ecker, Bethge 2015 (arXiv:1508.06576): what each layer knows, as one sheet.

Above, the style rebuilt as texture from the Gram matrices of growing sets of layers: conv1_1,
conv1_1 and conv2_1, and so on to conv5_1. Below, the content rebuilt from the activations of one
layer: conv1_1, conv2_1, conv3_1, conv4_1, conv5_1. All from white noise, at one scale.

scripts/paper/reconstruct_layers.py --output=figure1.png
scripts/paper/reconstruct_layers.py --output=figure1.png --content=photo.jpg --style=painting.jpg \\
    --size=256
"""

import argparse
import sys

import figures
from PIL import Image

from artistyle_tf import Config


def sheet(arguments: argparse.Namespace) -> Image.Image:
    """The two rows."""
    common = {
        "iterations": arguments.iterations,
        "size": arguments.size,
        "weights": arguments.weights,
        "levels": 1,
    }
    styles, contents = [], []
    for depth in range(1, 6):
        layers = dict.fromkeys(figures.STYLE_LAYERS[:depth], 1.0)
        with Image.open(arguments.style) as opened:
            scale = arguments.size / max(opened.size)
            sides = tuple(max(16, round(side * scale)) for side in opened.size)
        texture = Config.preset(
            "fast",
            **{**common, "size": sides},
            task="texture",
            noise_amplitude=60.0,  # of faint noise conv1_1 alone makes one large blot
            style_layers=layers,
            style_scale=min(max(scale, 0.01), 100),
        )
        styles.append(figures.painted(None, arguments.style, texture))
        layer = {f"block{depth}_conv1": 1.0}
        rebuilt = Config.preset("fast", **common, task="reconstruct", content_layers=layer)
        contents.append(figures.painted(arguments.content, None, rebuilt))
        print(f"{depth} of 5", flush=True)
    columns = [f"conv{depth}_1" for depth in range(1, 6)]
    return figures.make_grid(
        [styles, contents], ["style, up to", "content of"], columns, contents[0].height
    )


def main(argv: list[str] | None = None) -> int:
    arguments = figures.parser(__doc__.splitlines()[0], iterations=200).parse_args(argv)
    return figures.run(arguments, lambda: sheet(arguments))


if __name__ == "__main__":
    sys.exit(main())
