#!/usr/bin/env python3
"""Put pictures side by side, each under its name: for demos, comparisons and the README.

scripts/docs/make_sheet.py sheet.png a.png b.png c.png --labels=photo,style,result --height=320
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

GAP = 16
WHITE, BLACK = (255, 255, 255), (30, 30, 30)


def make_sheet(
    rows: Sequence[Sequence[Image.Image]],
    columns: Sequence[str],
    height: int,
    names: Sequence[str] = (),
) -> Image.Image:
    """A table of pictures of one height: labels above its columns and, if given, names of rows."""
    font = ImageFont.load_default(size=max(12, height // 16))
    cells = [[_on_white(picture, height) for picture in row] for row in rows]
    widths = [
        max(round(font.getlength(label)), *(row[index].width for row in cells), 0)
        for index, label in enumerate(columns)
    ]
    left = GAP + (max(round(font.getlength(name)) for name in names) + GAP if names else 0)
    top = GAP + round(sum(font.getmetrics())) + GAP // 2
    size = (left + sum(widths) + GAP * len(widths), top + len(rows) * (height + GAP))
    sheet = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(sheet)
    for index, name in enumerate(names):
        draw.text((left - GAP, top + index * (height + GAP) + height // 2), name, BLACK, font, "rm")
    for index, (label, width) in enumerate(zip(columns, widths, strict=True)):
        draw.text((left + width // 2, GAP), label, BLACK, font, "ma")
        for line, row in enumerate(cells):
            middle = left + (width - row[index].width) // 2
            sheet.paste(row[index], (middle, top + line * (height + GAP)))
        left += width + GAP
    return sheet


def _on_white(picture: Image.Image, height: int) -> Image.Image:
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    white = Image.new("RGBA", upright.size, (*WHITE, 255))
    flat = Image.alpha_composite(white, upright).convert("RGB")
    width = max(1, round(flat.width * height / flat.height))
    return flat.resize((width, height), Image.Resampling.LANCZOS)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Put pictures side by side, under their names.")
    parser.add_argument("out", help="the sheet: .png, .jpg or .webp")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--labels", help="comma separated; the files' names by default")
    parser.add_argument("--height", type=int, default=320, help="of each picture, px (320)")
    arguments = parser.parse_args(argv)
    labels = [pathlib.Path(picture).stem for picture in arguments.pictures]
    if arguments.labels is not None:
        labels = arguments.labels.split(",")
    if len(labels) != len(arguments.pictures):
        parser.error(f"{len(arguments.pictures)} pictures, but {len(labels)} labels")
    try:
        pictures = [Image.open(picture) for picture in arguments.pictures]
        make_sheet([pictures], labels, arguments.height).save(arguments.out)
    except (OSError, ValueError) as error:
        print(f"make_sheet.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
