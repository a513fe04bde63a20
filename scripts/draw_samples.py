"""Draw the two sample pictures: a harbour town to paint, and a painting to paint it like.

    python scripts/draw_samples.py [--folder DIR] [--width PIXELS]

Both are made from nothing but NumPy and Pillow and a seed, so they carry nobody's copyright and
anyone can make them again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import sample_harbour
import sample_night

DEFAULT_FOLDER = Path(__file__).resolve().parents[1] / "samples"
DRAW = {"content": sample_harbour.draw, "style": sample_night.draw}


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


if __name__ == "__main__":
    main()
