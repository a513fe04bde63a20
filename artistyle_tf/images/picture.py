"""The in-memory picture type used throughout the package."""

import functools
import hashlib
from dataclasses import dataclass

import numpy as np

from artistyle_tf.errors import ConfigError

MIN_SIDE = 16
"""The shortest side that `read` accepts, in px."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory.

    `rgb`: [H, W, 3] sRGB, composited over white, in grey levels 0 to 255: uint8, or float32 with
    fractional levels if the source had more than 8 bits per channel. `alpha`: [H, W], likewise
    uint8 or float32, None if opaque. `name`: the file's base name, "image" or "array". `notes`:
    lines to show to the user.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    name: str
    notes: tuple[str, ...]

    @functools.cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of shape, pixels and alpha, but not the name."""
        digest = hashlib.sha256(repr((self.rgb.shape, self.alpha is not None)).encode())
        digest.update(self.rgb.tobytes())
        if self.alpha is not None:
            digest.update(self.alpha.tobytes())
        return digest.hexdigest()


def as_uint8(levels: np.ndarray) -> np.ndarray:
    """Rounds and clips float grey levels to uint8; uint8 is returned as it is."""
    if levels.dtype == np.uint8:
        return levels
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def check_levels(
    name: str, array: np.ndarray, shape_ok: bool, expected: str, dtypes: tuple[str, ...]
) -> None:
    """ConfigError, with `name` and the `expected` shape, if it isn't such an array."""
    if array.dtype.name not in dtypes or not shape_ok:
        kinds = " or ".join(dtypes)
        raise ConfigError(
            f"{name} must be {kinds} {expected}, not {array.dtype} {list(array.shape)}"
        )
