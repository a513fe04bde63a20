"""Two sample pictures, drawn by code: a harbour town, and a painting of a night sky.

They are made by scripts/samples/draw_samples.py in the repository and are free of copyright.
"""

import importlib.resources
import pathlib

__all__ = ["content", "style"]


def content() -> pathlib.Path:
    """Path of a sample content picture: JPEG, 640×480 px, sRGB.

    >>> content().name
    'content.jpg'
    """
    return _path("content.jpg")


def style() -> pathlib.Path:
    """Path of a sample style picture: JPEG, 640×480 px, sRGB.

    >>> style().name
    'style.jpg'
    """
    return _path("style.jpg")


def _path(name: str) -> pathlib.Path:
    return pathlib.Path(str(importlib.resources.files(__name__) / name))
