"""Places where nothing moves, which keep their painting to the bit. NumPy and OpenCV."""

import numpy as np

__all__ = ["Still", "mixed"]

SOFT = 2.0
"""Standard deviation in px of the blur that noise of cameras and codecs is averaged by."""
REACH = 64
"""The longer side of a frame over the px around what moves that are painted anew, too: strokes
there are pieces of those of the thing that moves."""


class Still:
    """Which places of a shot's frames don't change, asked frame by frame.

    A place is compared with the frame in which it was painted last, not with the one before: so
    light that changes slowly is followed in small steps.

    Args:
      threshold: grey levels of blurred frames that a place may differ by, 0: nothing is still.
    """

    def __init__(self, threshold: float):
        self._threshold = threshold
        self._seen: np.ndarray | None = None

    def kept(self, frame: np.ndarray) -> np.ndarray | None:
        """How much of the painting before stays in that of the next frame.

        Args:
          frame: uint8 [h, w, channels], sRGB and the masks of its styles.

        Returns:
          float32 [h, w], exactly 1 where nothing changed and less near what did; None for the first
          frame, and without a threshold.
        """
        import cv2

        if not self._threshold:
            return None
        now = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), SOFT)
        if self._seen is None:
            self._seen = now
            return None
        noise = np.multiply.outer(*map(_noise, now.shape[:2]))
        changed = np.abs(now - self._seen).max(axis=-1) > self._threshold * noise
        reach = 2 * max(2, round(max(changed.shape) / REACH)) + 1
        around = cv2.dilate(changed.astype(np.float32), np.ones((reach, reach), np.uint8))
        kept = 1 - cv2.blur(around, (reach, reach), borderType=cv2.BORDER_REPLICATE)
        self._seen = np.where((kept < 1)[..., None], now, self._seen)
        return np.asarray(kept, np.float32)


def _noise(length: int) -> np.ndarray:
    """[length]: noise after the blur over that in the middle, from one border to the other.

    What lies beyond a border is mirrored, so fewer pixels are averaged: at the distance d, with the
    Gaussian g, ∫ (g(x − d) + g(x + d))² dx over x > 0 is ∫ g² (1 + exp(−d²/σ²)) over all x.
    """
    place = np.arange(length, dtype=np.float32)
    away = np.minimum(place, length - 1 - place)
    return np.asarray(np.sqrt(1 + np.exp(-np.square(away / SOFT))), np.float32)


def mixed(painting: np.ndarray, before: np.ndarray, kept: np.ndarray | None) -> np.ndarray:
    """float32 [h, w, 3]: `before` where `kept` is 1, to the bit, `painting` where it is 0, and in
    between a mixture."""
    if kept is None:
        return painting
    share = kept[..., None]
    mixture = painting + (before - painting) * share
    return np.where(share == 1, before, mixture).astype(np.float32)
