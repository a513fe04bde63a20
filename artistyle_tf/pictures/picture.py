"""A picture in memory, as all of the package sees it."""

import hashlib
from dataclasses import dataclass

import numpy as np

from artistyle_tf.errors import ConfigError

__all__ = ["MIN_SIDE", "Picture", "check_uint8"]

MIN_SIDE = 16
"""The shortest side of a picture that `read` takes, in px."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the rest of the package sees it.

    `rgb`: uint8 [H, W, 3], sRGB, laid over white. `alpha`: uint8 [H, W], None if opaque. `name`:
    the file's base name, "image" or "array". `notes`: lines that the user should see.
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


def check_uint8(name: str, array: np.ndarray, shape_ok: bool, expected: str) -> None:
    """ConfigError, in terms of `name` and the `expected` shape, if it isn't such a uint8 array."""
    if array.dtype != np.uint8 or not shape_ok:
        raise ConfigError(f"{name} must be uint8 {expected}, not {array.dtype} {list(array.shape)}")
