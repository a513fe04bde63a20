"""The picture as it grows, on disk: numbered files beside the result. No TensorFlow here."""

import logging
import os
import re

from artistyle_tf.errors import InputError
from artistyle_tf.pictures import write
from artistyle_tf.run.events import Step
from artistyle_tf.settings.interval import Cadence

__all__ = ["Previews", "is_preview", "preview_path"]

logger = logging.getLogger("artistyle_tf")


class Previews:
    """Writes the picture of every n-th iteration beside the output: out-0020.png, out-0040.png.

    With `every` like "60s", that of the first iteration after so many seconds; and one `FIRST`
    seconds after the first iteration, to see early what will become of it. Each is at its
    level's size, on the canvas of whole pooling cells, and without the record, which only a
    finished run has. They are written all or nothing, like the result; one that can't be written
    is a warning.
    """

    FIRST = 2.0

    def __init__(self, path: str | os.PathLike[str], every: int | str):
        self._path, self._cadence = os.fspath(path), Cadence(every, first=self.FIRST)

    def next_due(self, iteration: int) -> int | None:
        """The next iteration after that one whose picture is written; None by the clock."""
        return self._cadence.next_due(iteration)

    def __call__(self, step: Step) -> None:
        if self._cadence.due(step.iteration):
            path = preview_path(self._path, step.iteration, step.iterations)
            try:
                write.write(path, step.image())
            except InputError as error:  # the result may still find room
                logger.warning("%s; the run continues", error)


def preview_path(path: str, iteration: int, iterations: int) -> str:
    """The preview's file: the output's name with the iteration, of at least four digits.

    >>> preview_path("out.png", 20, 300)
    'out-0020.png'
    """
    stem, extension = os.path.splitext(path)
    digits = max(4, len(str(iterations)))
    return f"{stem}-{iteration:0{digits}}{extension}"


def is_preview(file: str, path: str, every: int, iterations: int) -> bool:
    """Whether a run with that output `path` would write a preview to `file`."""
    stem, extension = os.path.splitext(os.path.realpath(path))
    pattern = re.escape(stem) + r"-(\d+)" + re.escape(extension)
    found = re.fullmatch(pattern, os.path.realpath(file))
    if not found or not 0 < int(found[1]) <= iterations or int(found[1]) % every:
        return False
    return found[0] == preview_path(stem + extension, int(found[1]), iterations)
