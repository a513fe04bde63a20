"""A picture in memory, as all of the package sees it."""

import hashlib
from dataclasses import dataclass

import numpy as np

from artistyle_tf.errors import ConfigError

__all__ = ["MIN_SIDE", "Picture", "as_uint8", "check_levels"]

MIN_SIDE = 16
"""The shortest side of a picture that `read` takes, in px."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the rest of the package sees it.

    `rgb`: [H, W, 3], sRGB, laid over white, in grey levels 0 to 255: uint8, or float32 where the
    source had more than 8 bits a channel, whose steps are then between the whole levels. `alpha`:
    [H, W], likewise uint8 or float32, None if opaque. `name`: the file's base name, "image" or
    "array". `notes`: lines that the user should see.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    name: str
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the shape, the pixels and the alpha; not of the name."""
        digest = hashlib.sha256(repr((self.rgb.shape, self.alpha is not None)).encode())
        digest.update(self.rgb.tobytes())
        if self.alpha is not None:
            digest.update(self.alpha.tobytes())
        return digest.hexdigest()


def as_uint8(levels: np.ndarray) -> np.ndarray:
    """uint8 or float grey levels as uint8: rounded and clipped; what is uint8 comes back itself."""
    if levels.dtype == np.uint8:
        return levels
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def check_levels(
    name: str, array: np.ndarray, shape_ok: bool, expected: str, dtypes: tuple[str, ...]
) -> None:
    """ConfigError, in terms of `name` and the `expected` shape, if it isn't such an array."""
    if array.dtype.name not in dtypes or not shape_ok:
        kinds = " or ".join(dtypes)
        raise ConfigError(
            f"{name} must be {kinds} {expected}, not {array.dtype} {list(array.shape)}"
        )
