"""The picture as it grows, on disk: numbered files beside the result. No TensorFlow here."""

import os
from collections.abc import Iterator

from artistyle_tf import output
from artistyle_tf.callbacks import Step

__all__ = ["Previews", "preview_path", "preview_paths"]


class Previews:
    """Writes the picture of every n-th iteration beside the output: out-0020.png, out-0040.png.

    Each is at its level's size, on the canvas of whole pooling cells, and without the record,
    which only a finished run has. They are written all or nothing, like the result.
    """

    def __init__(self, path: str | os.PathLike[str], every: int):
        self._path, self._every = os.fspath(path), every

    def __call__(self, step: Step) -> None:
        if step.iteration % self._every == 0:
            path = preview_path(self._path, step.iteration, step.iterations)
            output.write(path, step.image())


def preview_path(path: str, iteration: int, iterations: int) -> str:
    """The preview's file: the output's name with the iteration, of at least four digits.

    >>> preview_path("out.png", 20, 300)
    'out-0020.png'
    """
    stem, extension = os.path.splitext(path)
    digits = max(4, len(str(iterations)))
    return f"{stem}-{iteration:0{digits}}{extension}"


def preview_paths(path: str, every: int, iterations: int) -> Iterator[str]:
    """Every file that a run may write previews to."""
    for iteration in range(every, iterations + 1, every):
        yield preview_path(path, iteration, iterations)
