"""Learn the preview weights: a narrow VGG19 without labels, gradients or another network.

    python scripts/weights/learn_preview_weights.py [--output FILE] [--seed N]

The network has the shape of VGG19 up to block5_conv1 (3x3 kernels, zero 'same' padding, ReLU, 2x2
pooling between the blocks) with fewer channels. It is learned layer by layer. For each layer:

1. take 3x3 patches of the layer before it, over all the pictures;
2. whiten them partly: small eigenvalues of their covariance are held up by a share of the mean one;
3. cluster their directions (spherical k-means): each centre becomes a filter;
4. give each filter the bias with which it fires on a set share of the patches;
5. scale the layer so that its mean activation is what the ImageNet VGG19 has there, and the layers
   that style is taken from by the root of their share of the channels as well: Gram matrices are
   divided by the number of channels, so that one set of loss weights then serves both. A gain on
   top of that keeps any layer from outweighing the others (see `GAINS`).

What else was tried, and how it was judged: docs/weights.md.

No filter and no activation of another network is used; the only figures from outside are the eight
published mean activations in `MEAN_ACTIVATION`. The pictures are photographs inside scikit-image's
wheel that are public domain or CC0 (see `PHOTOGRAPHS`) and pictures that this script draws.
Only NumPy and Pillow compute here: the same seed on the same machine gives the same bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

DEFAULT_OUTPUT = Path(__file__).resolve().parents[2] / "artistyle_tf" / "data" / "preview_vgg19.npz"

# Files of skimage/data in the wheel, and the terms its `_fetchers.py` states for each.
PHOTOGRAPHS = {
    "astronaut.png": "Eileen Collins, NASA; public domain",
    "coffee.png": "Rachel Michetti, Pikolo Espresso Bar; CC0",
    "chelsea.png": "Stefan van der Walt; CC0",
    "rocket.jpg": "DSCOVR launch, SpaceX; public domain",
    "retina.jpg": "Mikael Häggström; CC0",
    "camera.png": "Lav Varshney; CC0",
    "brick.png": "CC0Textures; CC0",
    "gravel.png": "CC0Textures; CC0",
    "grass.png": "linolafett, DeviantArt; CC0",
}

BGR_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # what Keras's VGG19 subtracts

# Mean activation of each layer. Blocks 1-3: published figures, measured with the ImageNet weights.
# Blocks 4-5 are a choice, not a measurement: conv3_4's level once more, then falling to the top.
MEAN_ACTIVATION = {
    "block1_conv1": 27.0,
    "block1_conv2": 131.0,
    "block2_conv1": 145.0,
    "block2_conv2": 120.0,
    "block3_conv1": 145.0,
    "block3_conv2": 172.0,
    "block3_conv3": 340.0,
    "block3_conv4": 452.0,
    "block4_conv1": 450.0,
    "block4_conv2": 300.0,
    "block4_conv3": 200.0,
    "block4_conv4": 150.0,
    "block5_conv1": 100.0,
}


GAINS = {
    "block1_conv1": 2.0,
    "block2_conv1": 1.4,
    "block3_conv1": 2.0,
    "block4_conv1": 0.6,
    "block4_conv2": 0.4,
}
"""Factors on the means of the layers that losses look at: a style term goes with their fourth
power, the content with its square. Without them block4_conv1 is nine tenths of the style."""

FULL_WIDTHS = (64, 128, 256, 512, 512)
"""Channels of VGG19 in blocks 1 to 5."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything the weights depend on, besides the pictures."""

    widths: tuple[int, int, int, int, int] = (32, 64, 80, 128, 128)
    """Channels of the layers in blocks 1 to 5."""
    epsilon: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 0.2, 0.2)
    """Whitening: this share of the mean eigenvalue is added to each, by block."""
    firing_rate: tuple[float, float, float, float, float] = (0.98, 0.95, 0.98, 0.95, 0.95)
    """Share of patches on which each filter is above zero, by block."""
    patches: int = 30_000
    """Patches drawn for each layer."""
    rounds: int = 12
    """Rounds of k-means."""
    picture_size: int = 224
    """Side of the square pictures to learn from."""
    drawn: int = 2
    """How many pictures of each drawn kind join the photographs."""
    seed: int = 1


def photographs(size: int) -> list[np.ndarray]:
    """Each photograph whole (shorter side = `size`) and as a detail at twice that scale."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    pictures = []
    for name in PHOTOGRAPHS:
        with Image.open(folder / name) as file:
            image = file.convert("RGB")
        for side in (size, 2 * size):
            scale = side / min(image.size)
            width, height = (max(side, round(edge * scale)) for edge in image.size)
            resized = image.resize((width, height), Image.Resampling.LANCZOS)
            left, top = (width - size) // 2, (height - size) // 2
            pictures.append(np.asarray(resized.crop((left, top, left + size, top + size))))
    return pictures


def _colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` colours [count, 3] scattered about a few of a picture's own."""
    palette = rng.uniform(0, 255, (6, 3))
    chosen = palette[rng.integers(len(palette), size=count)]
    return np.clip(chosen + rng.normal(0, 18, (count, 3)), 0, 255).astype(int)


def dead_leaves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Discs that hide each other, with radii by a power law: edges and scales as in photographs."""
    image = Image.new("RGB", (2 * size, 2 * size))
    draw = ImageDraw.Draw(image)
    count = 1500
    radii = 2 * size * np.minimum(0.012 / np.sqrt(rng.uniform(1e-3, 1, count)), 0.25)
    centres = rng.uniform(0, 2 * size, (count, 2))
    for (x, y), r, colour in zip(centres, radii, _colours(rng, count), strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(colour))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def brush_strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """Short bent strokes along a smooth field of directions."""
    image = Image.new("RGB", (2 * size, 2 * size), tuple(_colours(rng, 1)[0]))
    draw = ImageDraw.Draw(image)
    count = 2500
    waves = rng.normal(0, 2.5, (3, 2)) * np.pi / size
    phases = rng.uniform(0, 2 * np.pi, 3)
    width = int(rng.integers(max(2, size // 60), max(3, size // 20)))
    for point, colour in zip(
        rng.uniform(0, 2 * size, (count, 2)), _colours(rng, count), strict=True
    ):
        path = [tuple(point)]
        for _ in range(6):
            angle = np.pi * np.sin(waves @ point + phases).sum()
            point = point + width * np.array([np.cos(angle), np.sin(angle)])
            path.append(tuple(point))
        draw.line(path, fill=tuple(colour), width=width, joint="curve")
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def gratings(size: int, rng: np.random.Generator) -> np.ndarray:
    """A mosaic of sinusoids of many directions, wavelengths and colour pairs."""
    y, x = np.mgrid[:size, :size].astype(float)
    cells = 24
    centres = rng.uniform(0, size, (cells, 2))
    owner = ((x[..., None] - centres[:, 0]) ** 2 + (y[..., None] - centres[:, 1]) ** 2).argmin(-1)
    angles = rng.uniform(0, np.pi, cells)[owner]
    wavelengths = 2 ** rng.uniform(1.5, 5.5, cells)[owner]
    phase = 2 * np.pi * (x * np.cos(angles) + y * np.sin(angles)) / wavelengths
    mix = 0.5 + 0.5 * np.sin(phase)[..., None]
    mixed = mix * _colours(rng, cells)[owner] + (1 - mix) * _colours(rng, cells)[owner]
    return mixed.astype(np.uint8)


def drawn_pictures(size: int, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """`count` pictures of each kind, uint8 RGB [size, size, 3]."""
    kinds = (dead_leaves, brush_strokes, gratings)
    return [kind(size, rng) for kind in kinds for _ in range(count)]


def preprocess(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 RGB pictures of one size -> float32 [n, H, W, 3], BGR, mean subtracted."""
    return np.stack(pictures)[..., ::-1].astype(np.float32) - BGR_MEAN


def convolve(maps: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """ReLU of a 3x3 convolution with zero 'same' padding; maps are [n, H, W, channels]."""
    _, height, width, _ = maps.shape
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    out = np.broadcast_to(bias.astype(np.float32), (*maps.shape[:3], bias.size)).copy()
    for dy in range(3):
        for dx in range(3):
            out += padded[:, dy : dy + height, dx : dx + width] @ kernel[dy, dx].astype(np.float32)
    return np.maximum(out, 0, out=out)


def max_pool(maps: np.ndarray) -> np.ndarray:
    """2x2 maxima; an odd last row or column is dropped, as 'valid' pooling does."""
    n, height, width, channels = maps.shape
    even = maps[:, : height // 2 * 2, : width // 2 * 2]
    return even.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def sample_patches(maps: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """3x3 patches that lie inside the maps, as rows [count, 9 * channels]."""
    n, height, width, channels = maps.shape
    index = rng.integers(n, size=count)
    top = rng.integers(height - 2, size=count)
    left = rng.integers(width - 2, size=count)
    shifts = [maps[index, top + dy, left + dx] for dy in range(3) for dx in range(3)]
    return np.stack(shifts, axis=1).reshape(count, 9 * channels)


def spherical_kmeans(
    rows: np.ndarray, count: int, rounds: int, rng: np.random.Generator
) -> np.ndarray:
    """`count` unit vectors [count, d] about which the directions of `rows` cluster."""
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    centres = rows[rng.choice(len(rows), count, replace=False)]
    for _ in range(rounds):
        owner = (rows @ centres.T).argmax(1)
        member = (owner[:, None] == np.arange(count)).astype(rows.dtype)
        sums = member.T @ rows
        empty = ~member.any(0)
        sums[empty] = rows[rng.choice(len(rows), int(empty.sum()))]
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
    return centres


def learn_layer(
    maps: np.ndarray, layer: str, recipe: Recipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel [3, 3, channels, width] (float16) and bias [width] (float32) of the next layer."""
    block = int(layer[5]) - 1
    width = recipe.widths[block]
    patches = sample_patches(maps, recipe.patches, rng)
    centred = patches - patches.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    gains = 1 / np.sqrt(np.maximum(values, 0) + recipe.epsilon[block] * values.mean())
    whiten = (vectors * gains) @ vectors.T
    centres = spherical_kmeans(centred @ whiten, width, recipe.rounds, rng)

    filters = whiten @ centres.T
    responses = patches @ filters
    bias = -np.quantile(responses, 1 - recipe.firing_rate[block], axis=0)
    scale = target_mean(layer, width) / np.maximum(responses + bias, 0).mean()
    kernel = (scale * filters).reshape(3, 3, maps.shape[-1], width)
    return kernel.astype(np.float16), (scale * bias).astype(np.float32)


def target_mean(layer: str, width: int) -> float:
    """The mean activation that a layer of this width is scaled to.

    G / (N M) of features with a given mean is the larger the fewer channels N share it.
    """
    mean = MEAN_ACTIVATION[layer] * GAINS.get(layer, 1)
    if layer.endswith("conv1"):
        mean *= np.sqrt(width / FULL_WIDTHS[int(layer[5]) - 1])
    return float(mean)


def learn(pictures: Sequence[np.ndarray], recipe: Recipe) -> dict[str, np.ndarray]:
    """All weights, as '<layer>/kernel' and '<layer>/bias'."""
    rng = np.random.default_rng(recipe.seed)
    maps = preprocess(pictures)
    weights: dict[str, np.ndarray] = {}
    block = "block1"
    for layer in MEAN_ACTIVATION:
        if not layer.startswith(block):
            block = layer.split("_")[0]
            maps = max_pool(maps)
        kernel, bias = learn_layer(maps, layer, recipe, rng)
        weights[f"{layer}/kernel"], weights[f"{layer}/bias"] = kernel, bias
        maps = convolve(maps, kernel, bias)
    return weights


def save(weights: Mapping[str, np.ndarray], path: Path) -> None:
    """Write an .npz. NumPy dates each member 1980-01-01, so equal weights give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **weights)


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Learn the preview weights.")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    arguments = parser.parse_args(argv)

    start = time.perf_counter()
    recipe = Recipe(seed=arguments.seed)
    pictures = photographs(recipe.picture_size)
    rng = np.random.default_rng(recipe.seed)
    pictures += drawn_pictures(recipe.picture_size, recipe.drawn, rng)
    save(learn(pictures, recipe), arguments.output)
    size = arguments.output.stat().st_size / 2**20
    print(f"{arguments.output}: {size:.2f} MiB in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
