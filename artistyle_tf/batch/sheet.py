"""A contact sheet: thumbnails of all outputs with their names. No TensorFlow, no Ray."""

import contextlib
import io
import math
import os
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.places import base_name, fetched
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.images.picture import as_uint8
from artistyle_tf.images.read import read
from artistyle_tf.text import one_line

__all__ = ["check_sheet", "write_sheet"]

THUMB, GAP, TEXT = 160, 12, 12
"""In px: longer side of a thumbnail, gap between two, height of the text."""
MOST = 4000
"""Maximum number of pictures on a sheet; JPEG is limited to 65,500 px per side."""
WHITE, GREY = (255, 255, 255), (60, 60, 60)
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def check_sheet(path: str) -> None:
    """Checks before a long batch that the sheet can be written.

    Raises:
      ConfigError: an extension other than .png, .jpg or .jpeg.
      InputError: as for `files.check_folder`.
    """
    _format(path)
    files.check_folder(path)


def write_sheet(path: str, jobs: Sequence[Job]) -> int:
    """Writes a sheet of the outputs that exist; returns how many.

    If all contents were painted in all styles, the sheet has a row per content and a column per
    style; otherwise the rows are filled from left to right. Pictures are read one by one.

    Args:
      path: the output file, .png or .jpg.
      jobs: in the order shown; only the first 4,000 are used.

    Raises:
      ConfigError, InputError: as for `check_sheet`.
    """
    jobs = jobs[:MOST]
    columns = _columns(jobs)
    cell = THUMB + GAP + TEXT
    rows = math.ceil(len(jobs) / columns)
    size = (GAP + columns * (THUMB + GAP), GAP + rows * (cell + GAP // 2))
    sheet = Image.new("RGB", size, WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=TEXT)
    shown = 0
    for index, job in enumerate(jobs):
        left = GAP + index % columns * (THUMB + GAP)
        top = GAP + index // columns * (cell + GAP // 2)
        with contextlib.suppress(ArtistyleError):  # a failed job has no output
            small = _small(job.output)
            place = (left + (THUMB - small.width) // 2, top + (THUMB - small.height) // 2)
            sheet.paste(small, place)
            shown += 1
        name = _cut(os.path.splitext(base_name(one_line(job.output)))[0], font)
        draw.text((left, top + THUMB + 2), name, GREY, font)
    data = io.BytesIO()
    sheet.save(data, _format(path), quality=90)
    files.write_bytes(path, data.getvalue())
    return shown


def _columns(jobs: Sequence[Job]) -> int:
    """The number of styles if the jobs are all pairs, content by content; or else a square grid."""
    styles = list(dict.fromkeys(job.styles for job in jobs))
    contents = list(dict.fromkeys(job.content for job in jobs))
    pairs = [(content, style) for content in contents for style in styles]
    crossed = [(job.content, job.styles) for job in jobs] == pairs
    if crossed and 1 < len(styles) <= 40:
        return len(styles)
    return max(1, math.ceil(math.sqrt(len(jobs))))


def _small(path: str) -> Image.Image:
    with fetched(path) as local:
        image = Image.fromarray(as_uint8(read(local[path]).rgb))
    image.thumbnail((THUMB, THUMB), Image.Resampling.LANCZOS)
    return image


def _cut(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The name, shortened to the width of its thumbnail."""
    if font.getlength(name) <= THUMB:
        return name
    while name and font.getlength(name + "…") > THUMB:
        name = name[:-1]
    return name + "…"


def _format(path: str) -> str:
    ending = os.path.splitext(path)[1].lower()
    if ending not in FORMATS:
        raise ConfigError(f"contact_sheet is {one_line(path)!r}; it must end in .png or .jpg")
    return FORMATS[ending]
