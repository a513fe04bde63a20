"""The harbour town of make_clip.py at a low sun, drawn with NumPy and Pillow from a seed.

Everything is laid out on a page of 640 x 480 units, drawn larger and scaled down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

PAGE = (640, 480)
OVERSAMPLE = 3
WATERLINE = 338.0


class Pen:
    """Draws in page units on a transparent layer of `scale` pixels a unit."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.layer = Image.new("RGBA", (round(PAGE[0] * scale), round(PAGE[1] * scale)))
        self.draw = ImageDraw.Draw(self.layer)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def polygon(self, points: Points, colour: Colour) -> None:
        self.draw.polygon(self._pixels(points), fill=colour)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.draw.ellipse(self._pixels([(x - rx, y - ry), (x + rx, y + ry)]), fill=colour)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        pixels = max(1, round(width * self.scale))
        self.draw.line(self._pixels(points), fill=colour, width=pixels, joint="curve")


def tint(colour: Colour, factor: float) -> Colour:
    """The colour made lighter (factor > 1) or darker."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in colour)
    return red, green, blue


def noise(
    size: tuple[int, int], cells: tuple[int, int], octaves: int, rng: np.random.Generator
) -> np.ndarray:
    """Smooth noise [height, width], about -1 to 1, of `cells` bumps across and down, in octaves."""
    total = np.zeros(size[::-1], np.float32)
    for octave in range(octaves):
        shape = (cells[1] * 2**octave + 1, cells[0] * 2**octave + 1)
        grid = Image.fromarray(rng.uniform(-1, 1, shape).astype(np.float32))
        total += np.asarray(grid.resize(size, Image.Resampling.BICUBIC)) / 2**octave
    return total


def sky(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A low sun on the left, a gradient from blue to gold, and lit clouds; float [H, W, 3]."""
    width, height = size
    v, u = np.mgrid[:height, :width] / height
    stops = [0.0, 0.28, 0.5, 0.64, 0.72]
    colours = [(58, 104, 168), (112, 160, 206), (198, 208, 206), (248, 214, 158), (250, 196, 130)]
    channels = [np.interp(v, stops, [c[k] for c in colours]) for k in range(3)]
    image = np.stack(channels, axis=-1)
    sun = np.hypot(u - 0.26, (v - 0.47) * 1.1)
    glow = (0.5 * np.exp(-((sun / 0.15) ** 2)) + 0.4 * np.exp(-sun * 4))[..., None]
    image += glow * (np.array([255, 222, 150]) - 0.8 * image)
    field = noise(size, (4, 9), 6, rng) + 0.35 - 1.1 * np.abs(v - 0.26)
    cover = np.clip(field * 1.5, 0, 1)[..., None] * np.clip(1.25 - 1.6 * v, 0, 1)[..., None]
    step = max(1, height // 50)
    shifted = np.pad(field, ((step, 0), (step, 0)), "edge")[:height, :width]
    lit = np.clip(0.62 + 0.9 * (field - shifted), 0.2, 1)[..., None]
    cloud = lit * np.array([255, 238, 214]) + (1 - lit) * np.array([138, 138, 166])
    image += 0.85 * cover * (cloud - image)
    disc = np.clip((0.04 - sun) * 300, 0, 1)[..., None]
    return image + disc * (np.array([255, 252, 232]) - image)


def hill(pen: Pen, top: float, rise: float, colour: Colour, rng: np.random.Generator) -> None:
    """A wavy ridge across the page, about `top` high up the page."""
    ridge = noise((641, 1), (4, 1), 5, rng)[0]
    points = [(float(x), top - rise * float(ridge[x])) for x in range(0, 641, 2)]
    pen.polygon([(0, 480), *points, (640, 480)], colour)


def tree(pen: Pen, x: float, base: float, radius: float, rng: np.random.Generator) -> None:
    """A round tree: dark leaves below right, light ones above left."""
    pen.line([(x, base), (x, base - radius)], (74, 54, 42), radius / 6)
    count = 170
    angle, reach = rng.uniform(0, 2 * np.pi, count), radius * np.sqrt(rng.uniform(0, 1, count))
    dx, dy = reach * np.cos(angle), reach * np.sin(angle) * 1.1
    for k in np.argsort(dx + dy)[::-1]:
        light = 0.85 - 0.5 * (dx[k] + dy[k]) / radius + rng.normal(0, 0.12)
        leaf = tint((84, 112, 52), light)
        pen.ellipse(x + dx[k], base - 1.75 * radius + dy[k], radius / 7, radius / 9, leaf)


def window(pen: Pen, x: float, y: float, width: float, height: float, lit: bool) -> None:
    """A framed window with a cross bar and a sill."""
    pen.box(x - 1, y - 1, width + 2, height + 2, (236, 226, 206))
    pen.box(x, y, width, height, (250, 206, 112) if lit else (54, 68, 86))
    if not lit:
        pen.polygon([(x, y), (x + width, y), (x, y + height * 0.7)], (110, 134, 156))
    pen.box(x + width / 2 - 0.4, y, 0.8, height, (236, 226, 206))
    pen.box(x, y + height * 0.4, width, 0.8, (236, 226, 206))
    pen.box(x - 1.6, y + height + 1, width + 3.2, 1.4, (120, 104, 92))


def house(
    pen: Pen, x: float, base: float, width: float, height: float, rng: np.random.Generator
) -> None:
    """A house with its gable to the water: plain, stepped, or timber-framed."""
    walls = [(222, 176, 104), (196, 92, 70), (234, 216, 180), (112, 150, 158), (214, 132, 92)]
    roofs = [(158, 70, 48), (132, 62, 52), (96, 74, 76), (176, 90, 56)]
    wall, roof = walls[rng.integers(len(walls))], roofs[rng.integers(len(roofs))]
    kind, rise = rng.integers(3), width * rng.uniform(0.62, 0.9)
    eave, right, middle = base - height, x + width, x + width / 2
    chimney = x + width * (0.22 if rng.random() < 0.5 else 0.68)
    pen.box(chimney, eave - rise * 0.85, 5, rise * 0.8, (122, 74, 60))
    pen.box(chimney - 1, eave - rise * 0.85 - 2, 7, 2.5, (84, 56, 50))
    pen.polygon([(x - 3, eave + 1), (middle, eave - rise - 3), (right + 3, eave + 1)], roof)
    pen.box(x, eave, width, height, wall)
    pen.polygon([(x, eave), (middle, eave - rise + 2), (right, eave)], wall)
    shade = tint(wall, 0.72)
    pen.polygon([(right, eave), (right, base), (right - width * 0.14, base),
                 (right - width * 0.14, eave - rise * 0.28 + 2)], shade)  # fmt: skip
    if kind == 0:  # steps climb the gable
        for step in range(5):
            inset, level = width * 0.1 * step, eave - rise * step / 5
            pen.box(x - 2 + inset, level - rise / 5, width * 0.1 + 2, rise / 5 + 3, wall)
            pen.box(x - 2 + inset, level - rise / 5 - 1, width * 0.1 + 2, 1.6, tint(wall, 1.2))
            pen.box(right - inset - width * 0.1, level - rise / 5, width * 0.1 + 2, rise / 5 + 3,
                    shade)  # fmt: skip
    else:
        pen.line([(x - 3, eave + 1), (middle, eave - rise - 2)], tint(roof, 1.25), 3)
        pen.line([(middle, eave - rise - 2), (right + 3, eave + 1)], tint(roof, 0.7), 3)
    floors, columns = max(2, int(height / 24)), max(2, int(width / 17))
    if kind == 1:  # beams
        beam = (92, 58, 44)
        for floor in range(floors + 1):
            pen.box(x, eave + floor * height / floors - 1, width, 2, beam)
        for column in range(columns + 1):
            pen.box(x + column * (width - 2) / columns, eave, 2, height, beam)
        pen.line([(x, eave + height / floors), (x + width / columns, eave)], beam, 1.6)
        pen.line([(right, eave + height / floors), (right - width / columns, eave)], beam, 1.6)
        pen.line([(x + width / 4, eave - rise / 2), (right - width / 4, eave - rise / 2)], beam, 2)
    for floor in range(floors):
        for column in range(columns):
            left = x + (column + 0.5) * width / columns - 3.5
            if floor == floors - 1 and column == columns // 2:
                pen.box(left - 1.5, base - 15, 10, 15, (240, 228, 204))
                pen.box(left - 0.5, base - 14, 8, 14, (78, 50, 42))
            else:
                top = eave + (floor + 0.25) * height / floors
                window(pen, left, top, 7, 10, rng.random() < 0.2)
    window(pen, middle - 3, eave - rise * 0.42, 6, 8, False)


def tower(pen: Pen, x: float, base: float) -> None:
    """A church tower with a clock, a belfry and a copper spire."""
    stone, copper = (206, 184, 150), (92, 142, 124)
    top = base - 150
    pen.box(x, top, 40, 150, stone)
    pen.box(x + 29, top, 11, 150, tint(stone, 0.7))
    for row in range(4):
        pen.box(x - 2, top + 38 * row, 44, 3, tint(stone, 1.14))
    for left in (x + 7, x + 22):
        pen.ellipse(left + 4, top + 12, 4, 5, (58, 48, 52))
        pen.box(left, top + 12, 8, 18, (58, 48, 52))
    pen.ellipse(x + 19, top + 60, 11, 11, (70, 60, 58))
    pen.ellipse(x + 19, top + 60, 9.5, 9.5, (240, 228, 196))
    pen.line([(x + 19, top + 60), (x + 19, top + 53)], (50, 40, 40), 1.4)
    pen.line([(x + 19, top + 60), (x + 24, top + 62)], (50, 40, 40), 1.4)
    pen.polygon([(x - 4, top), (x + 8, top - 26), (x + 20, top - 96), (x + 32, top - 26),
                 (x + 44, top)], copper)  # fmt: skip
    pen.polygon([(x + 20, top - 96), (x + 32, top - 26), (x + 44, top), (x + 24, top)],
                tint(copper, 0.66))  # fmt: skip
    pen.line([(x + 20, top - 94), (x + 20, top - 110)], (214, 176, 84), 1.6)
    pen.ellipse(x + 20, top - 98, 2.6, 2.6, (226, 188, 92))


def boat(pen: Pen, x: float, base: float, length: float, hull: Colour, sail: Colour) -> None:
    """A sailing boat seen from the side; `base` is where it meets the water."""
    deck, mast = base - length * 0.13, x + length * 0.45
    pen.line([(mast, deck), (mast, base - length * 1.08)], (96, 66, 46), length / 60)
    pen.polygon([(mast + length * 0.02, base - length * 1.02), (x + length * 0.93, deck * 1.0 - 4),
                 (mast + length * 0.02, deck - 4)], sail)  # fmt: skip
    pen.polygon([(mast - length * 0.02, base - length * 0.94), (x - length * 0.02, deck - 3),
                 (mast - length * 0.02, deck - 6)], tint(sail, 0.84))  # fmt: skip
    pen.polygon([(x - length * 0.06, deck - 2), (x + length * 1.02, deck),
                 (x + length * 0.9, base + 2), (x + length * 0.08, base + 2)], hull)  # fmt: skip
    pen.line([(x - length * 0.06, deck - 2), (x + length * 1.02, deck)], tint(hull, 1.6), 2)
    pen.line([(x + length * 0.05, base), (x + length * 0.92, base)], tint(hull, 0.55), 2)


def town(pen: Pen, rng: np.random.Generator) -> None:
    """Two rows of houses, the tower, trees, the quay wall and moored boats."""
    for left in range(150, 640, 44):
        house(pen, left + rng.uniform(-5, 5), 300, 36, rng.uniform(52, 78), rng)
    tower(pen, 398, 320)
    for left in (132, 168, 300, 470, 486, 622):
        tree(pen, left, 322, rng.uniform(17, 24), rng)
    x = 196.0
    while x < 620:
        width = rng.uniform(38, 54)
        if not 288 < x + width / 2 < 322 and not 462 < x + width / 2 < 494:
            house(pen, x, 326, width, rng.uniform(54, 92), rng)
        x += width + rng.uniform(1, 4)
    for left in (24, 60, 96, 190, 318):
        tree(pen, left, 326, rng.uniform(14, 20), rng)
    pen.box(0, 324, 640, WATERLINE - 324, (150, 134, 118))
    pen.box(0, 323, 640, 3, (204, 186, 156))
    for row, y in enumerate((328, 333)):
        for x in range(-8, 640, 16):
            stone = tint((140, 124, 110), rng.uniform(0.8, 1.15))
            pen.box(x + 8 * (row % 2), y, 15, 4.4, stone)
    boat(pen, 236, WATERLINE, 50, (58, 92, 112), (238, 224, 196))
    boat(pen, 528, WATERLINE, 58, (128, 52, 46), (236, 206, 150))


def textured(pen: Pen, rng: np.random.Generator) -> Image.Image:
    """The pen's layer with blotches and grain on its surfaces."""
    pixels = np.array(pen.layer, np.float32)
    rough = noise(pen.layer.size, (40, 30), 4, rng)[..., None]
    pixels[..., :3] *= 1 + 0.09 * rough + 0.04 * noise(pen.layer.size, (7, 5), 2, rng)[..., None]
    return Image.fromarray(np.uint8(np.clip(pixels, 0, 255)))


def reflected(picture: np.ndarray, line: int, ripple: np.ndarray) -> np.ndarray:
    """The picture with what stands above row `line` mirrored below it, bent by `ripple`."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[line:height, :width]
    depth = (rows - line) / (height - line)
    bend = ripple[line:] * (0.25 + depth) * height
    source = np.clip(2 * line - rows + 0.03 * bend, 0, line - 1).astype(int)
    across = np.clip(columns + 0.012 * bend, 0, width - 1).astype(int)
    out = picture.copy()
    out[line:] = picture[source, across]
    return out


def draw(width: int, sailed: float) -> Image.Image:
    """The harbour town, `width` pixels wide; `sailed`: where the large boat is, from the left."""
    rng = np.random.default_rng(7)
    pen = Pen(width * OVERSAMPLE / PAGE[0])
    size, scale = pen.layer.size, pen.scale
    hill(pen, 262, 26, (146, 160, 180), rng)
    hill(pen, 284, 20, (116, 136, 138), rng)
    hill(pen, 302, 12, (98, 120, 88), rng)
    scene = Image.fromarray(np.uint8(np.clip(sky(size, rng), 0, 255))).convert("RGBA")
    scene.alpha_composite(textured(pen, rng))
    haze = Image.new("RGBA", size, (250, 206, 150, 46))
    scene.alpha_composite(haze)
    pen = Pen(scale)
    town(pen, rng)
    scene.alpha_composite(textured(pen, rng))

    # Waves grow towards the viewer: rows of noise, spread out with depth.
    waves = noise(size, (10, 90), 4, rng)
    line = round(WATERLINE * scale)
    lower = np.arange(size[1] - line)
    waves[line:] = waves[line + (lower / (0.55 + 0.9 * lower / len(lower))).astype(int)]
    picture = reflected(np.asarray(scene.convert("RGB"), np.float32), line, waves)
    depth = np.clip((np.arange(size[1]) - line) / (size[1] - line), 0, 1)[:, None, None]
    under = (np.arange(size[1]) >= line)[:, None, None]
    deep = np.array([34, 66, 88]) + 26 * waves[..., None]
    picture = np.where(under, picture * (0.86 - 0.3 * depth) + deep * (0.1 + 0.36 * depth), picture)
    sun = np.exp(-(((np.arange(size[0]) / size[0] - 0.2) / (0.05)) ** 2))[None, :, None]
    glitter = np.clip(waves[..., None] * 2.2 - 0.9, 0, 1) * (0.15 + 0.85 * sun)
    picture += under * glitter * np.array([190, 160, 104])

    pen = Pen(scale)
    boat(pen, sailed, 418, 104, (148, 58, 44), (244, 232, 208))
    ship = np.asarray(textured(pen, rng), np.float32)
    mirror = reflected(ship, round(418 * scale), waves)
    mirror[: round(418 * scale)] = 0
    for layer, strength in ((mirror, 0.55), (ship, 1.0)):
        alpha = layer[..., 3:] / 255 * strength
        picture += alpha * (layer[..., :3] - picture)

    light = 1.06 - 0.16 * np.linspace(0, 1, size[0])[None, :, None]
    image = Image.fromarray(np.uint8(np.clip(picture * light, 0, 255)))
    image = image.resize((width, round(width * 3 / 4)), Image.Resampling.LANCZOS)
    grain = np.asarray(image, np.float32) + rng.normal(0, 2.2, (image.height, width, 1))
    return Image.fromarray(np.uint8(np.clip(grain, 0, 255)))
