"""The command as a process of its own, for what can't be tried inside the tests' own."""

import sys

from PIL import Image


def put_pictures(folder, picture, height, width):
    """photo.png and painting.png into the folder."""
    for name, seed in (("photo", 0), ("painting", 1)):
        Image.fromarray(picture(height, width, seed)).save(folder / f"{name}.png")


def file_flags(folder, weights, output="out.png"):
    """Those two, the result and the weights."""
    return [
        f"--content={folder}/photo.png",
        f"--style={folder}/painting.png",
        f"--output={folder}/{output}",
        f"--weights={weights}",
        "--optimizer=lbfgs",
    ]


def command_line(folder, weights, *flags, output="out.png"):
    """The whole command."""
    return [sys.executable, "-m", "artistyle_tf", *file_flags(folder, weights, output), *flags]
