"""Two pictures to try things with, drawn by code: a harbour town, and a painting of a night sky.

They are made by scripts/samples/draw_samples.py of the repository and carry nobody's copyright.
"""

import importlib.resources
import pathlib

__all__ = ["content", "style"]


def content() -> pathlib.Path:
    """Path of the picture to paint: JPEG, 640×480 px, sRGB.

    >>> content().name
    'content.jpg'
    """
    return _path("content.jpg")


def style() -> pathlib.Path:
    """Path of the painting to paint it like: JPEG, 640×480 px, sRGB.

    >>> style().name
    'style.jpg'
    """
    return _path("style.jpg")


def _path(name: str) -> pathlib.Path:
    return pathlib.Path(str(importlib.resources.files(__name__) / name))
