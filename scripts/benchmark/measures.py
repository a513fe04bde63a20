"""What scripts/benchmark/judge.py measures, and the network that it sees with.

Colours, patches and strokes are figures that no run lowers. uint8 pictures are sRGB [H, W, 3].
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from artistyle_tf import ConfigError, InputError, samples
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.images.color import luminance, oklab
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import resample, resize, scale_to

CONTENT_LAYER = "block4_conv2"
MARGIN = 8
NEIGHBOURS, NEAR = 5, 0.03
SIDE = 7
"""Of a patch, px."""
SCALES = ("fine", "middle", "coarse")
MOST_PATCHES, QUANTILES = 16384, 1024
Grams = Mapping[str, np.ndarray]
Figures = dict[str, Any]


class Seen(NamedTuple):
    """What the judge sees of a picture."""

    grams: Grams
    """Style layer → normalised Gram matrix [N, N]."""
    content: np.ndarray
    """[H, W, N], activations of `CONTENT_LAYER`."""


See = Callable[[np.ndarray], Seen]


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


# Steps and activations


def step(pixels: np.ndarray, axis: int) -> float:
    """Mean |difference of neighbours| along that axis; NaN where there are none."""
    steps = np.abs(np.diff(pixels.astype(float), axis=axis))
    return float(steps.mean()) if steps.size else math.nan


def colours(rgb: np.ndarray) -> np.ndarray:
    """[H, W, 3] → [H, W, 2], c = (R - G, B - G)."""
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
    return np.stack([red - green, blue - green], -1)


def colour_steps(rgb: np.ndarray) -> float:
    """Mean |c's step to the right| + mean |c's step down|."""
    colour = colours(rgb)
    return step(colour, 1) + step(colour, 0)


def grain(rgb: np.ndarray, style: np.ndarray) -> float:
    """Colour steps of a uint8 picture over those of the style; NaN for a style without any."""
    return ratio(colour_steps(rgb), colour_steps(style))


def border(pixels: np.ndarray) -> dict[str, float]:
    """Steps along the four sides over those in the interior, of all channels alike: 1 is even.

    The top is the mean |step| between horizontal neighbours in the first two rows, over the mean
    |step| between horizontal neighbours in the interior, which begins 8 px in from each side. So is
    the bottom; left and right are columns, with vertical neighbours here and there.
    """
    inside = pixels[MARGIN:-MARGIN, MARGIN:-MARGIN]
    across, down = step(inside, 1), step(inside, 0)
    return {
        "top": ratio(step(pixels[:2], 1), across),
        "bottom": ratio(step(pixels[-2:], 1), across),
        "left": ratio(step(pixels[:, :2], 0), down),
        "right": ratio(step(pixels[:, -2:], 0), down),
    }


def distances(grams: Grams, target: Grams) -> dict[str, float]:
    """|G - T| / |T| by layer (Frobenius norms)."""
    norm = np.linalg.norm
    return {k: ratio(float(norm(grams[k] - t)), float(norm(t))) for k, t in target.items()}


def closed(picture: Grams, content: Grams, style: Grams) -> dict[str, float]:
    """1 - d(picture) / d(content) by layer."""
    ways, whole = distances(picture, style), distances(content, style)
    return {layer: 1 - ratio(way, whole[layer]) for layer, way in ways.items()}


def content_error(picture: np.ndarray, content: np.ndarray) -> float:
    """Mean (F - P)² over mean P²."""
    error = np.mean((picture - content) ** 2, dtype=float)
    return ratio(float(error), float(np.mean(content**2, dtype=float)))


def objective(picture: Seen, content: Seen, style: Seen, alpha: float, beta: float) -> float:
    """The common form: alpha mean((F - P)²) + beta Σ_l mean((G_l - A_l)²)."""
    from artistyle_tf.objective.losses import style_loss

    each = [style_loss(picture.grams[layer], target) for layer, target in style.grams.items()]
    apart = np.mean((picture.content - content.content) ** 2, dtype=float)
    return alpha * float(apart) + beta * float(sum(each))


def network(weights: Any) -> See:
    """uint8 RGB [H, W, 3] → what these weights (a name, a file or loaded ones) see of it."""
    import tensorflow as tf

    from artistyle_tf.images.network_scale import to_network
    from artistyle_tf.objective.losses import gram_matrix
    from artistyle_tf.vgg.extractor import build_feature_extractor, constant_network
    from artistyle_tf.vgg.precision import true_float32

    extractor = build_feature_extractor(weights, (*STYLE_LAYERS, CONTENT_LAYER))
    features = constant_network(extractor)

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])], autograph=False)
    def traced(image: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        found = features(image)
        return {k: gram_matrix(found[k])[0] for k in STYLE_LAYERS}, found[CONTENT_LAYER][0]

    def see(rgb: np.ndarray) -> Seen:
        with true_float32():
            grams, content = traced(tf.constant(to_network(rgb)))
        return Seen({layer: gram.numpy() for layer, gram in grams.items()}, content.numpy())

    return see


class Pair:
    """A content and a style, seen at the sizes of the pictures that are judged by them."""

    def __init__(self, content: Path, style: Path):
        self.paths = content, style
        self.name = f"{content.stem} × {style.stem}"
        self.pictures = read(content), read(style)
        self._seen: dict[tuple[int, ...], tuple[Seen, Seen, np.ndarray]] = {}

    def judge(self, rgb: np.ndarray, see: See, alpha: float, beta: float) -> Figures:
        """All figures of a uint8 picture."""
        size = rgb.shape[:2]
        if size not in self._seen:
            photo, painting = (picture.rgb for picture in self.pictures)
            painting = shrunk(painting, max(size))
            self._seen = {size: (see(resize(photo, size)), see(painting), painting)}
        content, style, pixels = self._seen[size]
        seen, sides = see(rgb), border(rgb)
        even = list(sides.values())
        layers = closed(seen.grams, content.grams, style.grams)
        return {
            "closed": float(np.mean(list(layers.values()))),
            "content_error": content_error(seen.content, content.content),
            "grain": grain(rgb, pixels),
            "off_palette": off_palette(rgb, self.pictures[1].rgb),
            "patches": patch_distances(rgb, pixels),
            "strokes": strokes(rgb, pixels),
            "border": {"worst": float(np.max(even)), "mean": float(np.mean(even))},
            "saved_objective": objective(seen, content, style, alpha, beta),
            "closed_by_layer": layers,
            "border_by_side": sides,
            "colours_by_side": border(colours(rgb)),
        }


def skimage_data() -> Path:
    """Where scikit-image has its pictures, which may be published."""
    try:
        import skimage
    except ImportError:
        raise InputError("scikit-image is missing, which has pictures that are used here") from None
    return Path(skimage.__file__).parent / "data"


def default_pairs() -> list[tuple[Path, Path]]:
    """Pictures that may be published: ours, and public-domain or CC0 ones of installed packages."""
    import matplotlib

    data, night, harbour = skimage_data(), samples.style(), samples.content()
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return [
        (harbour, night),
        (data / "astronaut.png", night),
        (data / "chelsea.png", data / "ihc.png"),
        (data / "coffee.png", data / "retina.jpg"),
        (data / "rocket.jpg", data / "ihc.png"),
        (data / "camera.png", night),
        (hopper, night),
        (hopper, data / "ihc.png"),
        (harbour, data / "retina.jpg"),
        (data / "chelsea.png", data / "gravel.png"),
        (data / "coffee.png", data / "brick.png"),
        (data / "astronaut.png", data / "hubble_deep_field.jpg"),
    ]


def listed(file: Path) -> list[str]:
    """The lines CONTENT,STYLE of a text file, as paths beside it; # begins a comment."""
    try:
        lines = [line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--pairs={file} can't be read: {error}") from None
    texts = [
        ",".join(str(file.parent / one.strip()) for one in line.split(","))
        for line in lines
        if line
    ]
    if not texts:
        raise ConfigError(f"--pairs={file} has no line CONTENT,STYLE")
    return texts


def read_pairs(texts: Sequence[str]) -> list[Pair]:
    """The pairs of --pair="CONTENT,STYLE", or the default ones."""
    split = [tuple(Path(path) for path in text.split(",") if path) for text in texts]
    for text, paths in zip(texts, split, strict=True):
        if len(paths) != 2:
            raise ConfigError(f"--pair={text!r} must be two files: --pair=CONTENT,STYLE")
    pairs = [Pair(*paths) for paths in split or default_pairs()]
    if len({pair.name for pair in pairs}) < len(pairs):
        raise ConfigError("two pairs have the same names; rename their files")
    return pairs
