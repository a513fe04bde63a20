#!/usr/bin/env python3
"""Put pictures side by side, each under its name: for demos, comparisons and the README.

scripts/docs/make_sheet.py sheet.png a.png b.png c.png --labels=content,style,result --height=320
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

GAP = 16
WHITE, BLACK = (255, 255, 255), (30, 30, 30)


def make_sheet(pictures: Sequence[Image.Image], labels: Sequence[str], height: int) -> Image.Image:
    """One row of columns: label above picture, all pictures of the same height."""
    font = ImageFont.load_default(size=max(12, height // 16))
    columns = [_on_white(picture, height) for picture in pictures]
    boxes = [font.getbbox(label) for label in labels]
    widths = [max(c.width, round(b[2])) for c, b in zip(columns, boxes, strict=True)]
    top = GAP + round(sum(font.getmetrics())) + GAP // 2
    sheet = Image.new("RGB", (sum(widths) + GAP * (len(widths) + 1), top + height + GAP), WHITE)
    draw = ImageDraw.Draw(sheet)
    left = GAP
    for column, label, box, width in zip(columns, labels, boxes, widths, strict=True):
        draw.text((left + (width - box[2]) // 2, GAP), label, BLACK, font)
        sheet.paste(column, (left + (width - column.width) // 2, top))
        left += width + GAP
    return sheet


def make_grid(
    rows: Sequence[Sequence[Image.Image]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    height: int,
) -> Image.Image:
    """A table of pictures of one shape, labels above its columns and before its rows."""
    font = ImageFont.load_default(size=max(12, height // 12))
    cells = [[_on_white(picture, height) for picture in row] for row in rows]
    width = max([cell.width for row in cells for cell in row])
    width = max([width, *(round(font.getbbox(label)[2]) for label in column_labels)])
    line = round(sum(font.getmetrics()))
    left = GAP + max(round(font.getbbox(label)[2]) for label in row_labels) + GAP
    top = GAP + line + GAP // 2
    size = (left + len(column_labels) * (width + GAP), top + len(rows) * (height + GAP))
    sheet = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(column_labels):
        middle = left + column * (width + GAP) + width // 2
        draw.text((middle, GAP), label, BLACK, font, anchor="ma")
    for index, (row, label) in enumerate(zip(cells, row_labels, strict=True)):
        y = top + index * (height + GAP)
        draw.text((left - GAP, y + height // 2), label, BLACK, font, anchor="rm")
        for column, cell in enumerate(row):
            sheet.paste(cell, (left + column * (width + GAP) + (width - cell.width) // 2, y))
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
    if arguments.height < 1:
        parser.error("--height must be 1 or more")
    try:
        pictures = [Image.open(picture) for picture in arguments.pictures]
        make_sheet(pictures, labels, arguments.height).save(arguments.out)
    except (OSError, ValueError) as error:
        print(f"make_sheet.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
