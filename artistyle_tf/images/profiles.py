"""Colour profiles: the sRGB profile of written files, and deep colours converted to sRGB.

Pillow's ImageCms supports 8 bits only. Matrix/curve profiles (ICC.1:2022, 9.2 and 10.6, 10.18),
which cameras and raw converters use, like Adobe RGB and ProPhoto, are evaluated here in float;
lookup-table profiles are left to Pillow.
"""

import functools
import struct
from collections.abc import Callable

import numpy as np
from PIL import ImageCms

__all__ = ["is_srgb", "srgb", "to_srgb"]

_DATE = slice(24, 36)
_BLOCK = 1 << 20
"""Pixels converted at a time."""
_MAX_TAGS = 100

Curve = Callable[[np.ndarray], np.ndarray]


@functools.cache
def srgb() -> bytes:
    """littleCMS's sRGB profile, with a fixed date so that its bytes never change."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[: _DATE.start] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + made[_DATE.stop :]


def is_srgb(profile: bytes) -> bool:
    """Whether it is `srgb()` with any date, so that no conversion is needed."""
    own = srgb()
    return profile[: _DATE.start] + profile[_DATE.stop :] == own[: _DATE.start] + own[_DATE.stop :]


def to_srgb(colour: np.ndarray, profile: bytes) -> np.ndarray | None:
    """float32 [H, W, 3] or grey [H, W], grey levels by an ICC profile → sRGB float32 [H, W, 3].

    Relative colorimetric; colours outside sRGB are clipped to 0-255. None: the profile is broken,
    for another colour space, or based on lookup tables.
    """
    try:
        with np.errstate(all="ignore"):
            return _converted(colour, profile)
    except (ArithmeticError, LookupError, ValueError, struct.error):  # np.linalg's is a ValueError
        return None


def _converted(colour: np.ndarray, profile: bytes) -> np.ndarray | None:
    own, target = _model(profile), _model(srgb())
    if own is None or target is None or (len(own[0]) == 1 and colour.ndim == 3):
        return None
    curves, matrix = own[0], np.linalg.inv(target[1]) @ own[1]
    if len(curves) == 3 and colour.ndim == 2:
        colour = np.repeat(colour[..., None], 3, axis=-1)
    flat = colour.reshape(-1, len(curves))
    out = np.empty((len(flat), 3), np.float32)
    for start in range(0, len(flat), _BLOCK):
        block = flat[start : start + _BLOCK] / np.float32(255)
        light = np.stack([curve(block[:, i]) for i, curve in enumerate(curves)], axis=-1)
        out[start : start + _BLOCK] = 255 * _encoded(np.clip(light @ matrix.T, 0, 1))
    return out.reshape(*colour.shape[:2], 3) if np.isfinite(out).all() else None


def _model(profile: bytes) -> tuple[list[Curve], np.ndarray] | None:
    """The channels' curves, and the matrix from linear light to XYZ [3, channels]."""
    (count,) = struct.unpack_from(">I", profile, 128)
    if profile[20:24] != b"XYZ " or count > _MAX_TAGS:
        return None
    tags = {}
    for i in range(count):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        tags[name] = profile[start : start + size]
    if any(name.startswith((b"A2B", b"D2B")) for name in tags):
        return None
    if profile[16:20] == b"GRAY":
        white = struct.unpack(">3i", profile[68:80])
        return [_curve(tags[b"kTRC"])], np.array(white)[:, None] / 65536
    if profile[16:20] != b"RGB ":
        return None
    colorants = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return curves, np.array(colorants).T / 65536


def _curve(tag: bytes) -> Curve:
    """0-1 → linear light 0-1, from a curveType or parametricCurveType, or else ValueError."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return lambda x: x
        table = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        if count == 1:
            return lambda x: x ** (table[0] / 256)
        return lambda x: np.interp(x, np.linspace(0, 1, count), table / 65535)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    given = [value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    # y = (a x + b)^g + e for x >= d, and c x + f below.
    g, a, b, c, d, e, f = given + [1.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0][len(given) :]
    if kind in (1, 2):  # there, c (if any) is the value of e and f
        c, d, e, f = 0.0, -b / a, c, c

    def curve(x: np.ndarray) -> np.ndarray:
        return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)

    return curve


def _encoded(light: np.ndarray) -> np.ndarray:
    """Linear light 0-1 → sRGB 0-1: IEC 61966-2-1."""
    return np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    )
