"""Compares frames: optical flow, where it is reliable, light, cuts, and what stands still.

The tests of the flow are those of Ruder, Dosovitskiy and Brox, "Artistic style transfer for
videos", 2016, arXiv:1604.08610, section 3, after Sundaram, Brox and Keutzer 2010. NumPy and OpenCV.
"""

from typing import Literal

import numpy as np

__all__ = [
    "StaticRegions",
    "consistency",
    "dense_flow",
    "find_disocclusions",
    "find_motion_boundaries",
    "is_cut",
    "relight",
    "warp",
]

SMALLEST = 32  # Shorter sides, in px, are mirrored up to this: the pyramid of DIS needs room.
LIGHT_SPREAD = 16  # Longer side of a frame over the standard deviation of the blur in `relight`.
NOISE_BLUR = 2.0  # Standard deviation in px of the blur against the noise of cameras and codecs.
MARGIN = 64
"""Longer side of a frame over the width of the border around moving things that is repainted too,
since strokes reach beyond their things."""


BINS = 16  # Of one channel's histogram.

NEW, ALL_NEW = 0.45, 0.8
"""Shares of pixels with new colours in a cut: with many lost ones, and alone."""

LOST, ALL_LOST = 0.5, 0.7
"""Likewise of pixels that the optical flow loses. Measured on synthetic clips: 0.1 in pans of 13
px, 0.76 between unrelated pictures with equal histograms."""


def dense_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where each pixel of `first` is in `second`, both uint8 [H, W, 3] sRGB, by OpenCV's DIS.

    Returns float32 [H, W, 2]: (dx, dy) in px, so first(x, y) is second(x + dx, y + dy). DIS is
    Kroeger, Timofte, Dai and Van Gool 2016, arXiv:1603.03590.
    """
    import cv2

    height, width = first.shape[:2]
    beyond = [(0, max(0, SMALLEST - side)) for side in (height, width)]
    grey = [
        np.pad(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), beyond, "symmetric")
        for one in (first, second)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: np.ndarray = search.calc(grey[0], grey[1], None)
    return np.ascontiguousarray(flow[:height, :width])


def warp(
    picture: np.ndarray,
    flow: np.ndarray,
    kernel: Literal["linear", "lanczos4", "nearest"] = "linear",
) -> np.ndarray:
    """Samples `picture`, float32 or uint8 [H, W] or [H, W, C], where the flow points; edges repeat.

    "linear" blurs a little: after twelve frames of a pan, 38 % of a painting's Laplacian energy is
    left; with "lanczos4" 72 %, but values may exceed the picture's range at edges.
    """
    import cv2

    how = getattr(cv2, f"INTER_{kernel.upper()}")
    return cv2.remap(picture, _targets(flow), None, how, borderMode=cv2.BORDER_REPLICATE)


def _targets(flow: np.ndarray) -> np.ndarray:
    """The (x, y) that the flow points to: float32 [H, W, 2]."""
    rows, columns = np.indices(flow.shape[:2], np.float32)
    return np.stack([columns, rows], axis=-1) + flow


def find_disocclusions(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """bool [H, W]: pixels of the later frame that the earlier one doesn't show.

    |w̃ + ŵ|² > 0.01 (|w̃|² + |ŵ|²) + 0.5 with w̃(p) = w(p + ŵ(p)): following the flow there and
    back does not return to the start. ŵ is `backward`, from the later frame to the earlier; w
    `forward`.
    """
    back, there = warp(forward, backward), _targets(backward)
    last = np.array([backward.shape[1] - 1, backward.shape[0] - 1], np.float32)
    outside = ((there < 0) | (there > last)).any(axis=-1)
    bound = 0.01 * (_square(back) + _square(backward)) + 0.5
    return np.asarray((_square(back + backward) > bound) | outside)


def find_motion_boundaries(backward: np.ndarray) -> np.ndarray:
    """bool [H, W]: where the flow ŵ = (û, v̂) changes abruptly, and is least accurate.

    |∇û|² + |∇v̂|² > 0.01 |ŵ|² + 0.002, with forward differences, 0 at the last row and column.
    """
    down = np.diff(backward, axis=0, append=backward[-1:])
    right = np.diff(backward, axis=1, append=backward[:, -1:])
    return _square(down) + _square(right) > 0.01 * _square(backward) + 0.002


def consistency(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """c, float32 [H, W]: 0 at disocclusions and motion boundaries, 1 elsewhere."""
    doubtful = find_disocclusions(backward, forward) | find_motion_boundaries(backward)
    return np.where(doubtful, 0, 1).astype(np.float32)


def _square(vectors: np.ndarray) -> np.ndarray:
    """Squared lengths: [H, W, 2] → [H, W]."""
    return np.sum(np.square(vectors), axis=-1)


def is_cut(before: np.ndarray, now: np.ndarray) -> bool:
    """Whether a new shot starts between two frames, uint8 [H, W, 3] sRGB.

    New colours alone may be a change of light, and lost pixels alone a fast pan. So a cut needs
    many of both or nearly all of one: the flow matches a black frame anywhere, and can partly warp
    any picture into another of the same colours.
    """
    lost = 1 - float(np.mean(consistency(dense_flow(now, before), dense_flow(before, now))))
    new = max(_new_colours(before[..., i], now[..., i]) for i in range(3))
    return new > ALL_NEW or lost > ALL_LOST or (new > NEW and lost > LOST)


def _new_colours(before: np.ndarray, now: np.ndarray) -> float:
    """Share of pixels that changed bins: half the L1 distance of the histograms."""
    each = [np.bincount(one.ravel() // (256 // BINS), minlength=BINS) for one in (before, now)]
    return float(np.abs(each[0] - each[1]).sum() / 2 / now.size)


def relight(
    painting: np.ndarray, before: np.ndarray, now: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Adapts an earlier painting to the new frame's light: fades, clouds, exposure.

    Adds the frames' difference, averaged over wide surroundings where the flow is consistent.
    Otherwise a painting tied to the one before stays bright while the clip fades to black.

    `painting` and `before`, its frame, are warped; `weights`, float32 [h, w], are where the flow is
    consistent; others are [h, w, 3] sRGB in grey levels. The result is float32, 0 to 255.
    """
    import cv2

    spread = max(weights.shape) / LIGHT_SPREAD
    change = (now.astype(np.float32) - before) * weights[..., None]
    total = cv2.GaussianBlur(weights, (0, 0), spread)
    mean = cv2.GaussianBlur(change, (0, 0), spread) / np.maximum(total, 1e-3)[..., None]
    return np.clip(painting + mean, 0, 255).astype(np.float32)


class StaticRegions:
    """Finds the regions of a shot in which nothing changes, frame by frame.

    Each pixel is compared with the frame in which it was last painted, so slow changes of light are
    followed in small steps. `threshold`: grey levels by which blurred frames may differ; 0: off.
    """

    def __init__(self, threshold: float):
        self._threshold = threshold
        self._painted: np.ndarray | None = None

    def share(self, frame: np.ndarray) -> np.ndarray | None:
        """How much of the previous painting to keep, for the next frame: float32 [h, w].

        Exactly 1 where nothing changed, less near changes; None for the first frame or without a
        threshold. The frame is uint8 [h, w, channels]: sRGB and the styles' masks.
        """
        import cv2

        if not self._threshold:
            return None
        now = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), NOISE_BLUR)
        if self._painted is None:
            self._painted = now
            return None
        noise = np.multiply.outer(*map(_noise, now.shape[:2]))
        changed = np.abs(now - self._painted).max(axis=-1) > self._threshold * noise
        width = 2 * max(2, round(max(changed.shape) / MARGIN)) + 1
        around = cv2.dilate(changed.astype(np.float32), np.ones((width, width), np.uint8))
        share = 1 - cv2.blur(around, (width, width), borderType=cv2.BORDER_REPLICATE)
        self._painted = np.where((share < 1)[..., None], now, self._painted)
        return np.asarray(share, np.float32)


def _noise(length: int) -> np.ndarray:
    """[length]: blurred noise relative to the middle's, from one border to the other.

    Beyond a border is a mirror image, so fewer pixels are averaged: at the distance d, with the
    Gaussian g, ∫ (g(x − d) + g(x + d))² dx over x > 0 is ∫ g² (1 + exp(−d²/σ²)) over all x.
    """
    place = np.arange(length, dtype=np.float32)
    away = np.minimum(place, length - 1 - place)
    return np.asarray(np.sqrt(1 + np.exp(-np.square(away / NOISE_BLUR))), np.float32)
