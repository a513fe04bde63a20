"""Where an optical flow is reliable: the tests of Ruder, Dosovitskiy and Brox 2016.

"Artistic style transfer for videos", arXiv:1604.08610, section 3, after Sundaram, Brox and
Keutzer 2010. NumPy and OpenCV.
"""

from collections.abc import Sequence

import numpy as np

from artistyle_tf.video.warp import inside, warped

__all__ = ["consistency", "disoccluded", "long_term", "merged", "motion_boundary"]


def disoccluded(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """bool [H, W]: the pixels of the later frame that are not visible in the earlier one.

    |w̃ + ŵ|² > 0.01 (|w̃|² + |ŵ|²) + 0.5 with w̃(p) = w(p + ŵ(p)): following the flow there and back
    does not return to the start. Pixels that come from outside the earlier frame count too.

    Args:
      backward: ŵ, float32 [H, W, 2], the flow from the later frame to the earlier one, in px.
      forward: w, likewise, from the earlier frame to the later one.
    """
    back = warped(forward, backward)
    away = _square(back + backward)
    there = _square(back) + _square(backward)
    return (away > 0.01 * there + 0.5) | ~inside(backward)


def motion_boundary(backward: np.ndarray) -> np.ndarray:
    """bool [H, W]: where the flow ŵ = (û, v̂) changes abruptly, which makes it least accurate.

    |∇û|² + |∇v̂|² > 0.01 |ŵ|² + 0.002, with forward differences, 0 at the last row and column.
    """
    down = np.diff(backward, axis=0, append=backward[-1:])
    right = np.diff(backward, axis=1, append=backward[:, -1:])
    return _square(down) + _square(right) > 0.01 * _square(backward) + 0.002


def consistency(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """c, float32 [H, W]: 0 at disocclusions and motion boundaries, 1 elsewhere."""
    doubtful = disoccluded(backward, forward) | motion_boundary(backward)
    return np.where(doubtful, 0, 1).astype(np.float32)


def long_term(each: Sequence[np.ndarray]) -> list[np.ndarray]:
    """c_long of the earlier frames, nearest first: each pixel follows the nearest reliable frame.

    c_long^(i−j) = max(c^(i−j) − Σ of c^(i−k) over the nearer k < j, 0), from the paper's long-term
    loss.

    Args:
      each: c of each earlier frame, float32 [H, W], nearest first.
    """
    found, before = [], np.zeros_like(each[0])
    for one in each:
        found.append(np.maximum(one - before, 0))
        before = before + one
    return found


def merged(
    pictures: Sequence[np.ndarray], weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A single picture with weights that is equivalent to all the pictures.

    With C = Σ c_j and W = Σ c_j w_j / C, Σ c_j (x − w_j)² equals C (x − W)² plus a term that does
    not depend on x, so the gradient is the same. Where one c is 1 and the others are 0, the value
    is the same too.

    Args:
      pictures: float32 [H, W, 3] each, all on the same scale.
      weights: float32 [H, W] each.

    Returns:
      W, float32 [H, W, 3], with the first picture where C is 0; and C, float32 [H, W].
    """
    total = np.sum(weights, axis=0)
    mean = sum(c[..., None] * w for c, w in zip(weights, pictures, strict=True))
    known = total > 0
    picture = np.where(known[..., None], mean / np.where(known, total, 1)[..., None], pictures[0])
    return picture.astype(np.float32), total.astype(np.float32)


def _square(vectors: np.ndarray) -> np.ndarray:
    """[H, W, 2] → [H, W]: squared lengths."""
    return np.sum(np.square(vectors), axis=-1)
