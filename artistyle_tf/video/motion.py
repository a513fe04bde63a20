"""Compares frames: optical flow, where it is reliable, light, cuts, and what stands still.

The tests of the flow are those of Ruder, Dosovitskiy and Brox, "Artistic style transfer for
videos", 2016, arXiv:1604.08610, section 3, after Sundaram, Brox and Keutzer 2010. NumPy and OpenCV.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

__all__ = [
    "QUALITIES",
    "StaticRegions",
    "consistency",
    "dense_flow",
    "find_disocclusions",
    "find_motion_boundaries",
    "is_cut",
    "long_term_weights",
    "merge",
    "relight",
    "warp",
]

QUALITIES = ("medium", "fast", "ultrafast")
"""OpenCV's presets of DIS, the slowest and best first."""

SMALLEST = 32
"""Shorter sides, in px, are extended to this by mirroring: the pyramid of DIS needs room."""

LIGHT_SPREAD = 16
"""The longer side of a frame divided by this is the standard deviation of the blur in `relight`."""

NOISE_BLUR = 2.0
"""Standard deviation in px of the blur that averages the noise of cameras and codecs."""

MARGIN = 64
"""The longer side of a frame divided by this is the width in px of the border around moving things
that is painted anew as well, since strokes reach beyond the things that they show."""


BINS = 16
"""Of the histogram of one channel."""

NEW, ALL_NEW = 0.45, 0.8
"""Shares of pixels with new colours in a cut: with many lost ones, and alone."""

LOST, ALL_LOST = 0.5, 0.7
"""Likewise of pixels that the optical flow loses. Measured on synthetic clips: 0.1 in pans of 13
px, 0.76 between unrelated pictures with equal histograms."""


def dense_flow(first: np.ndarray, second: np.ndarray, quality: str = "medium") -> np.ndarray:
    """Where in `second` each pixel of `first` is, both uint8 [H, W, 3] sRGB.

    Dense inverse search, DIS: Kroeger, Timofte, Dai and Van Gool 2016, arXiv:1603.03590, as OpenCV
    has it. Returns float32 [H, W, 2]: (dx, dy) in px, so that first(x, y) is seen at
    second(x + dx, y + dy). `quality` is one of `QUALITIES`.
    """
    import cv2

    height, width = first.shape[:2]
    beyond = [(0, max(0, SMALLEST - side)) for side in (height, width)]
    grey = [
        np.pad(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), beyond, "symmetric")
        for one in (first, second)
    ]
    preset = getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{quality.upper()}")
    flow: np.ndarray = cv2.DISOpticalFlow.create(preset).calc(grey[0], grey[1], None)
    return np.ascontiguousarray(flow[:height, :width])


def warp(
    picture: np.ndarray,
    flow: np.ndarray,
    kernel: Literal["linear", "lanczos4", "nearest"] = "linear",
) -> np.ndarray:
    """`picture`, float32 or uint8 [H, W] or [H, W, C], sampled where the flow points to; beyond the
    border, the border is repeated.

    The kernel "linear" blurs a little: after twelve frames of a pan, a painting warped from frame
    to frame had 38 % of its Laplacian's energy left; with "lanczos4", over 8 × 8 px, 72 %, but
    values may exceed the picture's range at edges.
    """
    import cv2

    how = getattr(cv2, f"INTER_{kernel.upper()}")
    return cv2.remap(picture, _targets(flow), None, how, borderMode=cv2.BORDER_REPLICATE)


def _targets(flow: np.ndarray) -> np.ndarray:
    """float32 [H, W, 2]: the (x, y) that the flow points to."""
    rows, columns = np.indices(flow.shape[:2], np.float32)
    return np.stack([columns, rows], axis=-1) + flow


def find_disocclusions(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """bool [H, W]: the pixels of the later frame that are not visible in the earlier one.

    |w̃ + ŵ|² > 0.01 (|w̃|² + |ŵ|²) + 0.5 with w̃(p) = w(p + ŵ(p)): following the flow there and back
    does not return to the start. Pixels that come from outside the earlier frame count too. ŵ is
    `backward`, the flow from the later frame to the earlier one, and w is `forward`.
    """
    back, there = warp(forward, backward), _targets(backward)
    last = np.array([backward.shape[1] - 1, backward.shape[0] - 1], np.float32)
    outside = ((there < 0) | (there > last)).any(axis=-1)
    bound = 0.01 * (_square(back) + _square(backward)) + 0.5
    return np.asarray((_square(back + backward) > bound) | outside)


def find_motion_boundaries(backward: np.ndarray) -> np.ndarray:
    """bool [H, W]: where the flow ŵ = (û, v̂) changes abruptly, which makes it least accurate.

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
    """[H, W, 2] → [H, W]: squared lengths."""
    return np.sum(np.square(vectors), axis=-1)


def is_cut(before: np.ndarray, now: np.ndarray) -> bool:
    """Whether a new shot starts between two frames, uint8 [H, W, 3] sRGB.

    New colours alone may be a change of light, and lost pixels alone a fast pan. A cut therefore
    needs many of both, or nearly all of one: a black frame is matched anywhere, and the flow
    partly succeeds in warping any picture into another of the same colours.
    """
    flows = dense_flow(now, before, "fast"), dense_flow(before, now, "fast")
    lost = 1 - float(np.mean(consistency(*flows)))
    new = max(_new_colours(before[..., i], now[..., i]) for i in range(3))
    return new > ALL_NEW or lost > ALL_LOST or (new > NEW and lost > LOST)


def _new_colours(before: np.ndarray, now: np.ndarray) -> float:
    """Share of pixels that changed bins: half the L1 distance of the two histograms."""
    each = [np.bincount(one.ravel() // (256 // BINS), minlength=BINS) for one in (before, now)]
    return float(np.abs(each[0] - each[1]).sum() / 2 / now.size)


def long_term_weights(each: Sequence[np.ndarray]) -> list[np.ndarray]:
    """c_long of the earlier frames from their c, float32 [H, W] each, nearest first: each pixel
    follows the nearest reliable frame.

    c_long^(i−j) = max(c^(i−j) − Σ of c^(i−k) over the nearer k < j, 0), from the paper's long-term
    loss.
    """
    found, before = [], np.zeros_like(each[0])
    for one in each:
        found.append(np.maximum(one - before, 0))
        before = before + one
    return found


def merge(
    pictures: Sequence[np.ndarray], weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A single picture with weights that is equivalent to all the pictures.

    With C = Σ c_j and W = Σ c_j w_j / C, Σ c_j (x − w_j)² equals C (x − W)² plus a term that does
    not depend on x, so the gradient is the same. Where one c is 1 and the others are 0, the value
    is the same too. Returns W, float32 [H, W, 3], with the first picture where C is 0; and C.
    """
    total = np.sum(weights, axis=0)
    mean = sum(c[..., None] * w for c, w in zip(weights, pictures, strict=True))
    known = total > 0
    picture = np.where(known[..., None], mean / np.where(known, total, 1)[..., None], pictures[0])
    return picture.astype(np.float32), total.astype(np.float32)


def relight(
    painting: np.ndarray, before: np.ndarray, now: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """An earlier painting under the light of the new frame: fades, clouds and exposure.

    The difference of the two frames, averaged over wide surroundings where the flow is consistent,
    is the change of light, and is added. Without it, a painting tied to the one before would stay
    bright while its clip fades to black.

    `painting` and `before`, the frame that it shows, are warped; `weights`, float32 [h, w], say
    where the flow is consistent. All others are [h, w, 3] sRGB in grey levels, the result float32
    within 0 to 255.
    """
    import cv2

    spread = max(weights.shape) / LIGHT_SPREAD
    change = (now.astype(np.float32) - before) * weights[..., None]
    total = cv2.GaussianBlur(weights, (0, 0), spread)
    mean = cv2.GaussianBlur(change, (0, 0), spread) / np.maximum(total, 1e-3)[..., None]
    return np.clip(painting + mean, 0, 255).astype(np.float32)


class StaticRegions:
    """Finds the regions of a shot in which nothing changes, frame by frame.

    Each pixel is compared with the frame in which it was last painted, not with the one before, so
    that light that changes slowly is followed in small steps. `threshold` is by how many grey
    levels blurred frames may differ there; 0: nothing is static.
    """

    def __init__(self, threshold: float):
        self._threshold = threshold
        self._painted: np.ndarray | None = None

    def share(self, frame: np.ndarray) -> np.ndarray | None:
        """How much of the previous painting stays in that of the next frame, uint8 [h, w, channels]
        with sRGB and the masks of its styles.

        float32 [h, w], exactly 1 where nothing changed and less near what did; None for the first
        frame, and without a threshold.
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
    """[length]: noise after the blur relative to that in the middle, from one border to the other.

    What lies beyond a border is mirrored, so fewer pixels are averaged: at the distance d, with the
    Gaussian g, ∫ (g(x − d) + g(x + d))² dx over x > 0 is ∫ g² (1 + exp(−d²/σ²)) over all x.
    """
    place = np.arange(length, dtype=np.float32)
    away = np.minimum(place, length - 1 - place)
    return np.asarray(np.sqrt(1 + np.exp(-np.square(away / NOISE_BLUR))), np.float32)
