"""Light that changes while things stay where they are: fades, clouds, exposure. NumPy, OpenCV."""

import numpy as np

__all__ = ["relit"]

SPREAD = 16
"""The longer side of a frame over the standard deviation of the blur: light is smooth."""


def relit(
    moved: np.ndarray, before: np.ndarray, now: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """An earlier painting under the light of the frame that is to be painted.

    The difference of the new frame and the warped one, averaged over wide surroundings where the
    flow is consistent, is the change of light, and is added. Without it, a painting tied to the one
    before would stay bright while its clip fades to black.

    Args:
      moved: float32 [h, w, 3] sRGB in grey levels, the earlier painting, warped.
      before, now: float32 or uint8 [h, w, 3], the earlier frame, warped, and the new one.
      weights: float32 [h, w], 0 to 1: where the flow is consistent.

    Returns:
      float32 [h, w, 3], within 0 to 255.
    """
    import cv2

    spread = max(weights.shape) / SPREAD
    change = (now.astype(np.float32) - before) * weights[..., None]
    total = cv2.GaussianBlur(weights, (0, 0), spread)
    mean = cv2.GaussianBlur(change, (0, 0), spread) / np.maximum(total, 1e-3)[..., None]
    return np.clip(moved + mean, 0, 255).astype(np.float32)
