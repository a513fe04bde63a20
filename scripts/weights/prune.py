"""Prune a VGG19 in closed form: fewer channels, refitted layer by layer by least squares.

For each layer, in order:

1. choose channels by pivoted QR of the teacher's activations: each time the one of which most
   is left after regression on those chosen before;
2. fit the student's filter to the teacher's values before ReLU, on the student's own input, so
   that it makes up for what the layers before got wrong. A target below nought only counts where
   the student is above it.

A layer that keeps all its channels has nothing to choose but is refitted too, but for the first.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from artistyle_tf.vgg.vgg19 import block_of

__all__ = ["Layers", "Pruned", "choose", "fit", "forward", "prune"]

Layers = dict[str, tuple[np.ndarray, np.ndarray]]
"""Layer → (kernel float32 [3, 3, in, out], bias float32 [out])."""

Pruned = dict[str, tuple[int, ...]]
"""Layer → which of the teacher's channels the student's stand for, ascending."""

SAMPLES = 24_000
"""Positions that a layer is fitted at: some ten for each unknown of a filter."""

RIDGE = 1e-4
"""Of the mean eigenvalue, added to each."""

ROUNDS = 4
"""Of the fit: which targets below nought count follows from the fit before."""


def prune(
    teacher: Mapping[str, tuple[np.ndarray, np.ndarray]],
    widths: Mapping[str, int],
    pictures: np.ndarray,
    rng: np.random.Generator,
    report: Callable[[str], None],
) -> tuple[Layers, Pruned]:
    """The student, and the channels that it stands for.

    Args:
      teacher: layer → (kernel, bias), from block1_conv1 on.
      widths: layer → channels to keep, for each of the teacher's layers.
      pictures: [n, H, W, 3] float32 BGR, mean subtracted, H and W multiples of 16.
      rng: chooses the positions.
      report: gets a line for each layer.
    """
    student: Layers = {}
    kept: Pruned = {}
    theirs = ours = pictures
    block = 1
    for name, (kernel, bias) in teacher.items():
        if block_of(name) > block:
            block, theirs, ours = block_of(name), _pool(theirs), _pool(ours)
        before = _convolve(theirs, kernel, bias)
        inputs, theirs = ours, np.maximum(before, 0)
        where = _positions(theirs.shape, rng)
        kept[name] = choose(theirs[where], widths[name])
        if name == "block1_conv1" and widths[name] == kernel.shape[-1]:
            student[name] = kernel, bias  # its input is the picture itself
            told = "as it is"
        else:
            targets = before[where][:, kept[name]]
            patches = _patches(inputs, where)
            filters = fit(patches, targets)
            share = _error(patches @ filters[:-1] + filters[-1], targets)
            shape = (3, 3, inputs.shape[-1], len(kept[name]))
            student[name] = filters[:-1].reshape(shape), filters[-1]
            told = f"{share:.1%} unexplained"
        ours = np.maximum(_convolve(inputs, *student[name]), 0)
        report(f"{name}  {len(kept[name])} of {kernel.shape[-1]} channels  {told}")
    return student, kept


def choose(activations: np.ndarray, count: int) -> tuple[int, ...]:
    """`count` channels of [positions, channels] by pivoted QR, ascending.

    With all inner products at hand it is a Cholesky decomposition with pivots.
    """
    rest = activations.T.astype(np.float64) @ activations
    chosen: list[int] = []
    for _ in range(min(count, len(rest))):
        energy = np.diag(rest).copy()
        energy[chosen] = -np.inf
        chosen.append(int(energy.argmax()))
        column = rest[:, chosen[-1]]
        if energy.max() > 0:
            rest = rest - np.outer(column, column) / column[chosen[-1]]
    return tuple(sorted(chosen))


def fit(patches: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """[inputs + 1, outputs] float32, the bias last: max(0, patches · w + b) ≈ max(0, targets).

    Args:
      patches: [positions, inputs].
      targets: [positions, outputs], before ReLU.
    """
    rows = np.concatenate([patches, np.ones((len(patches), 1), patches.dtype)], 1)
    square = (rows.T @ rows).astype(np.float64)
    square[np.diag_indices_from(square)] += RIDGE * np.trace(square) / len(square)
    factor = np.linalg.inv(square)
    wanted = targets
    for _ in range(ROUNDS):
        filters = (factor @ (rows.T @ wanted).astype(np.float64)).astype(np.float32)
        made = rows @ filters
        wanted = np.where((targets <= 0) & (made <= 0), made, targets)
    return filters


def forward(layers: Layers, pictures: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Layer and activations after ReLU [n, H, W, channels], one after the other."""
    maps, block = pictures, 1
    for name, (kernel, bias) in layers.items():
        if block_of(name) > block:
            block, maps = block_of(name), _pool(maps)
        maps = np.maximum(_convolve(maps, kernel, bias), 0)
        yield name, maps


def _error(made: np.ndarray, targets: np.ndarray) -> float:
    """|difference|² / |targets|², both after ReLU."""
    made, targets = np.maximum(made, 0), np.maximum(targets, 0)
    return float(np.sum((made - targets) ** 2) / np.sum(targets**2))


def _positions(
    shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where to look: (picture, row, column), each [SAMPLES]; all of them if they are fewer."""
    n, height, width, _ = shape
    total = n * height * width
    picked = rng.choice(total, SAMPLES, replace=False) if total > SAMPLES else np.arange(total)
    return np.unravel_index(picked, (n, height, width))


def _patches(maps: np.ndarray, where: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """3×3 patches around the positions, nought beyond the border: [positions, 9 · channels]."""
    picture, row, column = where
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifts = [padded[picture, row + dy, column + dx] for dy in range(3) for dx in range(3)]
    return np.concatenate(shifts, 1)


def _convolve(maps: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Before ReLU; a few pictures at a time."""
    parts = (maps[at : at + 4] for at in range(0, len(maps), 4))
    return np.concatenate([tf.nn.conv2d(p, kernel, 1, "SAME").numpy() + bias for p in parts])


def _pool(maps: np.ndarray) -> np.ndarray:
    n, height, width, channels = maps.shape
    return maps.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
