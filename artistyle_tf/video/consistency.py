"""Where an optical flow is to be trusted: the tests of Ruder, Dosovitskiy and Brox 2016.

"Artistic style transfer for videos", arXiv:1604.08610, section 3, which takes them from Sundaram,
Brox and Keutzer 2010. NumPy and OpenCV.
"""

from collections.abc import Sequence

import numpy as np

from artistyle_tf.video.warp import inside, warped

__all__ = ["consistency", "disoccluded", "long_term", "merged", "motion_boundary"]


def disoccluded(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """bool [H, W]: what of the later frame can't be seen in the earlier one.

    |w̃ + ŵ|² > 0.01 (|w̃|² + |ŵ|²) + 0.5 with w̃(p) = w(p + ŵ(p)): the way there and back again
    doesn't end where it began. What lies outside the earlier frame is unseen as well.

    Args:
      backward: ŵ, float32 [H, W, 2], from the later frame to the earlier one, in px.
      forward: w, likewise, from the earlier to the later one.
    """
    back = warped(forward, backward)
    away = _square(back + backward)
    there = _square(back) + _square(backward)
    return (away > 0.01 * there + 0.5) | ~inside(backward)


def motion_boundary(backward: np.ndarray) -> np.ndarray:
    """bool [H, W]: where the flow ŵ = (û, v̂) changes abruptly and is thus least exact.

    |∇û|² + |∇v̂|² > 0.01 |ŵ|² + 0.002, with derivatives forward, 0 at the last row and column.
    """
    down = np.diff(backward, axis=0, append=backward[-1:])
    right = np.diff(backward, axis=1, append=backward[:, -1:])
    return _square(down) + _square(right) > 0.01 * _square(backward) + 0.002


def consistency(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """c, float32 [H, W]: 0 where disoccluded or at a motion boundary, 1 elsewhere."""
    doubtful = disoccluded(backward, forward) | motion_boundary(backward)
    return np.where(doubtful, 0, 1).astype(np.float32)


def long_term(each: Sequence[np.ndarray]) -> list[np.ndarray]:
    """c_long of the earlier frames, the nearest first: each pixel counts with the nearest of them.

    c_long^(i−j) = max(c^(i−j) − Σ of c^(i−k) over the nearer k < j, 0), of the paper's long-term
    loss.
    """
    found, before = [], np.zeros_like(each[0])
    for one in each:
        found.append(np.maximum(one - before, 0))
        before = before + one
    return found


def merged(
    pictures: Sequence[np.ndarray], weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """One picture and its weights that stand for all of them.

    With C = Σ c_j and W = Σ c_j w_j / C, Σ c_j (x − w_j)² is C (x − W)² and what doesn't depend on
    x: the gradient is the same, and where every c is 0 or 1 and each pixel counts once, so is the
    value.

    Args:
      pictures: float32 [H, W, 3] each, of one scale.
      weights: float32 [H, W] each.

    Returns:
      W, float32 [H, W, 3], the first picture where C is 0; and C, float32 [H, W].
    """
    total = np.sum(weights, axis=0)
    mean = sum(c[..., None] * w for c, w in zip(weights, pictures, strict=True))
    known = total > 0
    picture = np.where(known[..., None], mean / np.where(known, total, 1)[..., None], pictures[0])
    return picture.astype(np.float32), total.astype(np.float32)


def _square(vectors: np.ndarray) -> np.ndarray:
    """[H, W, 2] → [H, W]: the squared lengths."""
    return np.sum(np.square(vectors), axis=-1)
