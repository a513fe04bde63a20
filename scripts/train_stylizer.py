#!/usr/bin/env python3
"""Train a small feed-forward stylizer (Johnson et al. 2016) with Keras' `fit`, and try it.

    scripts/train_stylizer.py --folder=stylizer --minutes=5

It learns from random crops of three pictures of scikit-image to paint like the sample painting, and
is judged on a fourth that it never sees. Source of the method: Johnson, Alahi, Fei-Fei 2016,
"Perceptual Losses for Real-Time Style Transfer and Super-Resolution", arXiv:1603.08155. Needs
scikit-image, which the extra `dev` brings. Writes model.keras and before/after pictures.
"""

import argparse
import os
import pathlib
import time
from collections.abc import Sequence

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import skimage.data
from PIL import Image

from artistyle_tf import feedforward, samples

STYLE = samples.style()
LESSONS = ("astronaut", "coffee", "rocket")
UNSEEN = "chelsea"


def photograph(name: str) -> np.ndarray:
    """A picture of scikit-image: uint8 [H, W, 3]."""
    return getattr(skimage.data, name)()[..., :3]


def picture(name: str, longer: int) -> np.ndarray:
    """It with about that longer side, cut to the multiples of four that the network takes."""
    image = Image.fromarray(photograph(name))
    factor = longer / max(image.size)
    width, height = (round(side * factor) for side in image.size)
    rgb = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    cell = feedforward.CELL
    return rgb[: height // cell * cell, : width // cell * cell]


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """The command; gives back what it printed: the unseen picture's loss before and after."""
    parser = argparse.ArgumentParser(description="Train a small feed-forward stylizer.")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("stylizer"))
    parser.add_argument("--style", default=STYLE)
    parser.add_argument("--weights", default="auto", help="of the loss, as the command takes")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=10**6, help="at the most")
    parser.add_argument("--side", type=int, default=128, help="of the crops, px")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=int, default=16, help="channels of the first layer")
    parser.add_argument("--style_weight", type=float, default=1.0)
    parser.add_argument("--unseen_side", type=int, default=320, help="of the unseen picture, px")
    arguments = parser.parse_args(argv)

    arguments.folder.mkdir(parents=True, exist_ok=True)
    unseen = picture(UNSEEN, arguments.unseen_side)[None].astype(np.float32)
    model = feedforward.build_transform_net(arguments.width, seed=0)
    before = model.predict(unseen, verbose=0)
    began = time.monotonic()
    model, history = feedforward.train_transform_net(
        arguments.style,
        [photograph(name) for name in LESSONS],
        minutes=arguments.minutes,
        steps=arguments.steps,
        side=arguments.side,
        batch=arguments.batch,
        weights=arguments.weights,
        style_weight=arguments.style_weight,
        model=model,
        verbose=2,
    )
    seconds = time.monotonic() - began
    after = model.predict(unseen, verbose=0)
    figures = {
        "untrained": float(model.loss(unseen, before)),
        "seconds": seconds,
        "first_epoch": history["loss"][0],
        "last_epoch": history["loss"][-1],
        "trained": float(model.loss(unseen, after)),
        "photograph": float(model.loss(unseen, unseen)),
    }
    model.save(arguments.folder / "model.keras")
    for name, image in (("photo", unseen), ("untrained", before), ("trained", after)):
        levels = np.clip(np.rint(image[0]), 0, 255).astype(np.uint8)
        Image.fromarray(levels).save(arguments.folder / f"{name}.png")
    for name, figure in figures.items():
        print(f"{name}: {figure:.5g}")
    return figures


if __name__ == "__main__":
    main()
