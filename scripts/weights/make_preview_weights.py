#!/usr/bin/env python3
"""Make the preview network: VGG19 with fewer channels, which paints like the full one.

    scripts/weights/make_preview_weights.py [OUTPUT] [--pictures=FOLDER] [--seed=1]

The 8-bit network that comes with the package is pruned in closed form (see prune.py), scaled to the
losses of the whole network (balance.py) and packed with 8 bits a number (pack_weights.py): three
minutes of one core, 5 GB of memory. Needs scikit-image, which the extra `dev` brings; --pictures
adds pictures of your own to fit it to. How widths and gains were found: docs/weights.md.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from pack_weights import exit_status, packed

from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import Weights, load

OUTPUT = Path(__file__).resolve().parents[2] / "artistyle_tf" / "data" / "preview_vgg19.npz"

WIDTHS = (64, 32, 128, 128, 240, 96, 96, 96, 352, 176, 128, 128, 320)
"""Channels from block1_conv1 to block5_conv1, of the teacher's 64 64 128 128 256 … 512. The layers
that losses look at keep most of theirs; those between only carry what the next ones need, and what
block 2 leaves out nothing later sees again."""

GAINS = {"block1_conv1": 4.0, "block3_conv1": 2.0, "block5_conv1": 10.0, "block4_conv2": 1.05}
"""Losses that are to be so many times the whole network's: beside block4_conv1, which is nearly all
of the style's loss, small ones come to nothing sooner where its gradient is only nearly right."""

SIDE = 128
"""Of the pictures to learn from, px."""


def lessons(folder: Path | None, side: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Photographs and paintings, cut out, recoloured, blended with each other and with noise."""
    from material import crop, drawn, gather, recoloured

    found = [crop(picture, side, rng) for picture in gather(folder) for _ in range(6)]
    found += [recoloured(picture, rng) for picture in found[::2]]
    found += drawn(side, 6, rng)
    others = rng.permutation(len(found))
    blends = [(found[i] // 2 + found[j] // 2) for i, j in enumerate(others[::6])]
    noise = rng.integers(0, 256, (len(found[::6]), side, side, 3))
    noisy = [((p.astype(int) + n) // 2) for p, n in zip(found[::6], noise, strict=True)]
    return found + [np.asarray(picture, np.uint8) for picture in (*blends, *noisy)]


def make(arguments: argparse.Namespace) -> bytes:
    """The file; says what it does."""
    from balance import balanced
    from material import preprocess
    from prune import prune

    began = time.perf_counter()

    def report(text: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {text}", flush=True)

    rng = np.random.default_rng(arguments.seed)
    teacher = dict(load("imagenet-8bit").layers)
    pictures = lessons(arguments.pictures, SIDE, rng)
    report(f"{len(pictures)} pictures")
    widths = dict(zip(VGG19_LAYERS, WIDTHS, strict=False))
    student, _ = prune(teacher, widths, preprocess(pictures), rng, report)
    student, factors = balanced(student, teacher, preprocess(pictures[::4]), GAINS)
    report("scaled: " + "  ".join(f"{k} {v:.3f}" for k, v in factors.items()))
    return packed(Weights(MappingProxyType(student), "file", "student", ""))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("output", nargs="?", type=Path, default=OUTPUT, help="the .npz file to write")
    add("--pictures", type=Path, help="a folder of pictures that join those to learn from")
    add("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    return exit_status("make_preview_weights.py", arguments.output, lambda: make(arguments))


if __name__ == "__main__":
    sys.exit(main())
