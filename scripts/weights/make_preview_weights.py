#!/usr/bin/env python3
"""Make the preview network: VGG19 with fewer channels, which paints like the full one.

    scripts/weights/make_preview_weights.py [OUTPUT] [--pictures=FOLDER] [--seed=1]

The 8-bit network that comes with the package is pruned in closed form. For each layer, in order:

1. choose channels by pivoted QR of the teacher's activations: each time the one of which most
   is left after regression on those chosen before;
2. fit the student's filter to the teacher's values before ReLU, by least squares, on the student's
   own input, so that it makes up for what the layers before got wrong. A target below nought only
   counts where the student is above it. block1_conv1, whose input is the picture, stays.

Then it is scaled, so that losses by it are as large as its teacher's. A Gram matrix is divided by
the number of channels N and the style's loss is a mean over N²; how much of it the channels kept
have depends on which they are. So it is measured: between pictures, the teacher's loss over the
student's, and the layer is multiplied by the fourth root (content: the square root, for the loss is
of second order), which the next layer's filters undo.

Last it is packed with 8 bits a number (pack_weights.py). Three minutes of one core, 5 GB of memory.
The pictures anybody has: photographs in scikit-image's wheel (the extra `dev` brings it) that are
public domain or CC0, the two samples of this repository, and pictures drawn here; --pictures adds
your own. How widths and gains were found: docs/notes/network.md.
"""

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from pack_weights import exit_status, packed
from PIL import Image, ImageDraw

from artistyle_tf import samples
from artistyle_tf.errors import InputError
from artistyle_tf.images.network_scale import BGR_MEAN
from artistyle_tf.images.read import read
from artistyle_tf.vgg.vgg19 import STYLE_LAYERS, VGG19_LAYERS, block_of
from artistyle_tf.vgg.weights import Weights, load

OUTPUT = Path(__file__).resolve().parents[2] / "artistyle_tf" / "data" / "preview_vgg19.npz"

WIDTHS = (64, 32, 128, 128, 240, 96, 96, 96, 352, 176, 128, 128, 320)
"""Channels from block1_conv1 to block5_conv1, of the teacher's 64 64 128 128 256 … 512. The layers
that losses look at keep most of theirs; those between only carry what the next ones need, and what
block 2 leaves out nothing later sees again."""

GAINS = {"block1_conv1": 4.0, "block3_conv1": 2.0, "block5_conv1": 10.0, "block4_conv2": 1.05}
"""Losses that are to be so many times the whole network's: beside block4_conv1, which is nearly all
of the style's loss, small ones come to nothing sooner where its gradient is only nearly right."""

CONTENT_LAYER = "block4_conv2"
SIDE = 128  # of the pictures to learn from, px
POSITIONS = 24_000  # that a layer is fitted at: some ten for each unknown of a filter
RIDGE = 1e-4  # of the mean eigenvalue, added to each
ROUNDS = 4  # of the fit: which targets below nought count follows from the fit before

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
    "hubble_deep_field.jpg": "NASA; public domain",
    "ihc.png": "Immunohistochemical staining, CMMI; no known restrictions",
}
"""Files of skimage/data in the wheel, and the terms its `_fetchers.py` states for each."""

Layers = dict[str, tuple[np.ndarray, np.ndarray]]
"""Layer → (kernel float32 [3, 3, in, out], bias float32 [out])."""


# Pictures


def gather(folder: Path | None) -> list[np.ndarray]:
    """The photographs, the samples and the pictures of a folder: uint8 RGB, of any size."""
    try:
        import skimage
    except ImportError:
        raise InputError("scikit-image, which has the pictures, is missing") from None
    data = Path(skimage.__file__).parent / "data"
    paths = [*(data / name for name in PHOTOGRAPHS), samples.content(), samples.style()]
    if folder:
        suffixes = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
        own = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
        if not own:
            raise InputError(f"{folder} holds no pictures")
        paths += own
    return [read(path).rgb for path in paths]


def crop(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of a picture, `side` px, mirrored or not, at a random scale.

    The whole shorter side at the most; one pixel of the picture for each of its own at the least,
    or a little less, where the picture is hardly larger than the square.
    """
    shorter = min(picture.shape[:2])
    least = min(side, 0.7 * shorter)
    taken = round(float(np.exp(rng.uniform(np.log(least), np.log(shorter)))))
    top, left = (rng.integers(edge - taken + 1) for edge in picture.shape[:2])
    square = Image.fromarray(picture[top : top + taken, left : left + taken])
    found = np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))
    return found[:, ::-1] if rng.random() < 0.5 else found


def recoloured(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Its colours turned, stretched and moved at random: a few pictures are few palettes."""
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    mix = np.eye(3) if rng.random() < 0.5 else turn
    pixels = (picture - picture.mean((0, 1))) @ mix * rng.uniform(0.6, 1.5)
    mean = picture.mean((0, 1)) + rng.normal(0, 30, 3)
    return np.clip(pixels + mean, 0, 255).round().astype(np.uint8)


def palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` colours [count, 3] scattered about a few of a picture's own."""
    few = rng.uniform(0, 255, (6, 3))
    chosen = few[rng.integers(len(few), size=count)]
    return np.clip(chosen + rng.normal(0, 18, (count, 3)), 0, 255).astype(int)


def dead_leaves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Discs that hide each other, with radii by a power law: edges and scales as in photographs."""
    image = Image.new("RGB", (2 * size, 2 * size))
    draw, count = ImageDraw.Draw(image), 1500
    radii = 2 * size * np.minimum(0.012 / np.sqrt(rng.uniform(1e-3, 1, count)), 0.25)
    centres = rng.uniform(0, 2 * size, (count, 2))
    for (x, y), r, colour in zip(centres, radii, palette(rng, count), strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(colour))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def brush_strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """Short bent strokes along a smooth field of directions."""
    image = Image.new("RGB", (2 * size, 2 * size), tuple(palette(rng, 1)[0]))
    draw, count = ImageDraw.Draw(image), 2500
    waves, phases = rng.normal(0, 2.5, (3, 2)) * np.pi / size, rng.uniform(0, 2 * np.pi, 3)
    width = int(rng.integers(max(2, size // 60), max(3, size // 20)))
    points = rng.uniform(0, 2 * size, (count, 2))
    for point, colour in zip(points, palette(rng, count), strict=True):
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
    mixed = mix * palette(rng, cells)[owner] + (1 - mix) * palette(rng, cells)[owner]
    return mixed.astype(np.uint8)


def lessons(folder: Path | None, side: int, rng: np.random.Generator) -> np.ndarray:
    """Photographs, paintings and drawn pictures, cut out, recoloured, blended with each other and
    with noise: float32 [n, side, side, 3], BGR, mean subtracted."""
    found = [crop(picture, side, rng) for picture in gather(folder) for _ in range(6)]
    found += [recoloured(picture, rng) for picture in found[::2]]
    found += [kind(side, rng) for kind in (dead_leaves, brush_strokes, gratings) for _ in range(6)]
    others = rng.permutation(len(found))
    blends = [(found[i] // 2 + found[j] // 2) for i, j in enumerate(others[::6])]
    noise = rng.integers(0, 256, (len(found[::6]), side, side, 3))
    noisy = [((p.astype(int) + n) // 2) for p, n in zip(found[::6], noise, strict=True)]
    rgb = np.stack([*found, *blends, *noisy]).astype(np.uint8)
    return rgb[..., ::-1].astype(np.float32) - np.asarray(BGR_MEAN, np.float32)


# Pruning


def prune(
    teacher: Mapping[str, tuple[np.ndarray, np.ndarray]],
    widths: Mapping[str, int],
    pictures: np.ndarray,
    rng: np.random.Generator,
    report: Callable[[str], None],
) -> Layers:
    """The student, with as many channels a layer as `widths` says.

    Args:
      teacher: layer → (kernel, bias), from block1_conv1 on.
      widths: layer → channels to keep, for each of the teacher's layers.
      pictures: [n, H, W, 3] float32 BGR, mean subtracted, H and W multiples of 16.
      rng: chooses the positions that a layer is fitted at.
      report: gets a line for each layer.
    """
    student: Layers = {}
    theirs = ours = pictures
    block = 1
    for name, (kernel, bias) in teacher.items():
        if block_of(name) > block:
            block, theirs, ours = block_of(name), pool(theirs), pool(ours)
        before = convolve(theirs, kernel, bias)
        inputs, theirs = ours, np.maximum(before, 0)
        total = theirs[..., 0].size
        picked = rng.choice(total, POSITIONS, False) if total > POSITIONS else np.arange(total)
        where = np.unravel_index(picked, theirs.shape[:3])
        kept = choose(theirs[where], widths[name])
        if name == "block1_conv1" and widths[name] == kernel.shape[-1]:
            student[name] = kernel, bias
            told = "as it is"
        else:
            targets, patches = before[where][:, kept], patches_at(inputs, where)
            filters = fit(patches, targets)
            made, wanted = np.maximum(patches @ filters[:-1] + filters[-1], 0), targets.clip(0)
            told = f"{np.sum((made - wanted) ** 2) / np.sum(wanted**2):.1%} unexplained"
            shape = (3, 3, inputs.shape[-1], len(kept))
            student[name] = filters[:-1].reshape(shape), filters[-1]
        ours = np.maximum(convolve(inputs, *student[name]), 0)
        report(f"{name}  {len(kept)} of {kernel.shape[-1]} channels  {told}")
    return student


def choose(activations: np.ndarray, count: int) -> list[int]:
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
    return sorted(chosen)


def fit(patches: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """[inputs + 1, outputs] float32, the bias last: max(0, patches · w + b) ≈ max(0, targets)."""
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


def patches_at(maps: np.ndarray, where: tuple[np.ndarray, ...]) -> np.ndarray:
    """3×3 patches around the positions, nought beyond the border: [positions, 9 · channels]."""
    picture, row, column = where
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifts = [padded[picture, row + dy, column + dx] for dy in range(3) for dx in range(3)]
    return np.concatenate(shifts, 1)


def convolve(maps: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Before ReLU; a few pictures at a time."""
    import tensorflow as tf

    parts = (maps[at : at + 4] for at in range(0, len(maps), 4))
    return np.concatenate([tf.nn.conv2d(p, kernel, 1, "SAME").numpy() + bias for p in parts])


def pool(maps: np.ndarray) -> np.ndarray:
    n, height, width, channels = maps.shape
    return maps.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def forward(layers: Layers, pictures: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Layer and activations after ReLU [n, H, W, channels], one after the other."""
    maps, block = pictures, 1
    for name, (kernel, bias) in layers.items():
        if block_of(name) > block:
            block, maps = block_of(name), pool(maps)
        maps = np.maximum(convolve(maps, kernel, bias), 0)
        yield name, maps


# Scaling


def losses(layers: Layers, pictures: np.ndarray) -> dict[str, float]:
    """Layer → its loss between each picture and the next, mean."""
    found = {}
    for name, maps in forward(layers, pictures):
        if name in STYLE_LAYERS:
            flat = maps.reshape(len(maps), -1, maps.shape[-1])
            maps = np.matmul(flat.transpose(0, 2, 1), flat) / flat[0].size
        if name in (*STYLE_LAYERS, CONTENT_LAYER):
            found[name] = float(np.mean((maps - np.roll(maps, 1, 0)) ** 2))
    return found


def balanced(
    student: Layers, teacher: Layers, pictures: np.ndarray, gains: Mapping[str, float]
) -> tuple[Layers, dict[str, float]]:
    """The student with its layers scaled, and by what.

    Args:
      gains: layer → how many times the teacher's loss its own is to be; 1 where none is given.
    """
    ours, theirs = losses(student, pictures), losses(teacher, pictures)
    factors = {
        name: (gains.get(name, 1) * theirs[name] / ours[name]) ** (1 / order)
        for name, order in [*((layer, 4) for layer in STYLE_LAYERS), (CONTENT_LAYER, 2)]
    }
    return scaled(student, factors), factors


def scaled(layers: Layers, factors: Mapping[str, float]) -> Layers:
    """Activations times the factor of their layer; those of other layers stay as they are."""
    made, before = {}, 1.0
    for name, (kernel, bias) in layers.items():
        factor = factors.get(name, 1.0)
        kernel = (kernel * (factor / before)).astype(np.float32)
        made[name], before = (kernel, (bias * factor).astype(np.float32)), factor
    return made


def make(folder: Path | None, seed: int) -> bytes:
    """The file; says what it does."""
    began = time.perf_counter()

    def report(text: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {text}", flush=True)

    rng = np.random.default_rng(seed)
    teacher = dict(load("imagenet-8bit").layers)
    pictures = lessons(folder, SIDE, rng)
    report(f"{len(pictures)} pictures")
    widths = dict(zip(VGG19_LAYERS, WIDTHS, strict=False))
    student = prune(teacher, widths, pictures, rng, report)
    student, factors = balanced(student, teacher, pictures[::4], GAINS)
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
    asked = parser.parse_args(argv)
    work = functools.partial(make, asked.pictures, asked.seed)
    return exit_status("make_preview_weights.py", asked.output, work)


if __name__ == "__main__":
    sys.exit(main())
