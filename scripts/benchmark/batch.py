#!/usr/bin/env python3
"""Many pictures: a shell loop over `artistyle`, one `Painter`, `artistyle-batch`.

    scripts/benchmark/batch.py --count=24 --size=128 --iterations=10

The batch has one worker, and then two. Each way is a process begun anew, timed from its start to
its end, so that what it loads counts. The pictures are cuts of the sample photo. Prints a table for
Markdown.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from PIL import Image

from artistyle_tf import samples

LOOP = """
import sys
import artistyle_tf
painter = artistyle_tf.Painter(
    artistyle_tf.Config.preset("fast", size=int(sys.argv[3]), iterations=int(sys.argv[4]))
)
for photo in sys.argv[5:]:
    painter(photo, sys.argv[1]).save(f"{sys.argv[2]}/{photo.rsplit('/', 1)[1]}")
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as folder:
        photos = cut(pathlib.Path(folder), arguments.count)
        print("| way | seconds | pictures/h | of the shell loop's time |\n|---|---|---|---|")
        first = None
        for name, way in ways(photos, folder, arguments).items():
            began = time.monotonic()
            way()
            seconds = time.monotonic() - began
            first = first or seconds
            rate = arguments.count * 3600 / seconds
            print(f"| {name} | {seconds:.1f} | {rate:.0f} | {seconds / first:.2f} |", flush=True)
    return 0


def cut(folder: pathlib.Path, count: int) -> list[str]:
    """So many pictures of one shape, cut out of the sample photo from left to right."""
    paths = []
    with Image.open(samples.content()) as photo:
        width = photo.width // 2
        for number in range(count):
            left = number * (photo.width - width) // max(1, count - 1)
            paths.append(str(folder / f"photo{number:03}.png"))
            photo.crop((left, 0, left + width, photo.height)).save(paths[-1])
    return paths


def ways(
    photos: Sequence[str], folder: str, arguments: argparse.Namespace
) -> dict[str, Callable[[], None]]:
    """Name → what paints all the pictures."""
    style, size, iterations = samples.style(), arguments.size, arguments.iterations
    flags = [f"--style={style}", "--preset=fast", f"--size={size}", f"--iterations={iterations}"]

    def shell() -> None:
        for number, photo in enumerate(photos):
            output = f"--output={folder}/shell{number}.png"
            run("-m", "artistyle_tf", f"--content={photo}", output, *flags, "--quiet")

    def painter() -> None:
        os.makedirs(f"{folder}/painter")
        run("-c", LOOP, str(style), f"{folder}/painter", str(size), str(iterations), *photos)

    def batch(workers: int) -> None:
        pattern, output = f"--content={folder}/photo*.png", f"--output_dir={folder}/batch{workers}"
        run("-m", "artistyle_tf.batch", pattern, output, f"--workers={workers}", *flags, "--quiet")

    return {
        "`artistyle` in a shell loop": shell,
        "one `Painter`": painter,
        "`artistyle-batch`": lambda: batch(1),
        "`artistyle-batch --workers=2`": lambda: batch(2),
    }


def run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time many pictures in several ways.")
    parser.add_argument("--count", type=int, default=6, help="pictures (6)")
    parser.add_argument("--size", type=int, default=128, help="longer side, px (128)")
    parser.add_argument("--iterations", type=int, default=10, help="of each (10)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
