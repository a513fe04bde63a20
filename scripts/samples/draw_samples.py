"""Draw the sample pictures: a harbour town to paint, a painting to paint it like, and two masks,
for what is above and below in both of them.

    python scripts/samples/draw_samples.py [--folder DIR] [--width PIXELS]

All are made from nothing but NumPy and Pillow and a seed, so they carry nobody's copyright and
anyone can make them again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sample_harbour
import sample_night
from PIL import Image

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "artistyle_tf" / "samples"
DRAW = {"content": sample_harbour.draw, "style": sample_night.draw}


def draw_mask(edge: float, above: bool) -> Image.Image:
    """White above the edge, a share of the height, or below it; soft over a tenth."""
    rows = (np.arange(120) + 0.5) / 120
    white = np.clip((edge - rows) / 0.1 + 0.5, 0, 1)
    column = np.uint8(np.round(255 * (white if above else 1 - white)))
    return Image.fromarray(np.repeat(column[:, None], 160, axis=1))


MASKS = {"top": (0.35, True), "bottom": (0.7, False)}


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Draw the sample pictures.")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--width", type=int, default=640)
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAW.items():
        picture = draw(arguments.width)
        path = arguments.folder / f"{name}.jpg"
        picture.save(path, quality=92)
        print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size // 1024} KiB")
    for name, (edge, above) in MASKS.items():
        draw_mask(edge, above).save(arguments.folder / f"{name}.png")


if __name__ == "__main__":
    main()
