#!/usr/bin/env python3
"""Make the preview network: VGG19 with fewer channels, which paints like the full one.

    scripts/weights/make_preview_weights.py [OUTPUT] [--pictures=FOLDER] [--rounds=2] [--seed=1]

The 8-bit network that comes with the package is pruned in closed form (see prune.py), refined by
gradient on pictures and on what it paints itself (refine.py), scaled to the losses of the whole
network (balance.py) and packed with 8 bits a number (pack_weights.py). With --rounds=0 it stays as
pruned, which takes two minutes. Needs scikit-image, which the extra `dev` brings; --pictures adds
pictures of your own to learn from.
"""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.files import check_folder, write_bytes
from artistyle_tf.network.vgg19 import VGG19_LAYERS
from artistyle_tf.network.weights import Weights, load

OUTPUT = Path(__file__).resolve().parents[2] / "artistyle_tf" / "data" / "preview_vgg19.npz"

WIDTHS = (64, 32, 128, 64, 256, 96, 96, 96, 384, 192, 192, 192, 384)
"""Channels from block1_conv1 to block5_conv1, of the teacher's 64 64 128 128 256 … 512. The layers
that losses look at keep most of theirs; those between only carry what the next ones need."""

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
    from pack_weights import packed
    from prune import prune
    from refine import refine

    began = time.perf_counter()

    def report(text: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {text}", flush=True)

    rng = np.random.default_rng(arguments.seed)
    teacher = dict(load("imagenet-8bit").layers)
    pictures = lessons(arguments.pictures, SIDE, rng)
    report(f"{len(pictures)} pictures")
    widths = dict(zip(VGG19_LAYERS, WIDTHS, strict=False))
    student, kept = prune(teacher, widths, preprocess(pictures), rng, report)
    if arguments.rounds:
        student = refine(
            student, kept, teacher, pictures, arguments.rounds, arguments.steps, arguments.runs,
            rng, report,
        )  # fmt: skip
    student, factors = balanced(student, teacher, preprocess(pictures[::4]))
    report("scaled: " + "  ".join(f"{k} {v:.3f}" for k, v in factors.items()))
    return packed(Weights(MappingProxyType(student), "file", "student", ""))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("output", nargs="?", type=Path, default=OUTPUT, help="the .npz file to write")
    add("--pictures", type=Path, help="a folder of pictures that join those to learn from")
    add("--rounds", type=int, default=2, help="of refinement (2); 0: as pruned")
    add("--steps", type=int, default=220, help="of Adam in each round (220)")
    add("--runs", type=int, default=6, help="pictures painted for each round (6)")
    add("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    try:
        check_folder(arguments.output)
        data = make(arguments)
        write_bytes(arguments.output, data)
    except ArtistyleError as error:
        print(f"make_preview_weights.py: {error}", file=sys.stderr)
        return error.exit_status
    print(f"{len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
