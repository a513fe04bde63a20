#!/usr/bin/env python3
"""Train a small feed-forward stylizer (Johnson et al. 2016) with Keras' `fit`, and try it.

    scripts/train_stylizer.py --folder=stylizer --minutes=5

It learns from random crops of three pictures of scikit-image to paint like samples/style.jpg, and
is judged on a fourth that it never sees. Source of the method: Johnson, Alahi, Fei-Fei 2016,
"Perceptual Losses for Real-Time Style Transfer and Super-Resolution", arXiv:1603.08155. Needs
scikit-image, which the extra `dev` brings. Writes model.keras and before/after pictures.
"""

import argparse
import math
import os
import pathlib
import time
from collections.abc import Sequence

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import skimage.data
import tensorflow as tf
from PIL import Image

from artistyle_tf.keras_losses import PerceptualLoss

STYLE = pathlib.Path(__file__).resolve().parents[1] / "samples" / "style.jpg"
LESSONS = ("astronaut", "coffee", "rocket")
UNSEEN = "chelsea"
CELL = 4
"""The network halves twice: sides must be multiples of this."""


def build_stylizer(width: int = 16, blocks: int = 3) -> keras.Model:
    """RGB [B, H, W, 3], 0 to 255, H and W multiples of 4 → the same painted, 0 to 255.

    The network of Johnson et al. (their supplement, table 1) with instance normalisation, and
    with nearest-neighbour enlargement before a convolution instead of a transposed one, which
    leaves no checkerboard.
    """
    layers = keras.layers

    def conv(x, filters, size, stride=1, activation="relu"):
        x = layers.Conv2D(filters, size, stride, padding="same")(x)
        x = layers.GroupNormalization(groups=-1)(x)  # one group a channel: instance normalisation
        return layers.Activation(activation)(x)

    image = keras.Input((None, None, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = conv(x, width, 9)
    x = conv(x, 2 * width, 3, 2)
    x = conv(x, 4 * width, 3, 2)
    for _ in range(blocks):
        x = layers.Add()([x, conv(conv(x, 4 * width, 3), 4 * width, 3, activation="linear")])
    for filters in (2 * width, width):
        x = conv(layers.UpSampling2D(2)(x), filters, 3)
    x = layers.Conv2D(3, 9, padding="same", activation="tanh", dtype="float32")(x)
    return keras.Model(image, layers.Rescaling(127.5, offset=127.5, dtype="float32")(x))


def lessons(side: int, batch: int, seed: int = 0) -> tf.data.Dataset:
    """Endless batches of (crop, crop): what goes in is also the content to keep."""
    rng = np.random.default_rng(seed)
    pictures = [picture(name, longer) for name in LESSONS for longer in (2 * side, 3 * side)]

    def crops():
        while True:
            rgb = pictures[rng.integers(len(pictures))]
            top, left = (rng.integers(whole - side + 1) for whole in rgb.shape[:2])
            crop = rgb[top : top + side, left : left + side]
            crop = (crop[:, ::-1] if rng.integers(2) else crop).astype(np.float32)
            yield crop, crop

    spec = tf.TensorSpec([side, side, 3])
    return tf.data.Dataset.from_generator(crops, output_signature=(spec, spec)).batch(batch)


def picture(name: str, longer: int) -> np.ndarray:
    """A picture of scikit-image with about that longer side, cut to multiples of four: uint8."""
    image = Image.fromarray(getattr(skimage.data, name)()[..., :3])
    factor = longer / max(image.size)
    width, height = (round(side * factor) for side in image.size)
    rgb = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    return rgb[: height // CELL * CELL, : width // CELL * CELL]


class Deadline(keras.callbacks.Callback):
    """Ends the training when the minutes are over."""

    def __init__(self, minutes: float):
        super().__init__()
        self._minutes = minutes

    def on_train_begin(self, logs=None):
        self._end = time.monotonic() + 60 * self._minutes

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() > self._end:
            self.model.stop_training = True


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

    keras.utils.set_random_seed(0)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    model = build_stylizer(arguments.width)
    loss = PerceptualLoss(
        arguments.style,
        style_size=2 * arguments.side,
        style_weight=arguments.style_weight,
        weights=arguments.weights,
    )
    # XLA pays on GPUs; on CPUs it is slower than the kernels of oneDNN.
    xla = bool(tf.config.list_physical_devices("GPU"))
    model.compile(keras.optimizers.Adam(2e-3), loss, jit_compile=xla)

    unseen = picture(UNSEEN, arguments.unseen_side)[None].astype(np.float32)
    before, figures = model.predict(unseen, verbose=0), {}
    figures["untrained"] = float(loss(unseen, before))
    began = time.monotonic()
    history = model.fit(
        lessons(arguments.side, arguments.batch),
        epochs=math.ceil(arguments.steps / 50),
        steps_per_epoch=min(50, arguments.steps),
        callbacks=[Deadline(arguments.minutes), Fading(arguments.minutes)],
        shuffle=False,  # the crops come at random
        verbose=2,
    )
    figures["seconds"] = time.monotonic() - began
    figures["first_epoch"], figures["last_epoch"] = (history.history["loss"][i] for i in (0, -1))
    after = model.predict(unseen, verbose=0)
    figures["trained"] = float(loss(unseen, after))
    figures["photograph"] = float(loss(unseen, unseen))
    model.save(arguments.folder / "model.keras")
    for name, image in (("photo", unseen), ("untrained", before), ("trained", after)):
        levels = np.clip(np.rint(image[0]), 0, 255).astype(np.uint8)
        Image.fromarray(levels).save(arguments.folder / f"{name}.png")
    for name, figure in figures.items():
        print(f"{name}: {figure:.5g}")
    return figures


class Fading(keras.callbacks.Callback):
    """Lowers the learning rate to a twentieth along half a cosine over the minutes."""

    def __init__(self, minutes: float):
        super().__init__()
        self._minutes = minutes

    def on_train_begin(self, logs=None):
        self._began = time.monotonic()
        self._first = float(self.model.optimizer.learning_rate)

    def on_train_batch_end(self, batch, logs=None):
        share = min(1.0, (time.monotonic() - self._began) / (60 * self._minutes))
        rate = self._first * max(0.05, 0.5 * (1 + math.cos(math.pi * share)))
        self.model.optimizer.learning_rate.assign(rate)


if __name__ == "__main__":
    main()
