#!/usr/bin/env python3
"""Paint pictures of changing sizes in one process, and print what memory each left behind.

    scripts/benchmark/leak.py --count=20
    scripts/benchmark/leak.py --count=20 --painter

The first pictures leave TensorFlow, the network and its traces behind, which is no leak. What the
later ones leave should be about nothing, up and down: the allocator keeps freed memory for itself.
"""

import argparse
import gc
import os
import statistics
import sys
from collections.abc import Sequence

import numpy as np
import psutil

SIDES = (64, 96, 80, 128, 112)
"""Widths in turn, px; the heights change as well."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import artistyle_tf

    rng, process = np.random.default_rng(0), psutil.Process()
    before, left = process.memory_info().rss, []
    painter = None
    print("| picture | size | resident MiB | left behind MiB |\n|---|---|---|---|")
    for index in range(arguments.count):
        width = SIDES[index % len(SIDES)]
        height = width - 16 * (index // len(SIDES) % 3)
        content, style = (rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(2))
        config = artistyle_tf.Config.preset(
            "fast", size=0, iterations=4, weights=arguments.weights, init="content"
        )
        try:
            if arguments.painter:
                painter = painter or artistyle_tf.Painter(config)
                painter(content, style)
            else:
                artistyle_tf.stylize(content, style, config)
        except artistyle_tf.ArtistyleError as error:
            print(f"leak.py: {error}", file=sys.stderr)
            return error.exit_status
        gc.collect()
        now = process.memory_info().rss
        left.append((now - before) / 2**20)
        before = now
        print(f"| {index + 1} | {width}×{height} | {now / 2**20:.1f} | {left[-1]:+.1f} |")
    later = left[len(left) // 2 :]
    print(f"\nthe later half: {statistics.mean(later):+.2f} MiB a picture")
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20, help="pictures to paint (20)")
    parser.add_argument("--weights", default="auto", help="as of artistyle (auto)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--painter", action="store_true", help="all by one artistyle_tf.Painter")
    how.add_argument("--stylize", action="store_true", help="each by a call of stylize (default)")
    arguments = parser.parse_args(argv)
    if arguments.count < 1:
        parser.error("--count must be 1 or more")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
