"""The objective: image → (value, gradient), its targets computed once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from artistyle_tf import losses
from artistyle_tf.color import to_network
from artistyle_tf.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.features import Features, build_feature_extractor, constant_network
from artistyle_tf.images import Picture, output_size, read, resize
from artistyle_tf.pyramid import fill_cells, scale_to
from artistyle_tf.recolor import recolor
from artistyle_tf.start import read_start, start_image
from artistyle_tf.weights import Weights, load

__all__ = [
    "BoundObjective",
    "Objective",
    "Parts",
    "Targets",
    "build_objective",
    "canvas",
    "level_targets",
]


class Targets(NamedTuple):
    """What the losses compare with. Tensors only, so that one traced function serves them all."""

    content: Features
    """Layer → activations of the content picture, [1, H_l, W_l, N_l]."""
    style: Features
    """Layer → normalised Gram matrix of the style, [1, N_l, N_l]."""
    balance: Features
    """Style layer → factor [] of its loss beside the weights: 1, or what `balanced` found."""


class Parts(NamedTuple):
    """The objective taken apart; every figure has its weights in it, and they add up to `value`."""

    value: tf.Tensor
    content: dict[str, tf.Tensor]
    style: dict[str, tf.Tensor]
    total_variation: tf.Tensor


class Objective:
    """α · content + β · style + total variation, of a `Config`, for pictures of any size.

    The common form is α Σ_l a_l · mean((F_l − P_l)²) + β Σ_l b_l · mean((G_l/NM − A_l/NM)²);
    with formula "paper" each mean has the constant of the published equation before it.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        *,
        dtype: str = "float32",
        convolutions: str | None = None,
    ):
        """With `convolutions` in another dtype, like bfloat16, all else stays in `dtype`."""
        self.config = config
        self.extractor = build_feature_extractor(
            weights, config.layers, config.pooling, dtype=dtype
        )
        self._network = constant_network(self.extractor, convolutions)
        self._content = config.layer_weights("content")
        self._style = config.layer_weights("style")
        image = tf.TensorSpec([1, None, None, 3], dtype)
        shapes = {name: output.shape for name, output in self.extractor.output.items()}
        grams = {name: [1, shapes[name][-1], shapes[name][-1]] for name in self._style}
        self.targets_spec = Targets(
            {name: tf.TensorSpec([1, *shapes[name][1:]], dtype) for name in self._content},
            {name: tf.TensorSpec(shape, dtype) for name, shape in grams.items()},
            {name: tf.TensorSpec([], dtype) for name in self._style},
        )
        # Not the Keras model itself: where weights are promised to be frozen, eager convolutions of
        # equal shape would share what oneDNN packed for the first of them.
        self._features = tf.function(self._seen, input_signature=[image], autograph=False)
        self.value_and_gradient = tf.function(
            self._value_and_gradient,
            input_signature=[image, self.targets_spec],
            autograph=False,
            # A minimiser may call it in many places; the graph then holds the network once.
            experimental_attributes={"_noinline": True},
        )
        """(image [1, H, W, 3], targets) → (value [], gradient [1, H, W, 3]); traced once."""

    def targets(self, content: Any, styles: Sequence[Any], shares: Sequence[float]) -> Targets:
        """Targets from pictures [1, H, W, 3] in the network's scale, each of its own size.

        The Gram matrices of several styles are added in the given shares, which sum to 1.
        """
        seen = self._extract(content)
        grams: Features = {}
        for style, share in zip(styles, shares, strict=True):
            features = self._extract(style)
            for name in self._style:
                gram = share * losses.gram_matrix(features[name])
                grams[name] = grams[name] + gram if name in grams else gram
        ones = {name: tf.ones([], self.extractor.input.dtype) for name in self._style}
        content = {name: losses.at_least_float32(seen[name]) for name in self._content}
        return Targets(content, grams, ones)

    def balanced(self, image: tf.Tensor, targets: Targets) -> Targets:
        """The targets with such factors that at `image` every style layer has an equal share.

        Equal, times the layer's weight; the style's loss as a whole stays what it is there. A layer
        without any loss at `image` keeps its factor.
        """
        found = self.parts(image, targets).style
        total, weights = tf.add_n(list(found.values())), sum(self._style.values())
        factors = {
            name: tf.math.divide_no_nan(total * (self._style[name] / weights), loss)
            for name, loss in found.items()
        }
        old = targets.balance
        return targets._replace(
            balance={
                name: old[name] * tf.where(found[name] > 0, factor, tf.ones_like(factor))
                for name, factor in factors.items()
            }
        )

    def parts(self, image: tf.Tensor, targets: Targets) -> Parts:
        """The value and what it is made of. One forward pass, outside the traced function."""
        return self._parts(image, self._extract(image), targets)

    def _seen(self, image: tf.Tensor) -> Features:
        return self._network(image)

    def _extract(self, image: Any) -> Features:
        return self._features(tf.convert_to_tensor(image, self.extractor.input.dtype))

    def _parts(self, image: tf.Tensor, features: Features, targets: Targets) -> Parts:
        config, paper = self.config, self.config.formula == "paper"
        content, style = {}, {}
        for name, weight in self._content.items():
            loss = losses.content_loss(features[name], targets.content[name])[0]
            scale = losses.paper_content_scale(features[name]) if paper else 1
            content[name] = config.content_weight * weight * scale * loss
        for name, weight in self._style.items():
            gram = losses.gram_matrix(features[name])
            loss = losses.style_loss(gram, targets.style[name])[0]
            scale = losses.paper_style_scale(gram) if paper else 1
            style[name] = config.style_weight * weight * scale * targets.balance[name] * loss
        variation = tf.zeros([], image.dtype)
        if config.tv_weight:
            published = config.formula == "neural-style"
            tv = losses.neural_style_variation if published else losses.total_variation
            variation = config.tv_weight * tv(image)[0]
        value = tf.add_n([*content.values(), *style.values(), variation])
        return Parts(value, content, style, variation)

    def _value_and_gradient(
        self, image: tf.Tensor, targets: Targets
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            value = self._parts(image, self._network(image), targets).value
        return value, tape.gradient(value, image)


class BoundObjective:
    """An `Objective` with its targets: image → (value, gradient)."""

    def __init__(self, objective: Objective, targets: Targets, size: tuple[int, int]):
        self.objective, self.targets = objective, targets
        self.size = size
        """(height, width) of the image."""

    def __call__(self, image: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """[1, H, W, 3] BGR, mean subtracted → (value [], gradient of the image's shape)."""
        return self.objective.value_and_gradient(self._tensor(image), self.targets)

    def parts(self, image: Any) -> Parts:
        """The value by layer."""
        return self.objective.parts(self._tensor(image), self.targets)

    def _tensor(self, image: Any) -> tf.Tensor:
        tensor = tf.cast(tf.convert_to_tensor(image), self.objective.extractor.input.dtype)
        if tensor.shape != (1, *self.size, 3):
            raise ConfigError(
                f"the image is {list(tensor.shape)}; it must be {[1, *self.size, 3]}, see `size`"
            )
        return tensor


def build_objective(content: Any, styles: Any, config: Config | None = None) -> BoundObjective:
    """The objective of a run at its finest level, for your own minimiser.

    Args:
      content: path, PIL image or uint8 array [H, W, 3].
      styles: one such picture, or a list of them.
      config: its `size` is the longer side of the result. All is float32 unless its `precision`
        says bfloat16: "auto" stands for speed in a run, and for the exact formulas here.

    Returns:
      A callable from image [1, *size, 3], float32, BGR minus `color.BGR_MEAN`, to
      (value [], gradient of the image's shape). Its attribute `size`, (height, width), is that of
      the result filled up to whole pooling cells, multiples of 16 px, as in `canvas`.
    """
    config = config or Config()
    styles = list(styles) if isinstance(styles, list | tuple) else [styles]
    config.shares(len(styles))
    picture, pictures = read(content), [read(style) for style in styles]
    convolutions = None if config.precision == "auto" else config.precision
    weights = load(config.weights, config.layers[-1])
    objective = Objective(config, weights, convolutions=convolutions)
    painted = canvas(picture, config.size)
    painted, rgbs = recolor(config.color, painted, [style.rgb for style in pictures])
    size = painted.shape[0], painted.shape[1]
    targets = level_targets(objective, painted, rgbs, size)
    if config.balance == "equal":
        start = start_image(config, painted, rgbs[0], read_start(config), size)
        targets = objective.balanced(tf.constant(start), targets)
    return BoundObjective(objective, targets, size)


def canvas(content: Picture, longer: int) -> np.ndarray:
    """What is painted: the content at the result's size, mirrored on to whole pooling cells.

    Args:
      content: the picture.
      longer: longer side of the result in px; 0: the content's own.

    Returns:
      uint8 [H, W, 3] sRGB, the result's height and width rounded up to multiples of 16.
    """
    return fill_cells(resize(content.rgb, output_size(content, longer)))


def level_targets(
    objective: Objective,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    size: tuple[int, int],
    *,
    finest: bool = True,
) -> Targets:
    """Targets at one size: the content at that size, the styles in proportion to its longer side.

    Args:
      objective: whose targets.
      content: uint8 [H, W, 3] sRGB.
      styles: uint8 [H, W, 3] sRGB each; they keep their own shape.
      size: (height, width) of the image to be made.
      finest: whether the styles are taken as they are, which the published formulas ask for. At a
        coarse level mirrored pixels fill their last pooling cells: pooling drops the last row of
        an odd number, and with it what zero padding does at that border; an image of whole cells
        has it, and composes itself about hiding it.
    """
    config = objective.config
    scaled = [_scaled(style, config.style_scale * max(size)) for style in styles]
    return objective.targets(
        to_network(resize(content, size)),
        [to_network(style if finest else fill_cells(style)) for style in scaled],
        config.shares(len(styles)),
    )


def _scaled(style: np.ndarray, longer: float) -> np.ndarray:
    """The style with that longer side, its aspect kept."""
    return resize(style, scale_to((style.shape[0], style.shape[1]), longer))
