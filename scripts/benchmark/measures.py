"""What scripts/benchmark/judge.py measures, and the network that it sees with."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf import ArtistyleError, ConfigError, InputError
from artistyle_tf.pictures.read import read
from artistyle_tf.pictures.sizes import resize, scale_to
from artistyle_tf.settings.presets import STYLE_LAYERS

ROOT = Path(__file__).resolve().parents[2]
CONTENT_LAYER = "block4_conv2"
MARGIN = 8
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
Grams = Mapping[str, np.ndarray]
Figures = dict[str, Any]


class Seen(NamedTuple):
    """What the judge sees of a picture."""

    grams: Grams
    """Style layer → normalised Gram matrix [N, N]."""
    content: np.ndarray
    """[H, W, N], activations of `CONTENT_LAYER`."""


def exit_status(name: str, work: Callable[[], None]) -> int:
    """Of the script of that name, after its work; what went wrong is one line."""
    try:
        work()
    except (ArtistyleError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return getattr(error, "exit_status", 1)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    return 0


def ratio(one: float, other: float) -> float:
    """NaN over nought."""
    return one / other if other else math.nan


def need_scipy() -> Any:
    """SciPy with the parts that are used here; scikit-image brings it."""
    try:
        import scipy.ndimage
        import scipy.spatial
    except ImportError:
        raise InputError("SciPy is missing, which comes with scikit-image; install that") from None
    return scipy


def shrunk(rgb: np.ndarray, longer: int) -> np.ndarray:
    """A uint8 picture at that longer side, enlarged if need be."""
    return resize(rgb, scale_to(rgb.shape[:2], longer))


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


def oklab(rgb: np.ndarray) -> np.ndarray:
    """sRGB [..., 3], 0-255 → float64 [..., 3], L a b of OKLab (Ottosson 2020); L is 0 to 1."""
    level = np.asarray(rgb, float) / 255
    linear = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    mixed: np.ndarray = np.cbrt(linear @ TO_CONES.T) @ TO_LAB.T
    return mixed


def off_palette(rgb: np.ndarray, style: np.ndarray) -> float:
    """Share of a uint8 picture's pixels in colours that the style does not have.

    Those are the pixels whose fifth-nearest pixel of the style is farther than 0.03 in OKLab. Both
    pictures are taken at a longer side of 256 px and blurred by a Gaussian of 1 px: grain is not a
    colour, and the greys between the black and white lines of an etching are its own. With only the
    picture blurred, photos and paintings would still be within 0.002 of their own palette; blurred
    alike, they are within 0.0002.
    """
    scipy = need_scipy()
    one, other = (
        oklab(scipy.ndimage.gaussian_filter(shrunk(each, 256).astype(float), (1, 1, 0)))
        for each in (rgb, style)
    )
    nearest = scipy.spatial.cKDTree(other.reshape(-1, 3)).query(
        one.reshape(-1, 3), k=5, distance_upper_bound=0.03
    )[0]
    return float(np.mean(np.isinf(nearest[:, -1])))


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
    from artistyle_tf.objective.losses import content_loss, style_loss

    each = [style_loss(picture.grams[layer], target) for layer, target in style.grams.items()]
    return alpha * float(content_loss(picture.content, content.content)) + beta * float(sum(each))


def network(weights: Any, padding: str = "zeros") -> Callable[[np.ndarray], Seen]:
    """uint8 RGB [H, W, 3] → what these weights (a name, a file or loaded ones) see of it."""
    import tensorflow as tf

    from artistyle_tf.network.extractor import build_feature_extractor, constant_network
    from artistyle_tf.network.precision import true_float32
    from artistyle_tf.objective.losses import gram_matrix
    from artistyle_tf.pictures.network_scale import to_network

    extractor = build_feature_extractor(weights, (*STYLE_LAYERS, CONTENT_LAYER), padding=padding)
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

    def judge(
        self, rgb: np.ndarray, see: Callable[[np.ndarray], Seen], alpha: float, beta: float
    ) -> Figures:
        """All figures of a uint8 picture."""
        size = rgb.shape[:2]
        if size not in self._seen:
            content, style = (picture.rgb for picture in self.pictures)
            style = resize(style, scale_to(style.shape[:2], max(size)))
            self._seen = {size: (see(resize(content, size)), see(style), style)}
        content, style, pixels = self._seen[size]
        seen, sides = see(rgb), border(rgb)
        even = list(sides.values())
        layers = closed(seen.grams, content.grams, style.grams)
        return {
            "closed": float(np.mean(list(layers.values()))),
            "content_error": content_error(seen.content, content.content),
            "grain": grain(rgb, pixels),
            "off_palette": off_palette(rgb, self.pictures[1].rgb),
            "border": {"worst": float(np.max(even)), "mean": float(np.mean(even))},
            "saved_objective": objective(seen, content, style, alpha, beta),
            "closed_by_layer": layers,
            "border_by_side": sides,
            "colours_by_side": border(colours(rgb)),
        }


def default_pairs() -> list[tuple[Path, Path]]:
    """Pictures that may be published: ours, and public-domain or CC0 ones in scikit-image."""
    try:
        import skimage
    except ImportError:
        raise InputError(
            "scikit-image, which has the pictures, is missing; name a --pair"
        ) from None
    data, samples = Path(skimage.__file__).parent / "data", ROOT / "artistyle_tf" / "samples"
    night = samples / "style.jpg"
    return [
        (samples / "content.jpg", night),
        (data / "astronaut.png", night),
        (data / "chelsea.png", data / "ihc.png"),
        (data / "coffee.png", data / "retina.jpg"),
        (data / "rocket.jpg", data / "ihc.png"),
        (data / "camera.png", night),
    ]


def read_pairs(texts: Sequence[str], most: int | None = None) -> list[Pair]:
    """The pairs of --pair="CONTENT,STYLE", or the default ones, the first `most` of them."""
    split = [tuple(Path(path) for path in text.split(",") if path) for text in texts]
    for text, paths in zip(texts, split, strict=True):
        if len(paths) != 2:
            raise ConfigError(f"--pair={text!r} must be two files: --pair=CONTENT,STYLE")
    pairs = [Pair(*paths) for paths in split or default_pairs()[:most]]
    if len({pair.name for pair in pairs}) < len(pairs):
        raise ConfigError("two pairs have the same names; rename their files")
    return pairs
