"""Two sample pictures: a beach with towers at dusk, and Vincent van Gogh's *The Starry Night*.

The photo is from Pexels (634010), under CC0; the painting, of 1889, is in the public domain. The
file NOTICE says more.
"""

import importlib.resources
import pathlib

__all__ = ["content", "style"]


def content() -> pathlib.Path:
    """Path of the sample photo: JPEG, 960×540 px, sRGB.

    >>> content().name
    'content.jpg'
    """
    return _path("content.jpg")


def style() -> pathlib.Path:
    """Path of the sample style image: JPEG, 512×405 px, sRGB.

    >>> style().name
    'style.jpg'
    """
    return _path("style.jpg")


def _path(name: str) -> pathlib.Path:
    return pathlib.Path(str(importlib.resources.files(__name__) / name))
