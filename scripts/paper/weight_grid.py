#!/usr/bin/env python3
"""Figure 3 of Gatys, Ecker, Bethge 2015 (arXiv:1508.06576): layers against weights, as one sheet.

Rows: the style's layers, from conv1_1 alone to all up to conv5_1, with equal weights w_l = 1/n.
Columns: α/β from 1e-5 to 1e-2, in the units of the paper's sums (preset "paper": average pooling,
one scale, white noise; our L-BFGS for speed).

scripts/paper/weight_grid.py --output=figure3.png
scripts/paper/weight_grid.py --output=figure3.png --size=256 --iterations=500
"""

import argparse
import sys

import figures
from PIL import Image

from artistyle_tf import Config

RATIOS = (1e-5, 1e-4, 1e-3, 1e-2)


def sheet(arguments: argparse.Namespace) -> Image.Image:
    """Five rows of four."""
    rows = []
    for depth in range(1, 6):
        layers = dict.fromkeys(figures.STYLE_LAYERS[:depth], 1 / depth)
        row = []
        for ratio in RATIOS:
            config = Config.preset(
                "paper",
                optimizer="lbfgs",
                precondition=0.35,  # the same minima, sooner
                precision="auto",
                iterations=arguments.iterations,
                size=arguments.size,
                weights=arguments.weights,
                style_layers=layers,
                style_weight=1 / ratio,
            )
            row.append(figures.painted(arguments.content, arguments.style, config))
        rows.append(row)
        print(f"{depth} of 5", flush=True)
    labels = ["conv1_1", *(f"to conv{depth}_1" for depth in range(2, 6))]
    columns = [f"{ratio:.0e}".replace("e-0", "e-") for ratio in RATIOS]
    return figures.make_grid(rows, labels, columns, rows[0][0].height)


def main(argv: list[str] | None = None) -> int:
    arguments = figures.parser(__doc__.splitlines()[0], iterations=200).parse_args(argv)
    return figures.run(arguments, lambda: sheet(arguments))


if __name__ == "__main__":
    sys.exit(main())
