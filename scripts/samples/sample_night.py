"""The style sample: thick strokes along a swirling flow, drawn with NumPy and Pillow from a seed.

Everything is laid out on a page of 640 x 480 units, drawn larger and scaled down.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

PAGE = (640, 480)
# The style picture.

PALETTE = np.array(
    [
        (24, 26, 74),  # indigo
        (32, 66, 148),  # cobalt
        (36, 128, 160),  # turquoise
        (106, 170, 150),  # verdigris
        (240, 200, 96),  # gold
        (250, 236, 190),  # cream
        (226, 112, 44),  # orange
        (168, 42, 52),  # crimson
        (70, 34, 78),  # plum
    ],
    np.float32,
)
LIGHTS = ((470.0, 120.0, 1.25), (170.0, 96.0, 0.8), (318.0, 214.0, 0.62), (66.0, 226.0, 0.5))
SHORE = 330.0


def flow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Direction of the strokes, an angle: round the lights in the sky, along the furrows below."""
    u = 1.0 + 0 * x
    v = 0.5 * np.cos(x / 74) + 0.3 * np.sin(y / 41)
    for turn, (cx, cy, strength) in zip((1, -1, 1, -1), LIGHTS, strict=True):
        dx, dy = x - cx, y - cy
        pull = 4.2 * strength * np.exp(-(dx**2 + dy**2) / (2 * (88 * strength**0.5) ** 2))
        norm = np.hypot(dx, dy) + 1e-3
        u, v = u - turn * pull * dy / norm, v + turn * pull * dx / norm
    furrow = 0.28 * np.cos((x + 0.8 * y) / 60) + 0.12 * np.sin(x / 23)
    return np.where(y > shore(x), furrow, np.arctan2(v, u))


def shore(x: np.ndarray) -> np.ndarray:
    """Where the hills meet the sky."""
    return SHORE + 26 * np.sin(x / 92 + 0.6) + 9 * np.sin(x / 33)


def plan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which paint goes where: a position in PALETTE, fractions between two paints."""
    tone = 1.2 + 0.75 * np.sin(x / 58 + y / 27 + 1.6 * np.sin(y / 52)) + 0.35 * np.sin(x / 21)
    for cx, cy, strength in LIGHTS:
        radius = np.hypot(x - cx, y - cy) / (92 * strength**0.5)
        tone += 4.2 * np.exp(-((radius * 1.35) ** 2)) * (0.78 + 0.3 * np.cos(radius * 11))
    ground = 6.7 + 1.1 * np.sin((y - shore(x)) / 12 + 1.2 * np.sin(x / 47)) + 0.6 * np.sin(x / 29)
    return np.clip(np.where(y > shore(x), ground, np.minimum(tone, 5.0)), 0, len(PALETTE) - 1)


def mix(tone: np.ndarray) -> np.ndarray:
    """Colours [..., 3] for positions in PALETTE."""
    return np.stack([np.interp(tone, range(len(PALETTE)), PALETTE[:, k]) for k in range(3)], -1)


def follow(starts: np.ndarray, length: float, steps: int = 8) -> np.ndarray:
    """Paths [count, steps + 1, 2] along `flow` from each start."""
    path = [starts]
    for _ in range(steps):
        angle = flow(path[-1][:, 0], path[-1][:, 1])
        path.append(path[-1] + length / steps * np.stack([np.cos(angle), np.sin(angle)], -1))
    return np.stack(path, axis=1)


def draw(width: int = PAGE[0], seed: int = 3) -> Image.Image:
    """The painting, `width` pixels wide: thick strokes along `flow` in the paints of `plan`.

    A stroke is a bundle of bristles, each with its own shade and height. The heights make a relief
    that is lit from above left in the end.
    """
    rng = np.random.default_rng(seed)
    scale = 2 * width / PAGE[0]
    size = (round(PAGE[0] * scale), round(PAGE[1] * scale))
    y, x = np.mgrid[: size[1], : size[0]] / scale
    image, relief = Image.fromarray(np.uint8(mix(plan(x, y)))), Image.new("F", size, 0.0)
    paint, emboss = ImageDraw.Draw(image), ImageDraw.Draw(relief)
    for count, breadth, length in ((1500, 15.0, 60.0), (3200, 9.0, 40.0), (3600, 5.5, 27.0)):
        paths = follow(rng.uniform((-20, -20), (660, 500), (count, 2)), length)
        middle = paths[:, paths.shape[1] // 2]
        colours = mix(plan(middle[:, 0], middle[:, 1]) + rng.normal(0, 0.32, count))
        colours = colours * rng.normal(1, 0.08, (count, 1)) + rng.normal(0, 7, (count, 3))

        along = np.gradient(paths, axis=1)
        across = np.stack([-along[..., 1], along[..., 0]], -1)
        across /= np.linalg.norm(along, axis=-1, keepdims=True)
        taper = np.sin(np.linspace(0.35, np.pi - 0.25, paths.shape[1]))[:, None]
        offsets = np.linspace(-0.5, 0.5, max(3, round(breadth / 1.6)))[:, None, None]
        bristles = (paths[:, None] + offsets * breadth * (taper * across)[:, None]) * scale
        shape = bristles.shape[:2]
        shades = np.clip(colours[:, None] * rng.normal(1, 0.09, (*shape, 1)), 0, 255).astype(int)
        crests = 1.2 - 2.2 * np.abs(offsets[:, 0, 0]) + rng.uniform(0, 0.7, shape)
        thick = max(1, round(1.25 * breadth / shape[1] * scale))
        for one in np.ndindex(shape):
            line = bristles[one].ravel().tolist()
            paint.line(line, fill=tuple(shades[one].tolist()), width=thick, joint="curve")
            emboss.line(line, fill=float(crests[one]), width=thick, joint="curve")
    height = np.asarray(relief) + 0.1 * np.sin(x * 2.4) * np.sin(y * 2.4)  # paint on canvas
    slope = np.gradient(height, axis=0) + np.gradient(height, axis=1)
    shaded = np.asarray(image, np.float32) * (1 + np.clip(slope * 0.5, -0.32, 0.4))[..., None]
    picture = Image.fromarray(np.uint8(np.clip(shaded, 0, 255)))
    return picture.resize((width, round(width * 3 / 4)), Image.Resampling.LANCZOS)
