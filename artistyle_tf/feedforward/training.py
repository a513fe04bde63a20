"""Training of an image transformation network with `PerceptualLoss`, by Keras' `fit` on crops."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.config.validation import integer, number
from artistyle_tf.errors import ConfigError
from artistyle_tf.feedforward.transform_net import CELL, build_transform_net, check_not_frozen
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import resize, scale_to
from artistyle_tf.keras_losses.perceptual import PerceptualLoss
from artistyle_tf.vgg.weights import Weights

EPOCH = 50  # steps, over which each value of the history is averaged

LEARNING_RATE = 2e-3
SCALES = (2, 3)  # longer sides of the pictures, as multiples of the crops' side


class Trained(NamedTuple):
    """The result of training."""

    model: keras.Model
    """The trained network, compiled with its `PerceptualLoss`."""
    history: dict[str, list[float]]
    """As in Keras: "loss" → mean over each epoch of 50 steps."""


def train_transform_net(
    style: Any,
    pictures: Any,
    *,
    minutes: float | None = 5.0,
    steps: int | None = None,
    side: int = 128,
    batch: int = 4,
    weights: str | Weights = Config.weights,
    style_weight: float = 1.0,
    seed: int = 0,
    model: keras.Model | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = 0,
) -> Trained:
    """Trains an image transformation network to repaint pictures in the given style.

    Uses Adam at 2e-3, decayed towards the end. With `steps` given, `minutes` None and the same
    seed, results are reproducible up to rounding.

    Args:
      style: a picture, or a list of them, as for `PerceptualLoss`. It is scaled to a longer side of
        twice `side`.
      pictures: training data: a list of paths, PIL images or uint8 arrays [H, W, 3]. Each is held
        in memory at longer sides of twice and three times `side`, about 0.5 MB for 128.
      minutes: time limit for training, including tracing of the graph; None: no limit.
      steps: maximum number of steps, of one batch each; None: no limit.
      side: side of the crops in px, a multiple of 4.
      batch: crops in a batch.
      weights: weights of the loss's VGG19, as in `Config`.
      style_weight: β. A single pass needs less than optimisation, for which the default is 60.
      seed: seed for the initial weights and the crops.
      model: a model to train further, from RGB 0-255 to the same; None: `build_transform_net()`.
      callbacks, verbose: passed to Keras' `fit`.

    Raises:
      ConfigError: an invalid setting, as for `build_transform_net`.
      InputError: a picture or weights that can't be used.
    """
    check_not_frozen()
    side = integer("side", side, 16, 4096)
    if side % CELL:
        raise ConfigError(f"side is {side}; it must be a multiple of {CELL} px")
    deadline = Deadline(minutes=minutes, steps=steps)
    dataset = crops(pictures, side, batch, seed)
    loss = PerceptualLoss(style, style_size=2 * side, style_weight=style_weight, weights=weights)
    if model is None:
        model = build_transform_net(seed=seed)
    # XLA pays on GPUs; on CPUs it is slower than the kernels of oneDNN.
    xla = bool(tf.config.list_physical_devices("GPU"))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, jit_compile=xla)
    history = model.fit(
        dataset,
        epochs=math.ceil((steps or 10**8) / EPOCH),
        steps_per_epoch=min(EPOCH, steps or EPOCH),
        callbacks=[deadline, *callbacks],
        shuffle=False,  # the crops are random already
        verbose=verbose,
    )
    return Trained(model, history.history)


def crops(pictures: Any, side: int, batch: int, seed: int = 0) -> tf.data.Dataset:
    """Infinite batches of random crops, as pairs: each input is also the content target.

    Args:
      pictures: a list of paths, PIL images or uint8 arrays [H, W, 3], each used at two scales.
      side: side of the crops in px; half of the crops are mirrored.
      batch: crops in a batch.
      seed: random seed; each iterator starts from it again.

    Returns:
      A dataset of (crops, the same), float32 [batch, side, side, 3] RGB, 0-255.

    Raises:
      ConfigError: no pictures, or an invalid number.
      InputError: a picture that can't be used.
    """
    integer("batch", batch, 1, 4096)
    integer("seed", seed, 0, 2**63 - 1)
    given = list(pictures) if isinstance(pictures, list | tuple) else [pictures]
    if not given:
        raise ConfigError("pictures is empty; name at least one to learn from")
    scaled = [_scale(read(one).rgb, side, scale) for one in given for scale in SCALES]

    def draw() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng(seed)
        while True:
            rgb = scaled[rng.integers(len(scaled))]
            top, left = (rng.integers(whole - side + 1) for whole in rgb.shape[:2])
            crop = rgb[top : top + side, left : left + side]
            crop = (crop[:, ::-1] if rng.integers(2) else crop).astype(np.float32)
            yield crop, crop

    spec = tf.TensorSpec([side, side, 3])
    dataset = tf.data.Dataset.from_generator(draw, output_signature=(spec, spec))
    return dataset.batch(batch, drop_remainder=True)


class Deadline(keras.callbacks.Callback):
    """Ends the training after that many minutes or steps, whichever comes first.

    Towards the end, the learning rate decays along a half cosine to a twentieth.

    Raises:
      ConfigError: neither is given, or one is invalid.
    """

    def __init__(self, minutes: float | None = None, steps: int | None = None):
        super().__init__()
        if minutes is None and steps is None:
            raise ConfigError("minutes and steps are both None; one must say when training ends")
        self._seconds = 60 * number("minutes", minutes, 0, 1e6) if minutes is not None else math.inf
        self._steps = integer("steps", steps, 1, 10**8) if steps is not None else math.inf
        self._began, self._done, self._rate = 0.0, 0, LEARNING_RATE

    def on_train_begin(self, logs: Any = None) -> None:
        self._began, self._done = time.monotonic(), 0
        self._rate = float(self.model.optimizer.learning_rate)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._done += 1
        passed = time.monotonic() - self._began
        share = max(self._done / self._steps, passed / self._seconds if self._seconds else 1.0)
        faded = max(0.05, 0.5 * (1 + math.cos(math.pi * min(1.0, share))))
        self.model.optimizer.learning_rate.assign(self._rate * faded)
        if share >= 1:
            self.model.stop_training = True


def _scale(rgb: np.ndarray, side: int, scale: int) -> np.ndarray:
    """Scaled to a longer side of `scale` crops, and a shorter one of at least one crop."""
    height, width = rgb.shape[:2]
    longer = max(scale * side, side * max(height, width) / min(height, width))
    return resize(rgb, scale_to((height, width), longer))
