"""Pictures that the preview network is made from: photographs, paintings, and drawn ones.

All of it anybody has: photographs in scikit-image's wheel that are public domain or CC0, the two
samples of this repository, and pictures drawn here. A folder of one's own may join them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from artistyle_tf.errors import InputError
from artistyle_tf.images.network_scale import BGR_MEAN
from artistyle_tf.images.read import read

__all__ = ["PHOTOGRAPHS", "crop", "drawn", "gather", "preprocess", "recoloured"]

SAMPLES = Path(__file__).resolve().parents[2] / "artistyle_tf" / "samples"

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
    "hubble_deep_field.jpg": "NASA; public domain",
    "ihc.png": "Immunohistochemical staining, CMMI; no known restrictions",
}

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")


def gather(folder: Path | None = None) -> list[np.ndarray]:
    """The photographs, the samples and the pictures of a folder: uint8 RGB, of any size.

    Raises:
      InputError: scikit-image is missing, or a picture can't be read.
    """
    try:
        import skimage
    except ImportError:
        raise InputError("scikit-image, which has the pictures, is missing") from None
    data = Path(skimage.__file__).parent / "data"
    paths = [data / name for name in PHOTOGRAPHS]
    paths += [SAMPLES / "content.jpg", SAMPLES / "style.jpg"]
    if folder:
        own = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
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


def preprocess(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 RGB pictures of one size -> float32 [n, H, W, 3], BGR, mean subtracted."""
    return np.stack(pictures)[..., ::-1].astype(np.float32) - np.asarray(BGR_MEAN, np.float32)


# Drawn pictures


def drawn(size: int, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """`count` pictures of each kind, uint8 RGB [size, size, 3]."""
    kinds: tuple[Callable[[int, np.random.Generator], np.ndarray], ...]
    kinds = (_dead_leaves, _brush_strokes, _gratings)
    return [kind(size, rng) for kind in kinds for _ in range(count)]


def _colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` colours [count, 3] scattered about a few of a picture's own."""
    palette = rng.uniform(0, 255, (6, 3))
    chosen = palette[rng.integers(len(palette), size=count)]
    return np.clip(chosen + rng.normal(0, 18, (count, 3)), 0, 255).astype(int)


def _dead_leaves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Discs that hide each other, with radii by a power law: edges and scales as in photographs."""
    image = Image.new("RGB", (2 * size, 2 * size))
    draw = ImageDraw.Draw(image)
    count = 1500
    radii = 2 * size * np.minimum(0.012 / np.sqrt(rng.uniform(1e-3, 1, count)), 0.25)
    centres = rng.uniform(0, 2 * size, (count, 2))
    for (x, y), r, colour in zip(centres, radii, _colours(rng, count), strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(colour))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def _brush_strokes(size: int, rng: np.random.Generator) -> np.ndarray:
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


def _gratings(size: int, rng: np.random.Generator) -> np.ndarray:
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
