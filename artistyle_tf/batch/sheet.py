"""The contact sheet: a batch's pictures as thumbnails. No TensorFlow, no Ray."""

import itertools
import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import copy_local
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import shrink
from artistyle_tf.images.write import write
from artistyle_tf.text import one_line

THUMB, GAP, TEXT = 160, 12, 12  # px: a thumbnail's longer side, the gap, the text's height
MOST, HEADS = 4000, 100  # pictures on a sheet; rows or columns with heads
WHITE, PALE, GREY = (255, 255, 255), (250, 235, 230), (60, 60, 60)


class Cell(NamedTuple):
    name: str = ""
    path: str = ""  # Of its picture.
    fault: str = ""  # Why there is none.


def write_sheet(path: str, outcomes: Mapping[Job, Outcome | None]) -> None:
    """Writes a picture of cells of one size, for at most 4,000 jobs. InputError if it can't.

    If every photo was painted in every style, each photo begins a row and each style heads a
    column. A cell without a picture says why.
    """
    cells = {job: _cell(job, outcome) for job, outcome in list(outcomes.items())[:MOST]}
    pairs = {(job.content, job.styles): cell for job, cell in cells.items()}
    contents, styles = ([*dict.fromkeys(each)] for each in zip(*pairs, strict=True))
    crossed = len(pairs) == len(cells) == len(contents) * len(styles)
    if crossed and max(len(contents), len(styles)) <= HEADS:
        heads = [
            Cell("+".join(Path(path).stem for path in each), next(iter(each), ""))
            for each in styles
        ]
        rows = [[Cell(), *heads]]
        for content in contents:
            head = Cell(Path(content).stem, content) if content else Cell()
            rows.append([head, *(pairs[content, each] for each in styles)])
    else:
        columns = math.ceil(math.sqrt(len(cells)))
        some = iter(cells.values())
        rows = [[*itertools.islice(some, columns)] for _ in range(0, len(cells), columns)]
    width, height = THUMB + GAP, THUMB + TEXT + GAP * 3 // 2
    sheet = Image.new("RGB", (GAP + len(rows[0]) * width, GAP + len(rows) * height), WHITE)
    for row, column in itertools.product(range(len(rows)), range(len(rows[0]))):
        if column < len(rows[row]):
            _draw(sheet, rows[row][column], GAP + column * width, GAP + row * height)
    write(path, np.asarray(sheet), record={"program": "artistyle_tf"})


def _cell(job: Job, outcome: Outcome | None) -> Cell:
    name = Path(job.output).stem
    if outcome is None or outcome.status == "stopped":
        return Cell(name, fault="not painted")
    if outcome.status == "failed":
        return Cell(name, fault=f"failed: {outcome.reason}")
    return Cell(name, job.output)


def _draw(sheet: Image.Image, cell: Cell, left: int, top: int) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=TEXT)
    fault = cell.fault
    if cell.path:
        try:
            with copy_local(cell.path) as local:
                small = Image.fromarray(shrink(read(local[cell.path]).rgb, THUMB))
            small = ImageOps.contain(small, (THUMB, THUMB))  # enlarged, too
            middle = (THUMB - small.width) // 2, (THUMB - small.height) // 2
            sheet.paste(small, (left + middle[0], top + middle[1]))
        except ArtistyleError as error:
            fault = str(error)
    if fault:
        draw.rectangle((left, top, left + THUMB - 1, top + THUMB - 1), PALE)
        words = "\n".join(textwrap.wrap(fault, 22)[:8])
        draw.multiline_text((left + GAP, top + GAP), words, GREY, font)
    name = one_line(cell.name)
    shown = name if len(name) <= 26 else f"{name[:25]}…"
    draw.text((left, top + THUMB + 2), shown, GREY, font)
