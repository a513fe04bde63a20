"""Figures of a picture beside a painting that no run lowers: colours, patches, strokes, E.

All are NumPy and SciPy, which comes with scikit-image. uint8 pictures are sRGB [H, W, 3].
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from artistyle_tf.images.color import luminance, oklab
from artistyle_tf.images.sizes import resample, resize, scale_to

NEIGHBOURS, NEAR = 5, 0.03
SIDE = 7
"""Of a patch, px."""
SCALES = ("fine", "middle", "coarse")
MOST_PATCHES, QUANTILES = 16384, 1024
E_LAYERS = {
    "block1_conv1": (32, 0.7468),
    "block2_conv1": (48, 0.2557),
    "block3_conv1": (128, 2.3768),
}
"""Layer → (dimensions kept, weight in E)."""
RIDGE, LEAST = 1e-6, 1e-6


def ratio(one: float, other: float) -> float:
    """NaN over nought."""
    return one / other if other else math.nan


def shrunk(rgb: np.ndarray, longer: int) -> np.ndarray:
    """A uint8 picture at that longer side, enlarged if need be."""
    return resize(rgb, scale_to(rgb.shape[:2], longer))


# Colours


def off_palette(rgb: np.ndarray, style: np.ndarray) -> float:
    """Share of a uint8 picture's pixels in colours that the style does not have.

    Those are the pixels whose fifth-nearest pixel of the style is farther than 0.03 in OKLab. Both
    pictures are taken at a longer side of 256 px and blurred by a Gaussian of 1 px: grain is not a
    colour, and the greys between the black and white lines of an etching are its own. With only the
    picture blurred, photos and paintings would still be within 0.002 of their own palette; blurred
    alike, they are within 0.0002.
    """
    from scipy import ndimage, spatial

    def colours_of(each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Different colours and how many pixels have each: the tree is slow with many alike."""
        blurred = ndimage.gaussian_filter(shrunk(each, 256).astype(float), (1, 1, 0))
        levels, counts = np.unique(blurred.round(1).reshape(-1, 3), axis=0, return_counts=True)
        return oklab(levels), counts

    (own, counts), (others, times) = map(colours_of, (rgb, style))
    tree = spatial.cKDTree(np.repeat(others, np.minimum(times, NEIGHBOURS), axis=0))
    away = tree.query(own, k=NEIGHBOURS, distance_upper_bound=NEAR)[0][:, -1]
    return float(counts[np.isinf(away)].sum() / counts.sum())


# Patches


def bands(rgb: np.ndarray) -> list[np.ndarray]:
    """Three octaves of a Laplacian pyramid, fine to coarse: float32 [H, W, 3] at 1, 1/2 and 1/4.

    The first two are what each halving takes away, the last is what remains, colours included.
    """
    levels = [rgb.astype(np.float32)]
    for _ in SCALES[1:]:
        height, width = (max(SIDE, round(side / 2)) for side in levels[-1].shape[:2])
        levels.append(resample(levels[-1], (height, width)))
    lost = [
        fine - resample(coarse, (fine.shape[0], fine.shape[1]))
        for fine, coarse in itertools.pairwise(levels)
    ]
    return [*lost, levels[-1]]


def projected(band: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Quantiles [D, Q] of a band's patches along directions [D, 147]."""
    windows = sliding_window_view(band, (SIDE, SIDE), (0, 1))
    height, width = windows.shape[:2]
    chosen = np.random.default_rng(0).permutation(height * width)[:MOST_PATCHES]
    patches = windows[chosen // width, chosen % width].reshape(len(chosen), -1)
    ranks = (np.arange(QUANTILES) + 0.5) / QUANTILES * len(chosen)
    return np.sort(directions @ patches.T, axis=-1)[:, ranks.astype(int)]


def patch_distances(rgb: np.ndarray, style: np.ndarray) -> dict[str, float]:
    """Sliced Wasserstein distance of the 7×7 patches of two uint8 pictures, by scale and mean.

    After Karras et al. 2018 (arXiv:1710.10196), sec. 5: patches of a Laplacian pyramid, along
    random directions. Here it is in grey levels: pictures are not normalised, it is W2, and the
    directions are the axes of one random rotation of all 147 values, fixed, so that a shift of all
    values by c is c at the coarse scale. At most 16384 patches a scale are compared, by 1024
    quantiles, so the pictures' sizes may differ. Without a pyramid the colours are all it would
    see: a photo recoloured like the painting would be nearer than a painted one.
    """
    normal = np.random.default_rng(0).normal(size=(3 * SIDE * SIDE, 3 * SIDE * SIDE))
    directions = np.linalg.qr(normal)[0].astype(np.float32)
    each = {
        scale: float(np.sqrt(np.mean((projected(a, directions) - projected(b, directions)) ** 2)))
        for scale, a, b in zip(SCALES, bands(rgb), bands(style), strict=True)
    }
    return {"mean": float(np.mean(list(each.values()))), **each}


# Strokes


def stroke_width(rgb: np.ndarray) -> float:
    """Width at half maximum of the luminance's autocorrelation, px; NaN for an even picture.

    A Gaussian of 1/32 of the longer side is taken away first; with twice that, the composition
    counts for more than the strokes do. The correlation at a distance is the mean over all
    directions.
    """
    from scipy import ndimage

    grey = luminance(rgb)
    grey -= ndimage.gaussian_filter(grey, max(grey.shape) / 32)
    grey -= grey.mean()
    around = [2 * side for side in grey.shape]  # room, so that nothing wraps around
    summed = np.fft.irfft2(np.abs(np.fft.rfft2(grey, around)) ** 2, around)
    counts = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones_like(grey), around)) ** 2, around)
    farthest = min(grey.shape) // 2
    shifts = np.arange(-farthest, farthest + 1)
    mean = summed[np.ix_(shifts, shifts)] / counts[np.ix_(shifts, shifts)]
    away = np.hypot(*np.meshgrid(shifts, shifts))
    ring = np.rint(away).astype(int)
    within = ring <= farthest
    rings = np.bincount(ring[within])
    radius = np.bincount(ring[within], away[within]) / rings
    level = np.bincount(ring[within], mean[within]) / rings
    if not level[0] > 0:
        return math.nan
    below = int(np.argmax(level < level[0] / 2))
    if not below:
        return math.nan
    near, far = level[below - 1], level[below]
    part = (near - level[0] / 2) / (near - far)
    return 2 * float(radius[below - 1] + part * (radius[below] - radius[below - 1]))


def strokes(rgb: np.ndarray, style: np.ndarray) -> float:
    """Width of a uint8 picture's strokes over that of the style's."""
    return ratio(stroke_width(rgb), stroke_width(style))


# E


class Fit(NamedTuple):
    """A Gaussian fitted to a layer's activations, float64."""

    mean: np.ndarray
    """[N]."""
    covariance: np.ndarray
    """[N, N]."""


Fits = Mapping[str, Fit]
Bases = Mapping[str, np.ndarray]
"""Layer → orthonormal columns [N, K]."""


def bases_of(fits: Sequence[Fits]) -> dict[str, np.ndarray]:
    """The principal axes of the covariance averaged over some pictures, for each layer of E."""
    found = {}
    for layer, (kept, _) in E_LAYERS.items():
        average = np.mean([fit[layer].covariance for fit in fits], axis=0)
        found[layer] = np.linalg.eigh(average)[1][:, ::-1][:, :kept]
    return found


def divergence(one: Fit, other: Fit) -> float:
    """Kullback-Leibler divergence of the Gaussian `one` from `other`, nats."""
    count = len(one.mean)
    ridge = RIDGE * np.trace(other.covariance) / count * np.eye(count)
    first, second = one.covariance + ridge, other.covariance + ridge
    away = other.mean - one.mean
    logs = np.linalg.slogdet(second)[1] - np.linalg.slogdet(first)[1]
    terms = np.trace(np.linalg.solve(second, first)) + away @ np.linalg.solve(second, away)
    return float(terms - count + logs) / 2


def effectiveness(picture: Fits, style: Fits, bases: Bases) -> dict[str, float]:
    """E and its parts by layer, the higher the nearer to the style: of two pictures of one pair.

    E of Yeh et al. 2020 (arXiv:1910.09447), which is fitted to what people preferred: 0.7468 E1 +
    0.2557 E2 + 2.3768 E3, with E_l = -log KL of the picture's Gaussian fit from the style's, at
    block1_conv1, block2_conv1 and block3_conv1 on 32, 48 and 128 principal axes. The formula and
    the direction of KL are those of their repository, stringtron/quantative_style. What differs:

    - their axes are of the 200 test photos of BSDS500 and are not published; ours are of six photos
      of scikit-image (12 or 24 others moved E by 0.4 at most);
    - pictures are taken as they are judged, theirs at a shorter side of 512 px;
    - the filters are those of --weights; theirs are VGG19 with activations scaled to a mean of 1;
    - covariances get 1e-6 of the style's mean variance, so that an even style has a figure too, and
      KL below 1e-6 counts as 1e-6, or the style itself would have no figure.

    So E is for comparisons within our own tables, not with theirs; below 64 px there are too few
    places at block3_conv1 for its 128 axes.
    """
    each = {}
    for layer, basis in bases.items():
        one, other = (
            Fit(fit[layer].mean @ basis, basis.T @ fit[layer].covariance @ basis)
            for fit in (picture, style)
        )
        each[layer] = -math.log(max(divergence(one, other), LEAST))
    return {"E": sum(E_LAYERS[layer][1] * value for layer, value in each.items()), **each}
