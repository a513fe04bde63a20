"""Refine a pruned network by gradient, on its teacher's activations and on its own pictures.

The error of a layer that the objective looks at, with S and T the student's activations and those
channels of the teacher's that they stand for, G their Gram matrices, is the mean over pictures of

    |S - T|² / |T|²  +  GRAM |G(S) - G(T)|² / |G(T)|²

The loss is the sum of the errors' logarithms: an error that is large anyway, as in block 5, counts
no more than one that matters as much where it is small.

A picture that is painted by the student's gradient wanders to where the student is wrong and does
not know it. So there are rounds: paint with the student as it is, add the pictures on their way to
those that it learns from, train on.
"""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from material import preprocess
from prune import Layers, Pruned, forward

from artistyle_tf import Config, Painter, Step
from artistyle_tf.network.vgg19 import STYLE_LAYERS, block_of

__all__ = ["LOOKED_AT", "paint", "refine", "save"]

LOOKED_AT = (*STYLE_LAYERS[1:], "block4_conv2")
"""Layers of the objective; block1_conv1 is the teacher's own."""

GRAM = 4.0
"""Weight of the Gram matrices' error beside the features'."""

SMALL = 0.02
"""Added to an error: below it little is to be gained."""

BATCH = 4
RATE = 3e-5
"""Of Adam, at its highest."""
WARM_UP = 20
"""Steps until it is."""

SNAPSHOTS = (12, 50)
"""Iterations of a run whose pictures are learned from; the last one is the run's end."""


Errors = tuple[tf.Tensor, tf.Tensor]
"""Relative squared errors of features and of Gram matrices."""


class Lessons:
    """Pictures, and what the teacher sees of them: computed once, kept in float16."""

    def __init__(self, teacher: Layers, kept: Pruned):
        self.teacher, self.kept = teacher, kept
        self.pictures: list[np.ndarray] = []
        self.seen: list[dict[str, np.ndarray]] = []

    def add(self, pictures: Sequence[np.ndarray]) -> None:
        """uint8 RGB pictures of one size."""
        for at in range(0, len(pictures), 8):
            part = preprocess(pictures[at : at + 8])
            found = {
                name: maps[..., self.kept[name]].astype(np.float16)
                for name, maps in forward(self.teacher, part)
                if name in LOOKED_AT
            }
            self.pictures += list(part)
            self.seen += [{k: v[i] for k, v in found.items()} for i in range(len(part))]

    def batch(self, chosen: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """[n, H, W, 3] as the network takes them; layer → [n, h, w, channels kept]."""
        pictures = np.stack([self.pictures[i] for i in chosen])
        seen = {k: np.stack([self.seen[i][k] for i in chosen]) for k in LOOKED_AT}
        return pictures, {k: v.astype(np.float32) for k, v in seen.items()}


def refine(
    student: Layers,
    kept: Pruned,
    teacher: Layers,
    pictures: Sequence[np.ndarray],
    rounds: int,
    steps: int,
    runs: int,
    rng: np.random.Generator,
    report: Callable[[str], None],
) -> Layers:
    """The student after `rounds` of `runs` painted pictures and `steps` steps of Adam each.

    Args:
      student, kept: what `prune` made of the teacher.
      pictures: uint8 RGB squares of one size, to learn from and to paint.
      rng: chooses pictures.
      report: gets a line now and then: relative errors of the features (squared) and of the Gram
        matrices, by layer.
    """
    lessons = Lessons(teacher, kept)
    lessons.add(pictures)
    report(f"{len(lessons.pictures)} pictures to learn from")
    first = {"block1_conv1": student["block1_conv1"]}
    free = {k: tuple(map(tf.Variable, pair)) for k, pair in student.items() if k not in first}
    flat = [variable for pair in free.values() for variable in pair]
    optimizer = keras.optimizers.Adam(RATE, beta_2=0.99)

    @tf.function(autograph=False)
    def step(image: tf.Tensor, targets: dict[str, tf.Tensor]) -> dict[str, Errors]:
        with tf.GradientTape() as tape:
            found = _see({**first, **free}, image)
            errors = {name: _errors(found[name], targets[name]) for name in LOOKED_AT}
            loss = tf.add_n([tf.math.log(f + GRAM * g + SMALL) for f, g in errors.values()])
        optimizer.apply_gradients(zip(tape.gradient(loss, flat), flat, strict=True))
        return errors

    def now() -> Layers:
        return first | {k: tuple(v.numpy() for v in pair) for k, pair in free.items()}

    for number in range(rounds):
        own = len(lessons.pictures)
        lessons.add(paint(now(), pictures, runs, rng))
        told: list[dict[str, np.ndarray]] = []
        for at in range(steps):
            optimizer.learning_rate = _rate(number * steps + at, rounds * steps)
            # Half of a batch is from the student's own pictures, the youngest as often as all.
            olds = rng.integers(len(pictures), size=BATCH // 2)
            news = rng.integers(
                own if rng.random() < 0.5 else len(pictures), len(lessons.pictures), size=BATCH // 2
            )
            errors = step(*lessons.batch(np.concatenate([olds, news])))
            told.append({k: np.array([f, g]) for k, (f, g) in errors.items()})
            if at == steps - 1 or at % 100 == 19:
                mean = {k: np.mean([t[k] for t in told[-20:]], 0) for k in LOOKED_AT}
                shown = (f"{k[5:]} {f:.3f}/{math.sqrt(g):.3f}" for k, (f, g) in mean.items())
                report(f"round {number + 1}, step {at + 1}: {'  '.join(shown)}")
    return now()


def paint(
    student: Layers,
    pictures: Sequence[np.ndarray],
    runs: int,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Pictures on their way: what the student paints of one in the style of another."""
    found: list[np.ndarray] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "student.npz"
        save(student, path)
        side = pictures[0].shape[0]
        painter = Painter(
            Config.preset("fast", size=side, weights=str(path), iterations=SNAPSHOTS[-1])
        )
        for _ in range(runs):
            content, style = rng.integers(len(pictures), size=2)

            def keep(step: Step) -> None:
                if step.iteration in SNAPSHOTS[:-1]:
                    found.append(step.image())

            result = painter(pictures[content], pictures[style], callback=keep)
            found.append(result.image)
    return found


def save(layers: Layers, path: Path) -> None:
    """As `--weights` takes it, float32."""
    arrays = {f"{layer}/kernel": kernel for layer, (kernel, _) in layers.items()}
    np.savez(path, **arrays, **{f"{layer}/bias": bias for layer, (_, bias) in layers.items()})


def _rate(step: int, steps: int) -> float:
    """Of Adam: up during the first steps, then down along a cosine, almost to nought."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return RATE * warm * (1 + math.cos(math.pi * step / steps)) / 2 + 1e-6


def _see(layers: Mapping[str, Any], image: tf.Tensor) -> dict[str, tf.Tensor]:
    x, block, found = image, 1, {}
    for name, (kernel, bias) in layers.items():
        if block_of(name) > block:
            block, x = block_of(name), tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
        found[name] = x
    return found


def _errors(ours: tf.Tensor, theirs: tf.Tensor) -> Errors:
    """Relative squared errors of features and of Gram matrices, means over the batch."""
    share = tf.reduce_sum((ours - theirs) ** 2, [1, 2, 3]) / tf.reduce_sum(theirs**2, [1, 2, 3])
    one, other = (tf.einsum("bhwi,bhwj->bij", x, x) for x in (ours, theirs))
    gram = tf.reduce_sum((one - other) ** 2, [1, 2]) / tf.reduce_sum(other**2, [1, 2])
    return tf.reduce_mean(share), tf.reduce_mean(gram)
