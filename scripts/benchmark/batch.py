#!/usr/bin/env python3
"""Many pictures: a shell loop over `artistyle`, one `Painter`, `artistyle-batch`.

    scripts/benchmark/batch.py --count=24 --size=128 --iterations=10

Each way starts anew and is timed from start to end, so that what it loads counts. The pictures are
cuts of the sample photo. Prints a table for Markdown.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from PIL import Image

from artistyle_tf import samples

PAINTER = """
import sys
import artistyle_tf
style, size, iterations, *photos = sys.argv[1:]
config = artistyle_tf.Config.preset("fast", size=int(size), iterations=int(iterations))
painter = artistyle_tf.Painter(config)
for photo in photos:
    painter(photo, style).save(f"{photo}-painter.png")
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Time many pictures in several ways.")
    parser.add_argument("--count", type=int, default=6, help="pictures (6)")
    parser.add_argument("--size", type=int, default=128, help="longer side, px (128)")
    parser.add_argument("--iterations", type=int, default=10, help="of each (10)")
    asked = parser.parse_args(argv)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    style, python = str(samples.style()), sys.executable
    settings = [f"--size={asked.size}", f"--iterations={asked.iterations}"]
    flags = [f"--style={style}", "--preset=fast", *settings, "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        photos = [f"{folder}/photo{number:03}.png" for number in range(asked.count)]
        with Image.open(samples.content()) as photo:
            width = photo.width // 2
            for number, path in enumerate(photos):
                left = number * (photo.width - width) // max(1, asked.count - 1)
                photo.crop((left, 0, left + width, photo.height)).save(path)
        one = [python, "-m", "artistyle_tf", *flags]
        painter = [python, "-c", PAINTER, style, str(asked.size), str(asked.iterations), *photos]
        batch = [python, "-m", "artistyle_tf.batch", f"--content={folder}/photo???.png", *flags]
        ways = {
            "`artistyle` in a shell loop": [
                [*one, f"--content={path}", f"--output={path}-o.png"] for path in photos
            ],
            "one `Painter`": [painter],
            "`artistyle-batch`": [[*batch, f"--output_dir={folder}/1"]],
            "`artistyle-batch --workers=2`": [[*batch, f"--output_dir={folder}/2", "--workers=2"]],
        }
        print("| way | seconds | pictures/h | of the shell loop's time |\n|---|---|---|---|")
        first = None
        for name, commands in ways.items():
            began = time.monotonic()
            for command in commands:
                subprocess.run(command, check=True)
            seconds = time.monotonic() - began
            first = first or seconds
            rate = asked.count * 3600 / seconds
            print(f"| {name} | {seconds:.1f} | {rate:.0f} | {seconds / first:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
