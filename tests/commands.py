"""The command as a process of its own, for what can't be tried inside the tests' own."""

import contextlib
import subprocess
import sys

from PIL import Image

HANGING = 1800
"""Seconds after which a process that may wait for another for ever is ended. No test takes a tenth
of that: a limit that a busy machine reaches tells nothing of the package."""


@contextlib.contextmanager
def children():
    """A function: as `subprocess.Popen`. No process that it starts outlives the block.

    One that does is noticed when it is collected, as a ResourceWarning in some later test.
    """
    with contextlib.ExitStack() as stack:

        def start(command, **options):
            process = stack.enter_context(subprocess.Popen(command, **options))
            stack.callback(process.kill)  # before its pipes are closed and it is waited for
            return process

        yield start


def run_program(program, *arguments):
    """Python code in a process of its own: what it printed; if it fails, the test does."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGING)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


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
