"""The intermediate picture on disk: numbered files next to the output. No TensorFlow."""

import logging
import os
import re

from artistyle_tf import files
from artistyle_tf.config.choices import Cadence
from artistyle_tf.engine.results import Step
from artistyle_tf.errors import InputError
from artistyle_tf.images import write

logger = logging.getLogger("artistyle_tf")


class Previews:
    """A callback that saves every n-th picture next to the output: out-0020.png, out-0040.png.

    With `every` like "60s" it saves at the first iteration after each such interval, and once
    `FIRST` seconds after the first iteration. Previews have their level's size and no settings in
    their record. If one can't be written, the run continues with a warning; so it does instead of
    replacing a file that another program made, unless `overwrite` is True.
    """

    FIRST = 2.0

    def __init__(self, path: str | os.PathLike[str], every: int | str, *, overwrite: bool = False):
        self._path, self._cadence = os.fspath(path), Cadence(every, first=self.FIRST)
        self._overwrite = overwrite

    def __call__(self, step: Step) -> None:
        if self._cadence.due(step.iteration):
            path = preview_path(self._path, step.iteration, step.iterations)
            try:
                files.check_overwrite(path, self._overwrite)
                write.write(path, step.image(), record={"program": "artistyle_tf"})
            except InputError as error:  # there may still be space for the result
                logger.warning("%s; the run continues", error)


def preview_path(path: str, iteration: int, iterations: int) -> str:
    """The preview's path: the output's name with the iteration, at least four digits.

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
