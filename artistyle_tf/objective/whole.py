"""The objective: image → (value, gradient), with targets computed once."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import style_ratio
from artistyle_tf.config.validation import MAX_WEIGHT
from artistyle_tf.images.network_scale import BGR_MEAN
from artistyle_tf.objective import losses, moments, palette
from artistyle_tf.objective.moments import Moments
from artistyle_tf.objective.targets import Guides, Parts, StyleWeights, Sums, Targets, earlier_spec
from artistyle_tf.vgg.extractor import Features, build_feature_extractor, constant_network
from artistyle_tf.vgg.vgg19 import stride
from artistyle_tf.vgg.weights import Weights


class Objective:
    """α · content + β · style + terms of the pixels, for a `Config` and pictures of any size.

    The common form is α Σ_l a_l · mean((F_l − P_l)²) + β Σ_l b_l · mean((G_l/NM − A_l/NM)²);
    with statistics "w2" the style term's mean is W² / N (`wasserstein`). Published formulas put a
    constant factor before each mean (`losses`). With masks the style losses are summed over the
    regions. The last terms depend on the pixels only: total variation; and what is outside of
    0-255, the distance from the styles' colours (`palette`) and that from an earlier picture, each
    times the targets' mean squared activation, so that one weight suits every network.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        *,
        dtype: str = "float32",
        convolutions: str | None = None,
        regions: int = 0,
        fixed: tuple[int, int] | None = None,
        temporal: bool = False,
    ):
        """Everything but the convolutions is in `dtype`. `regions`: number of masks; 0: none.

        `fixed`: (height, width) of all images, traced with static shapes and filters as arguments,
        as XLA needs. `temporal`: the targets have an earlier picture, see `Targets.following`.
        """
        self.config = config
        self.extractor = build_feature_extractor(
            weights, config.layers, config.pooling, padding=config.padding, dtype=dtype
        )
        self._network = constant_network(self.extractor, convolutions, captured=fixed is not None)
        self._content = config.layer_weights("content")
        self._style = config.layer_weights("style")
        self._finds_weights = config.balance > 0 or config.style_weight is None
        computed = convolutions or dtype
        image = tf.TensorSpec([1, None, None, 3], dtype)
        self.image_spec = tf.TensorSpec([1, *fixed, 3], dtype) if fixed else image
        shapes = {name: output.shape for name, output in self.extractor.output.items()}
        self._channels = {name: shape[-1] for name, shape in shapes.items()}
        self._means = config.statistics == "w2"
        count = max(regions, 1)
        style = {
            name: moments.target_spec(count, self._channels[name], self._means, dtype)
            for name in self._style
        }
        guides = {name: [1, None, None, regions] for name in (self._style if regions else ())}
        self.targets_spec = Targets(
            {name: tf.TensorSpec([1, *shapes[name][1:]], computed) for name in self._content},
            style,
            {name: tf.TensorSpec([count], dtype) for name in self._style},
            {name: tf.TensorSpec(shape, dtype) for name, shape in guides.items()},
            tf.TensorSpec([], dtype),
            palette.specs(regions, dtype) if config.palette_weight and self._style else {},
            earlier_spec(self.image_spec) if temporal else {},
        )
        # Not the Keras model itself: if weights are promised to be frozen, eager convolutions of
        # equal shape would share the filters that oneDNN packed for the first of them.
        # `partial`: else TensorFlow counts the traces of all objectives together, and warns.
        self._features = tf.function(
            functools.partial(self._network), input_signature=[image], autograph=False
        )
        self.value_and_gradient = tf.function(
            functools.partial(self._value_and_gradient),
            input_signature=[self.image_spec, self.targets_spec],
            autograph=False,
            # An optimizer may call it in several places: this keeps a single network in its graph.
            experimental_attributes={"_noinline": True},
        )
        """(image [1, H, W, 3], targets) → (value [], gradient [1, H, W, 3]); traced once."""

    def statistics(self, style: Any, guide: Mapping[str, Any] | None = None) -> dict[str, Moments]:
        """Style layer → normalised moments of a picture [1, H, W, 3] on the network's scale, within
        one of `Guides.styles` if given."""
        inside = {name: self._tensor(one) for name, one in (guide or {}).items()}
        return self._moments(self._tensor(style), inside)

    def targets(
        self,
        content: Any,
        styles: Sequence[dict[str, Moments]],
        shares: Sequence[float],
        guides: Guides | None = None,
        colours: Features | None = None,
    ) -> Targets:
        """Targets from a content [1, H, W, 3] on the network's scale and `statistics` of styles.

        Those of several styles are averaged with `shares`, which sum to 1; with guides each stays
        separate, and the strengths include the shares. β is 1 until a pair is weighed.
        """
        activations = self._activations(self._tensor(content))
        within: Features = {}
        strengths = self._tensor([1])
        if guides is None:
            found = {
                name: moments.blend([own[name] for own in styles], shares) for name in self._style
            }
        else:
            found = {}
            for name in self._style:
                inner = self._tensor(guides.content[name])
                # A mask too small to show in a layer, of content or style, has no effect there.
                inside = tf.reduce_max(inner, axis=[0, 1, 2]) > 0
                there = tf.concat([tf.reduce_max(one[name])[None] for one in guides.styles], 0) > 0
                both = tf.cast(inside & there, inner.dtype)
                found[name] = moments.stack([own[name] for own in styles], both)
                within[name] = inner * both
            strengths = self._tensor(guides.strengths)
        beta = 1 if self._finds_weights else self.config.style_weight or 0
        weights = dict.fromkeys(self._style, strengths * beta)
        scale = self._scale(activations, found)
        style = {name: moments.target_of(one) for name, one in found.items()}
        targets = Targets(activations, style, weights, within, scale, colours or {}, {})
        if not self.targets_spec.earlier:
            return targets
        unknown = tf.zeros_like(self._tensor(content))
        return targets.following(unknown, unknown[..., :1], 0.0)

    def _scale(self, content: Features, style: dict[str, Moments]) -> tf.Tensor:
        """`Targets.scale`; for a style, the trace of G / NM."""
        each = [tf.reduce_mean(tf.linalg.trace(one.second)) for one in style.values()]
        each += map(self._mean_square, content.values())
        return tf.add_n(each) / len(each)

    def _mean_square(self, seen: tf.Tensor) -> tf.Tensor:
        dtype = self.extractor.input.dtype

        def of_row(row: tf.Tensor) -> tf.Tensor:  # row by row, to avoid a whole copy in float32
            return tf.reduce_mean(tf.square(tf.cast(row, dtype)))

        return tf.reduce_mean(tf.map_fn(of_row, seen[0], fn_output_signature=dtype))

    def find_style_weights(self, photo: tf.Tensor, targets: Targets) -> StyleWeights | None:
        """The weights that `Config.balance` and `Config.strength` mean for a photo [1, H, W, 3].

        With L a layer's loss in a region for the photo, its weight is multiplied by L^-balance, and
        all by what leaves the photo's style loss S as it is. Without a style weight, β S is
        `style_ratio` times the content loss of a picture that shows nothing, α · mean(P²), or for a
        texture times `Targets.scale`. None if the settings alone say all.
        """
        config = self.config
        if not self._style or not self._finds_weights:
            return None
        names = list(self._style)
        regions = np.asarray(targets.weights[names[0]], np.float64)  # λ_r
        found = [self._of_region(self._tensor(photo), targets, r) for r in range(len(regions))]
        each, louder = (np.array(one) for one in zip(*found, strict=True))  # [R, layers], [R]
        total = regions @ each.sum(1)
        if not np.isfinite(total):
            return None  # the run will say so
        shares = np.array(list(self._style.values())) / sum(self._style.values())
        even = shares * total / max(regions.sum(), 1e-30)
        factors = np.where(each > 0, even / np.where(each > 0, each, 1), 1) ** config.balance
        weights = regions[:, None] * factors
        if total > 0:
            weights *= total / np.sum(each * weights)
        beta = config.style_weight
        if beta is None:
            assert config.strength is not None
            loudness = float(np.exp(np.average(louder, weights=regions + 1e-30)))
            wanted = style_ratio(config.strength, loudness) * self._nothing(targets)
            beta = min(wanted / total, MAX_WEIGHT) if total > 0 else 1.0
        weights *= beta
        columns = zip(names, weights.T, strict=True)
        return StyleWeights(float(beta), {name: tuple(map(float, one)) for name, one in columns})

    def _of_region(
        self, photo: tf.Tensor, targets: Targets, region: int
    ) -> tuple[list[float], float]:
        """(style losses by layer, mean log of mean squared activations, style over photo)."""
        this = slice(region, region + 1)
        guides = {name: guide[..., this] for name, guide in targets.guides.items()}
        each, louder = [], []
        for name, seen in self._moments(photo, guides).items():
            target = tf.nest.map_structure(lambda one: one[this], targets.style[name])
            scale = self._style[name] * losses.style_factor(self.config, self._channels[name])
            each.append(scale * float(moments.compare(seen, target)[0]))
            both = moments.mean_square(target), tf.linalg.trace(seen.second)
            style, own = (float(np.log(max(float(one[0]), 1e-30))) for one in both)
            louder.append(style - own)
        return each, float(np.mean(louder))

    def _nothing(self, targets: Targets) -> float:
        """The content loss of a picture that the network sees nothing in."""
        if not targets.content:
            return float(targets.scale)
        total = 0.0
        for name, seen in targets.content.items():
            elements = tf.cast(tf.size(seen), self.extractor.input.dtype)
            scale = losses.content_factor(self.config, elements)
            total += self._content[name] * float(scale * self._mean_square(seen))
        return self.config.content_weight * total

    def parts(self, image: tf.Tensor, targets: Targets) -> Parts:
        """The value and its parts. One forward pass, outside the traced function."""
        image = self._tensor(image)
        return self._parts(image, self._features(image), targets)

    def sums(self, features: Features, content: Features, guides: Features) -> Sums:
        """The sums of features; content targets and guides must cover the same positions."""
        return Sums(
            {name: losses.squared_distance(features[name], content[name]) for name in content},
            {
                name: moments.moments(features[name], guides.get(name), self._means)
                for name in self._style
            },
        )

    def add_up(self, sums: Sums, image: tf.Tensor, targets: Targets) -> Parts:
        """The losses from the sums over the whole image, with the terms of its pixels."""
        config, nothing = self.config, tf.zeros([], image.dtype)
        means = self.normalize(sums.style, image)
        compared = {
            name: tf.reduce_sum(targets.weights[name] * moments.compare(one, targets.style[name]))
            for name, one in means.items()
        }
        content, style = losses.weighted_terms(
            config,
            {
                name: (total[0], _positions(image, name) * self._channels[name])
                for name, total in sums.content.items()
            },
            {name: (loss, self._channels[name]) for name, loss in compared.items()},
        )
        variation = gamut = off = apart = nothing
        if config.tv_weight:
            variation = config.tv_weight * losses.variation(config, image)[0]
        if config.gamut_weight:
            black = -tf.constant(BGR_MEAN, image.dtype)
            outside = losses.outside_range(image, black, black + 255)[0]
            gamut = config.gamut_weight * targets.scale * outside
        if targets.palette:
            off = config.palette_weight * targets.scale * palette.loss(image, targets.palette)
        if earlier := targets.earlier:
            distance = losses.weighted_distance(image, earlier["picture"], earlier["weights"])[0]
            apart = earlier["strength"] * distance
        rest = (variation, gamut, off, apart)
        value = tf.add_n([*content.values(), *style.values(), *rest])
        return Parts(value, content, style, *rest)

    def normalize(self, sums: dict[str, Moments], image: tf.Tensor) -> dict[str, Moments]:
        """Means of the moments over the whole image, see `moments.normalize`."""
        return {name: moments.normalize(one, _positions(image, name)) for name, one in sums.items()}

    def _tensor(self, image: Any) -> tf.Tensor:
        return tf.convert_to_tensor(image, self.extractor.input.dtype)

    def _activations(self, image: tf.Tensor) -> Features:
        seen = self._features(image)
        return {name: seen[name] for name in self._content}

    def _moments(self, image: tf.Tensor, guides: Features) -> dict[str, Moments]:
        return self.normalize(self.sums(self._features(image), {}, guides).style, image)

    def _parts(self, image: tf.Tensor, features: Features, targets: Targets) -> Parts:
        sums = self.sums(features, targets.content, targets.guides)
        return self.add_up(sums, image, targets)

    def _value_and_gradient(
        self, image: tf.Tensor, targets: Targets
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            value = self._parts(image, self._network(image), targets).value
        return value, tape.gradient(value, image)


def _positions(image: tf.Tensor, layer: str) -> tf.Tensor:
    """H_l W_l, in the dtype of the image [1, H, W, 3]."""
    sides = tf.shape(image)[1:3] // stride(layer)
    return tf.reduce_prod(tf.cast(sides, image.dtype))
