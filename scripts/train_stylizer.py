#!/usr/bin/env python3
"""Train a small feed-forward stylizer (Johnson et al. 2016) with Keras' `fit`, and try it.

    scripts/train_stylizer.py --folder=stylizer --minutes=5

It learns from random crops of three pictures of scikit-image (extra `dev`) to paint like the sample
painting, and is judged on a fourth that it never sees. Writes model.keras and pictures.
"""

import argparse
import os
import pathlib
from collections.abc import Sequence

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import skimage.data
from PIL import Image

from artistyle_tf import feedforward, samples


def unseen(longer: int) -> np.ndarray:
    """The cat: float32 [1, H, W, 3], the sides multiples of four as the network takes them."""
    image = Image.fromarray(skimage.data.chelsea())
    cell = feedforward.CELL
    sides = [round(side * longer / max(image.size)) // cell * cell for side in image.size]
    return np.asarray(image.resize(sides, Image.Resampling.LANCZOS))[None].astype(np.float32)


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """The command; returns what it printed: the unseen picture's loss before and after."""
    parser = argparse.ArgumentParser(description="Train a small feed-forward stylizer.")
    add = parser.add_argument
    add("--folder", type=pathlib.Path, default=pathlib.Path("stylizer"))
    add("--style", default=samples.style())
    add("--weights", default="auto", help="of the loss, as the command takes")
    add("--minutes", type=float, default=5.0)
    add("--steps", type=int, default=10**6, help="at the most")
    add("--side", type=int, default=128, help="of the crops, px")
    add("--batch", type=int, default=4)
    add("--width", type=int, default=16, help="channels of the first layer")
    add("--style_weight", type=float, default=1.0)
    add("--unseen_side", type=int, default=320, help="of the unseen picture, px")
    asked = vars(parser.parse_args(argv))
    folder, photo = asked.pop("folder"), unseen(asked.pop("unseen_side"))
    lessons = [picture()[..., :3] for picture in
               (skimage.data.astronaut, skimage.data.coffee, skimage.data.rocket)]  # fmt: skip
    model = feedforward.build_transform_net(asked.pop("width"), seed=0)
    before = model.predict(photo, verbose=0)
    model, _ = feedforward.train_transform_net(
        asked.pop("style"), lessons, model=model, verbose=2, **asked
    )
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    figures = {}
    pictures = {"photo": photo, "untrained": before, "trained": model.predict(photo, verbose=0)}
    for name, image in pictures.items():
        figures[name] = float(model.loss(photo, image))
        levels = np.clip(np.rint(image[0]), 0, 255).astype(np.uint8)
        Image.fromarray(levels).save(folder / f"{name}.png")
        print(f"{name}: {figures[name]:.5g}")
    return figures


if __name__ == "__main__":
    main()
