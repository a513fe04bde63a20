"""A contact sheet: thumbnails of all outputs with their names. No TensorFlow, no Ray."""

import contextlib
import io
import itertools
import math
import os
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.paths import copy_local
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
    """Checks before a long batch that the sheet can be written: ConfigError for an extension other
    than .png, .jpg or .jpeg, InputError as for `files.check_folder`."""
    _format(path)
    files.check_folder(path)


def write_sheet(path: str, jobs: Sequence[Job]) -> None:
    """Writes a sheet of the outputs that exist, at most 4,000; errors as for `check_sheet`.

    If all contents were painted in all styles, the sheet has a row per content and a column per
    style; otherwise the rows are filled from left to right. Pictures are read one by one.
    """
    jobs = jobs[:MOST]
    columns = _columns(jobs)
    rows = math.ceil(len(jobs) / columns)
    width, height = THUMB + GAP, THUMB + TEXT + GAP * 3 // 2
    sheet = Image.new("RGB", (GAP + columns * width, GAP + rows * height), WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=TEXT)
    for index, job in enumerate(jobs):
        left, top = GAP + index % columns * width, GAP + index // columns * height
        with contextlib.suppress(ArtistyleError):  # a failed job has no output
            small = _thumbnail(job.output)
            place = left + (THUMB - small.width) // 2, top + (THUMB - small.height) // 2
            sheet.paste(small, place)
        name = whole = os.path.splitext(os.path.basename(one_line(job.output)))[0]
        while font.getlength(name if name == whole else f"{name}…") > THUMB:
            name = name[:-1]
        draw.text((left, top + THUMB + 2), name if name == whole else f"{name}…", GREY, font)
    data = io.BytesIO()
    sheet.save(data, _format(path), quality=90)
    files.write_bytes(path, data.getvalue())


def _columns(jobs: Sequence[Job]) -> int:
    """The number of styles if the jobs are all pairs, content by content; or else a square grid."""
    contents, styles = ([*dict.fromkeys(each)] for each in zip(*map(_pair, jobs), strict=True))
    crossed = [_pair(job) for job in jobs] == [*itertools.product(contents, styles)]
    return len(styles) if crossed and 1 < len(styles) <= 40 else math.ceil(math.sqrt(len(jobs)))


def _pair(job: Job) -> tuple[str | None, tuple[str, ...]]:
    return job.content, job.styles


def _thumbnail(path: str) -> Image.Image:
    with copy_local(path) as local:
        image = Image.fromarray(as_uint8(read(local[path]).rgb))
    image.thumbnail((THUMB, THUMB), Image.Resampling.LANCZOS)
    return image


def _format(path: str) -> str:
    ending = os.path.splitext(path)[1].lower()
    if ending not in FORMATS:
        raise ConfigError(f"contact_sheet is {one_line(path)!r}; it must end in .png or .jpg")
    return FORMATS[ending]
