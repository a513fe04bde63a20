"""What scripts/benchmark/judge.py measures, and the network that it sees with."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from referees import (
    E_LAYERS,
    Bases,
    Fit,
    Fits,
    bases_of,
    effectiveness,
    off_palette,
    patch_distances,
    ratio,
    shrunk,
    strokes,
)

from artistyle_tf import ConfigError, InputError, samples
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import resize

CONTENT_LAYER = "block4_conv2"
MARGIN = 8
Grams = Mapping[str, np.ndarray]
Figures = dict[str, Any]


class Seen(NamedTuple):
    """What the judge sees of a picture."""

    grams: Grams
    """Style layer → normalised Gram matrix [N, N]."""
    content: np.ndarray
    """[H, W, N], activations of `CONTENT_LAYER`."""
    fits: Fits
    """Layer of E → Gaussian fit."""


See = Callable[[np.ndarray], Seen]


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

    def fitted(found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = tf.reshape(tf.cast(found, tf.float64), [-1, found.shape[-1]])
        mean = tf.reduce_mean(rows, axis=0)
        away = rows - mean
        return mean, tf.matmul(away, away, transpose_a=True) / tf.cast(
            tf.shape(rows)[0], rows.dtype
        )

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])], autograph=False)
    def traced(image: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor, dict[str, Any]]:
        found = features(image)
        grams = {k: gram_matrix(found[k])[0] for k in STYLE_LAYERS}
        return grams, found[CONTENT_LAYER][0], {k: fitted(found[k][0]) for k in E_LAYERS}

    def see(rgb: np.ndarray) -> Seen:
        with true_float32():
            grams, content, fits = traced(tf.constant(to_network(rgb)))
        return Seen(
            {layer: gram.numpy() for layer, gram in grams.items()},
            content.numpy(),
            {layer: Fit(*(part.numpy() for part in fit)) for layer, fit in fits.items()},
        )

    return see


class Pair:
    """A content and a style, seen at the sizes of the pictures that are judged by them."""

    def __init__(self, content: Path, style: Path):
        self.paths = content, style
        self.name = f"{content.stem} × {style.stem}"
        self.pictures = read(content), read(style)
        self._seen: dict[tuple[int, ...], tuple[Seen, Seen, np.ndarray]] = {}

    def judge(
        self, rgb: np.ndarray, see: See, alpha: float, beta: float, bases: Bases | None = None
    ) -> Figures:
        """All figures of a uint8 picture; E only with the `bases` that `e_bases` gives."""
        size = rgb.shape[:2]
        if size not in self._seen:
            photo, painting = (picture.rgb for picture in self.pictures)
            painting = shrunk(painting, max(size))
            self._seen = {size: (see(resize(photo, size)), see(painting), painting)}
        content, style, pixels = self._seen[size]
        seen, sides = see(rgb), border(rgb)
        even = list(sides.values())
        layers = closed(seen.grams, content.grams, style.grams)
        e = effectiveness(seen.fits, style.fits, bases) if bases else {}
        return {
            "closed": float(np.mean(list(layers.values()))),
            "content_error": content_error(seen.content, content.content),
            "grain": grain(rgb, pixels),
            "off_palette": off_palette(rgb, self.pictures[1].rgb),
            "patches": patch_distances(rgb, pixels),
            "strokes": strokes(rgb, pixels),
            **({"e": e.pop("E"), "e_by_layer": e} if e else {}),
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


def e_bases(see: See) -> Bases:
    """The axes of E: of six photos of scikit-image with a longer side of 256 px."""
    names = "astronaut.png camera.png chelsea.png coffee.png motorcycle_left.png rocket.jpg"
    folder = skimage_data()
    return bases_of([see(shrunk(read(folder / name).rgb, 256)).fits for name in names.split()])


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
