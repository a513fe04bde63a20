"""The objective: image → (value, gradient), its targets computed once."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from artistyle_tf.network.extractor import Features, build_feature_extractor, constant_network
from artistyle_tf.network.vgg19 import stride
from artistyle_tf.network.weights import Weights
from artistyle_tf.objective import losses
from artistyle_tf.objective.guidance import Guides
from artistyle_tf.objective.targets import Parts, Sums, Targets
from artistyle_tf.pictures.network_scale import BGR_MEAN
from artistyle_tf.settings.config import Config

__all__ = ["Objective"]


class Objective:
    """α · content + β · style + total variation + gamut, of a `Config`, for pictures of any size.

    The common form is α Σ_l a_l · mean((F_l − P_l)²) + β Σ_l b_l · mean((G_l/NM − A_l/NM)²);
    with formula "paper" each mean has the constant of the published equation before it. With
    masks G_l and A_l are those of a region, and the style's losses are summed over the regions.
    The last two summands are of the pixels alone: `losses.total_variation`, and
    `losses.outside_range` times the mean square activation of the targets, so that one weight
    serves every network.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        *,
        dtype: str = "float32",
        convolutions: str | None = None,
        regions: int = 0,
    ):
        """With `convolutions` in another dtype, like bfloat16, all else stays in `dtype`.

        `regions`: how many masks the targets will have; 0: none.
        """
        self.config = config
        self.extractor = build_feature_extractor(
            weights, config.layers, config.pooling, padding=config.padding, dtype=dtype
        )
        self._network = constant_network(self.extractor, convolutions)
        self._content = config.layer_weights("content")
        self._style = config.layer_weights("style")
        computed = convolutions or dtype
        image = tf.TensorSpec([1, None, None, 3], dtype)
        shapes = {name: output.shape for name, output in self.extractor.output.items()}
        self._channels = {name: shape[-1] for name, shape in shapes.items()}
        count = max(regions, 1)
        grams = {name: [count, shapes[name][-1], shapes[name][-1]] for name in self._style}
        guides = {name: [1, None, None, regions] for name in (self._style if regions else ())}
        self.targets_spec = Targets(
            {name: tf.TensorSpec([1, *shapes[name][1:]], computed) for name in self._content},
            {name: tf.TensorSpec(shape, dtype) for name, shape in grams.items()},
            {name: tf.TensorSpec([], dtype) for name in self._style},
            {name: tf.TensorSpec(shape, dtype) for name, shape in guides.items()},
            tf.TensorSpec([count], dtype),
            tf.TensorSpec([], dtype),
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

    def targets(
        self,
        content: Any,
        styles: Sequence[Any],
        shares: Sequence[float],
        guides: Guides | None = None,
    ) -> Targets:
        """Targets from pictures [1, H, W, 3] in the network's scale, each of its own size.

        The Gram matrices of several styles are added in the given shares, which sum to 1. With
        guides every style keeps to itself, and the shares are in the strengths already.
        """
        ones = {name: self._tensor(1) for name in self._style}
        activations = self._activations(self._tensor(content))
        if guides is None:
            grams: Features = {}
            for style, share in zip(styles, shares, strict=True):
                for name, own in self._grams(self._tensor(style), {}).items():
                    grams[name] = grams[name] + share * own if name in grams else share * own
            scale = self._scale(activations, grams)
            return Targets(activations, grams, ones, {}, self._tensor([1]), scale)
        within = {name: self._tensor(guide) for name, guide in guides.content.items()}
        each = []
        for style, guide in zip(styles, guides.styles, strict=True):
            own = {name: self._tensor(one) for name, one in guide.items()}
            each.append(self._grams(self._tensor(style), own))
        stacked = {name: tf.concat([own[name] for own in each], axis=0) for name in self._style}
        for name, grams_of in stacked.items():
            # What is too small to be seen in a layer, here or there, has no part in it.
            inside = tf.reduce_max(within[name], axis=[0, 1, 2]) > 0
            there = tf.concat([tf.reduce_max(one[name])[None] for one in guides.styles], 0) > 0
            both = tf.cast(inside & there, within[name].dtype)
            stacked[name] = grams_of * both[:, None, None]
            within[name] *= both
        strengths = self._tensor(guides.strengths)
        scale = self._scale(activations, stacked)
        return Targets(activations, stacked, ones, within, strengths, scale)

    def _scale(self, content: Features, grams: Features) -> tf.Tensor:
        """`Targets.scale`, which only the gamut needs; a style's is the trace of G / NM."""
        if not self.config.gamut_weight:
            return self._tensor(0)

        def of_row(row: tf.Tensor) -> tf.Tensor:  # row by row: no copy of all of it in float32
            return tf.reduce_mean(tf.square(tf.cast(row, self.extractor.input.dtype)))

        each = [tf.reduce_mean(tf.linalg.trace(gram)) for gram in grams.values()]
        for seen in content.values():
            rows = tf.map_fn(of_row, seen[0], fn_output_signature=self.extractor.input.dtype)
            each.append(tf.reduce_mean(rows))
        return tf.add_n(each) / len(each)

    def balanced(self, image: tf.Tensor, targets: Targets) -> Targets:
        """The targets with such factors that at `image` every style layer has an equal share.

        Equal, times the layer's weight; the style's loss as a whole stays what it is there. A layer
        without any loss at `image` keeps its factor.
        """
        if not self._style:
            return targets
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
        image = self._tensor(image)
        return self._parts(image, self._features(image), targets)

    def sums(self, features: Features, content: Features, guides: Features) -> Sums:
        """The sums of features at whose positions the content targets and the guides are."""
        return Sums(
            {name: losses.squared_distance(features[name], content[name]) for name in content},
            {name: _region_grams(features[name], guides.get(name)) for name in self._style},
        )

    def assembled(self, sums: Sums, image: tf.Tensor, targets: Targets) -> Parts:
        """The losses out of the sums over all of `image`, with its total variation."""
        config, paper = self.config, self.config.formula == "paper"
        content, style = {}, {}
        for name, weight in self._content.items():
            elements = _positions(image, name) * self._channels[name]
            scale = losses.paper_content_scale(elements) if paper else 1
            loss = sums.content[name][0] / elements
            content[name] = config.content_weight * weight * scale * loss
        grams = self.normalized(sums.grams, image)
        for name, weight in self._style.items():
            each = losses.style_loss(grams[name], targets.style[name])
            loss = tf.reduce_sum(targets.strengths * each)
            scale = losses.paper_style_scale(grams[name]) if paper else 1
            style[name] = config.style_weight * weight * scale * targets.balance[name] * loss
        variation = tf.zeros([], image.dtype)
        if config.tv_weight:
            published = config.formula == "neural-style"
            tv = losses.neural_style_variation if published else losses.total_variation
            variation = config.tv_weight * tv(image)[0]
        gamut = tf.zeros([], image.dtype)
        if config.gamut_weight:
            black = -tf.constant(BGR_MEAN, image.dtype)
            outside = losses.outside_range(image, black, black + 255)[0]
            gamut = config.gamut_weight * targets.scale * outside
        value = tf.add_n([*content.values(), *style.values(), variation, gamut])
        return Parts(value, content, style, variation, gamut)

    def normalized(self, grams: Features, image: tf.Tensor) -> Features:
        """Gram sums over all of `image`, divided by N M."""
        return {
            name: gram / (_positions(image, name) * self._channels[name])
            for name, gram in grams.items()
        }

    def _seen(self, image: tf.Tensor) -> Features:
        return self._network(image)

    def _tensor(self, image: Any) -> tf.Tensor:
        return tf.convert_to_tensor(image, self.extractor.input.dtype)

    def _activations(self, image: tf.Tensor) -> Features:
        """Of the content's layers."""
        seen = self._features(image)
        return {name: seen[name] for name in self._content}

    def _grams(self, image: tf.Tensor, guides: Features) -> Features:
        """The normalised Gram matrices of the style's layers."""
        return self.normalized(self.sums(self._features(image), {}, guides).grams, image)

    def _parts(self, image: tf.Tensor, features: Features, targets: Targets) -> Parts:
        sums = self.sums(features, targets.content, targets.guides)
        return self.assembled(sums, image, targets)

    def _value_and_gradient(
        self, image: tf.Tensor, targets: Targets
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            value = self._parts(image, self._network(image), targets).value
        return value, tape.gradient(value, image)


def _region_grams(features: tf.Tensor, guides: tf.Tensor | None) -> tf.Tensor:
    """[1, H, W, N] and [1, H, W, R] or None → [R or 1, N, N]."""
    if guides is None:
        return losses.gram_sum(features)
    each = [losses.gram_sum(features, guide) for guide in tf.unstack(guides, axis=-1)]
    return tf.concat(each, axis=0)


def _positions(image: tf.Tensor, layer: str) -> tf.Tensor:
    """H_l W_l, in the dtype of the image [1, H, W, 3]."""
    sides = tf.shape(image)[1:3] // stride(layer)
    return tf.reduce_prod(tf.cast(sides, image.dtype))
