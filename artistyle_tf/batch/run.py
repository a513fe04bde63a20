"""A whole batch: `paint_all`, and what remains of it: a table, a report, a contact sheet. No
TensorFlow, no Ray."""

import collections
import contextlib
import dataclasses
import io
import itertools
import json
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job, make_job, name_outputs
from artistyle_tf.batch.paths import copy_local
from artistyle_tf.batch.plan import split_done
from artistyle_tf.batch.pool import Options, Outcome, Tell, run_tasks
from artistyle_tf.batch.worker import Worker
from artistyle_tf.config.choices import Cadence
from artistyle_tf.config.validation import integer
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import shrink
from artistyle_tf.text import clock, one_line

__all__ = ["Summary", "check_sheet", "paint_all", "write_sheet"]

THUMB, GAP, TEXT = 160, 12, 12  # Pixels: a thumbnail's longer side, the gap, the text's height.
MOST = 4000  # Pictures on a sheet; JPEG is limited to 65,500 px per side.
WHITE, GREY = (255, 255, 255), (60, 60, 60)


@dataclasses.dataclass(frozen=True)
class Summary:
    """All jobs of a batch with their outcomes, in the order requested."""

    outcomes: Mapping[Job, Outcome | None]
    """None: not started when the user stopped the batch."""
    seconds: float
    """Duration of the whole batch."""
    interrupted: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of jobs by status; "left": stopped or not started."""
        found = collections.Counter(
            "left" if outcome is None or outcome.status == "stopped" else outcome.status
            for outcome in self.outcomes.values()
        )
        return {name: found[name] for name in ("done", "skipped", "failed", "left")}

    @property
    def rate(self) -> float:
        """Painted pictures per hour."""
        return self.counts["done"] * 3600 / self.seconds if self.seconds else 0.0

    def table(self) -> str:
        """Text for people: the failed jobs with their reasons, then the counts."""
        lines = [
            f"failed: {one_line(job.output)}{f' ({job.where})' if job.where else ''}: {one.reason}"
            for job, one in self.outcomes.items()
            if one and one.status == "failed"
        ]
        cells = {name: str(n) for name, n in self.counts.items() if name != "left" or n}
        cells |= {"time": clock(self.seconds), "pictures/h": f"{self.rate:.0f}"}
        widths = {name: max(len(name), len(cell)) for name, cell in cells.items()}
        lines.append("  ".join(name.rjust(widths[name]) for name in cells))
        lines.append("  ".join(cell.rjust(widths[name]) for name, cell in cells.items()))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        jobs = [
            {"output": job.output, "content": job.content, "styles": job.styles, "where": job.where}
            | (dataclasses.asdict(outcome) if outcome else {"status": "left"})
            for job, outcome in self.outcomes.items()
        ]
        return {
            "program": "artistyle-batch",
            **self.counts,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "pictures_per_hour": round(self.rate, 2),
            "jobs": jobs,
        }

    def write(self, path: str) -> None:
        """Writes the report as JSON. InputError if it can't be written."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        files.write_bytes(path, f"{text}\n".encode())


def paint_all(
    jobs: Iterable[Job | Mapping[str, Any]],
    output_dir: str | os.PathLike[str] = "",
    *,
    extension: str = ".png",
    workers: int | None = None,
    address: str | None = None,
    save_every: int | str | None = None,
    device: str | None = None,
    deterministic: bool = False,
    tell: Tell | None = None,
) -> Summary:
    """Paints many pictures with Ray workers, one per device.

        artistyle_tf.batch.paint_all(
            [{"content": photo, "style": "painting.jpg", "size": 384} for photo in photos], "out"
        )

    Finished jobs are skipped, unless the record in the output shows that their settings or
    pictures have changed. A failed job does not stop the others; a job whose worker is killed
    resumes from its checkpoint. Pictures never pass through this process. Ctrl-C stops the batch
    and saves checkpoints of the jobs in progress.

    Args:
      jobs: mappings with `content`, `style` (one or several), `output`, `content_mask`,
        `style_mask`, `depth`, `preset` and any setting of `Config`; or `Job`s.
      output_dir: folder or URL for outputs with relative paths, and for outputs without a name,
        which are named like photo--painting.png.
      extension: extension of outputs without a name.
      workers: number of workers; by default one per GPU, or else one per machine.
      address: address of a Ray cluster to join, like "auto"; None starts Ray on this machine for
        the duration of the call.
      save_every: how often checkpoints are saved, as for `Checkpoints`.
      device: device for the workers to compute on, like "cpu".
      deterministic: use deterministic ops only.
      tell: called with every job and its outcome, as the job ends.

    Raises:
      ConfigError: invalid jobs, or Ray is not installed; nothing is painted.
      ArtistyleError: Ray or the workers can't be started.
    """
    began = time.monotonic()
    listed = [job if isinstance(job, Job) else make_job(job) for job in jobs]
    listed = name_outputs(listed, os.fspath(output_dir), extension)
    if save_every is not None:
        Cadence(save_every, "save_every")
        save_every = str(save_every)
    if workers is not None:
        integer("workers", workers, 1, 10**6)
    outcomes: dict[Job, Outcome | None] = dict.fromkeys(listed)

    def note(job: Job, outcome: Outcome) -> None:
        outcomes[job] = outcome
        if tell is not None:
            tell(job, outcome)

    interrupted = False
    try:
        todo, done = split_done(listed)
        for job in done:
            note(job, Outcome("skipped", "already done"))
        options = Options(save_every, device, deterministic)
        run_tasks(Worker, todo, note, options=options, count=workers, address=address)
    except KeyboardInterrupt:
        interrupted = True
    return Summary(outcomes, time.monotonic() - began, interrupted)


def check_sheet(path: str) -> None:
    """ConfigError or InputError if the contact sheet can't be written."""
    if not path.lower().endswith((".png", ".jpg", ".jpeg")):
        raise ConfigError(f"contact_sheet is {one_line(path)!r}; it must end in .png or .jpg")
    files.check_folder(path)


def write_sheet(path: str, jobs: Sequence[Job]) -> None:
    """Writes thumbnails and names of the outputs that exist, at most 4,000. If all contents were
    painted in all styles, each content has a row and each style a column."""
    check_sheet(path)
    jobs = jobs[:MOST]
    columns = _columns(jobs)
    rows = math.ceil(len(jobs) / columns)
    width, height = THUMB + GAP, THUMB + TEXT + GAP * 3 // 2
    sheet = Image.new("RGB", (GAP + columns * width, GAP + rows * height), WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=TEXT)
    for index, job in enumerate(jobs):
        left, top = GAP + index % columns * width, GAP + index // columns * height
        # A failed job has no output.
        with contextlib.suppress(ArtistyleError), copy_local(job.output) as local:
            small = Image.fromarray(shrink(read(local[job.output]).rgb, THUMB))
            sheet.paste(
                small, (left + (THUMB - small.width) // 2, top + (THUMB - small.height) // 2)
            )
        name = shown = os.path.splitext(os.path.basename(one_line(job.output)))[0]
        while font.getlength(shown) > THUMB:
            name = name[:-1]
            shown = f"{name}…"
        draw.text((left, top + THUMB + 2), shown, GREY, font)
    data = io.BytesIO()
    sheet.save(data, "PNG" if path.lower().endswith(".png") else "JPEG", quality=90)
    files.write_bytes(path, data.getvalue())


def _columns(jobs: Sequence[Job]) -> int:
    """How many styles, if all contents were painted in all of them; otherwise for a square grid."""
    pairs = [(job.content, job.styles) for job in jobs]
    contents, styles = ([*dict.fromkeys(each)] for each in zip(*pairs, strict=True))
    crossed = pairs == [*itertools.product(contents, styles)]
    return len(styles) if crossed and 1 < len(styles) <= 40 else math.ceil(math.sqrt(len(jobs)))
