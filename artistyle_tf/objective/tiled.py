"""The objective in tiles: the same value and gradient, with memory that depends on the tile size.

The style's moments and squared distances are sums over positions, so they add exactly over tiles.
A first pass over the tiles accumulates them; from the totals follow the losses and their
derivatives with respect to the totals; a second pass backpropagates each tile's share to its
pixels. Total variation and gamut are computed on the whole picture. Proof: docs/tiles.md.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.objective.moments import Moments, empty_moments
from artistyle_tf.objective.targets import Parts, Sums, Targets
from artistyle_tf.objective.tiles import Span, cut, over, put, span, tile_cores
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.extractor import Features
from artistyle_tf.vgg.vgg19 import CELL, block_of, contexts, stride
from artistyle_tf.vgg.weights import Weights

__all__ = ["TiledObjective"]


class TiledObjective(Objective):
    """`Objective`, evaluated in tiles of `tile` px a side, a multiple of 16, plus their halos.

    This costs two forward passes and one backward pass, instead of one of each, plus the halos.
    Totals are kept in `wide`: float64 unless the device has none. Zero padding has its effect at
    the picture's own borders only: crops are padded too, but what that reaches lies in the halo and
    is cut off.

    With a `strategy`, each replica takes its share of the tiles, and the strategy's all-reduce adds
    up the sums and the gradients; call it in cross-replica context.
    """

    def __init__(
        self,
        config: Config,
        weights: Weights,
        *,
        tile: int,
        strategy: tf.distribute.Strategy | None = None,
        wide: str = "float64",
        **options: Any,
    ):
        """`options`: as for `Objective`."""
        super().__init__(config, weights, **options)
        if tile < CELL or tile % CELL:
            raise ValueError(f"tile is {tile}; it must be a multiple of {CELL}")
        self.tile, self.wide = tile, wide
        self._strategy = strategy
        self._contexts = contexts(config.layers[-1])
        dtype = self.extractor.input.dtype
        image = tf.TensorSpec([1, None, None, 3], dtype)
        parts = [image, self.targets_spec]
        guides = {
            name: tf.TensorSpec([1, None, None, 1], dtype) for name in self.targets_spec.guides
        }
        self._in_tiles = {
            "parts": tf.function(self._tiled_parts, input_signature=parts, autograph=False),
            "moments": tf.function(
                self._tiled_moments, input_signature=[image, guides], autograph=False
            ),
            "activations": tf.function(
                self._tiled_activations, input_signature=[image], autograph=False
            ),
        }

    def parts(self, image: tf.Tensor, targets: Targets) -> Parts:
        parts: Parts = self._in_tiles["parts"](self._tensor(image), targets)
        return parts

    def _moments(self, image: tf.Tensor, guides: Features) -> dict[str, Moments]:
        found: dict[str, Moments] = self._in_tiles["moments"](image, guides)
        return found

    def _activations(self, image: tf.Tensor) -> Features:
        activations: Features = self._in_tiles["activations"](image)
        return activations

    def _tiled_parts(self, image: tf.Tensor, targets: Targets) -> Parts:
        # On this worker alone: callbacks ask for parts, and they may run on only one of several.
        totals = self._totals(image, targets.content, targets.guides, alone=True)
        return self.assembled(_cast(totals, image.dtype), image, targets)

    def _tiled_moments(self, image: tf.Tensor, guides: Features) -> dict[str, Moments]:
        totals = _cast(self._totals(image, {}, guides), image.dtype)
        return self.normalized(totals.style, image)

    def _tiled_activations(self, image: tf.Tensor) -> Features:
        size = tf.shape(image)[1:3]
        cores = tile_cores(size, self.tile)

        def add(core: tf.Tensor, found: Features) -> Features:
            features, _ = self._core_features(image, core, size)
            return {
                name: put(found[name], features[name], span(core, size, stride(name)))
                for name in found
            }

        empty = {
            name: tf.zeros(tf.concat([[1], size // stride(name), spec.shape[3:]], 0), spec.dtype)
            for name, spec in self.targets_spec.content.items()
        }
        return over(cores, add, empty)

    def _value_and_gradient(
        self, image: tf.Tensor, targets: Targets
    ) -> tuple[tf.Tensor, tf.Tensor]:
        totals = _cast(self._totals(image, targets.content, targets.guides), image.dtype)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch((image, totals))
            value = self.assembled(totals, image, targets).value
        gradient, slopes = tape.gradient(
            value, (image, totals), unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return value, self._gradient(image, targets, slopes, gradient)

    def _totals(
        self, image: tf.Tensor, content: Features, guides: Features, alone: bool = False
    ) -> Sums:
        """First pass: the sums over the whole image, in `wide`."""

        def share(image: tf.Tensor, content: Features, guides: Features, cores: tf.Tensor) -> Sums:
            def add(core: tf.Tensor, totals: Sums) -> Sums:
                own = self._tile_sums(image, content, guides, core)
                return tf.nest.map_structure(tf.add, totals, _cast(own, self.wide))

            nothing = Sums(
                {name: tf.zeros([1], self.wide) for name in content},
                {
                    name: empty_moments(
                        guides[name].shape[-1] if guides else 1,
                        self._channels[name],
                        self._means,
                        self.wide,
                    )
                    for name in self._style
                },
            )
            return over(cores, add, nothing)

        if alone:
            return share(image, content, guides, self._cores_of(image))
        return self._spread(share, image, content, guides)

    def _gradient(
        self, image: tf.Tensor, targets: Targets, slopes: Sums, gradient: tf.Tensor
    ) -> tf.Tensor:
        """Second pass: `gradient` plus what `slopes`, ∂value/∂sums, contribute to it."""

        def share(
            image: tf.Tensor, content: Features, guides: Features, slopes: Sums, cores: tf.Tensor
        ) -> tf.Tensor:
            def add(core: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
                return self._tile_gradient(gradient, image, content, guides, slopes, core)

            return over(cores, add, tf.zeros_like(image))

        return gradient + self._spread(share, image, targets.content, targets.guides, slopes)

    def _spread(self, share: Callable[..., Any], image: tf.Tensor, *rest: Any) -> Any:
        """`share(image, *rest, cores)`, summed over the replicas if there are any."""
        cores = self._cores_of(image)
        if self._strategy is None:
            return share(image, *rest, cores)
        replicas = self._strategy.num_replicas_in_sync

        def own(*arguments: Any) -> Any:
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            return share(*arguments[:-1], self._own_cores(arguments[-1], index, replicas))

        spread = self._strategy.run(own, args=(image, *rest, cores))
        return tf.nest.map_structure(
            lambda part: self._strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None),
            spread,
        )

    def _cores_of(self, image: tf.Tensor) -> tf.Tensor:
        """int32 [T, 4], see `tile_cores`."""
        return tile_cores(tf.shape(image)[1:3], self.tile)

    def _own_cores(self, cores: tf.Tensor, index: tf.Tensor, replicas: int) -> tf.Tensor:
        """The cores of one replica."""
        return cores[index::replicas]

    def _tile_sums(
        self, image: tf.Tensor, content: Features, guides: Features, core: tf.Tensor
    ) -> Sums:
        """The sums over the positions of one core."""
        size = tf.shape(image)[1:3]
        features, _ = self._core_features(image, core, size)
        return self.sums(features, _cores(content, core, size), _cores(guides, core, size))

    def _tile_gradient(
        self,
        gradient: tf.Tensor,
        image: tf.Tensor,
        content: Features,
        guides: Features,
        slopes: Sums,
        core: tf.Tensor,
    ) -> tf.Tensor:
        """`gradient` of the image plus the contribution of those sums."""
        size = tf.shape(image)[1:3]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            features, crop = self._core_features(image, core, size, tape)
            own = self.sums(features, _cores(content, core, size), _cores(guides, core, size))
        where = span(core, size, 1, self._contexts[1])
        return put(gradient, tape.gradient(own, crop, slopes), where, add=True)

    def _core_features(
        self, image: tf.Tensor, core: tf.Tensor, size: tf.Tensor, tape: Any = None
    ) -> tuple[Features, tf.Tensor]:
        """(activations at the core's positions, the crop they were computed from)."""
        spans = {
            block: span(core, size, 2 ** (block - 1), context)
            for block, context in self._contexts.items()
        }

        def trim(block: int, pooled: tf.Tensor) -> tf.Tensor:
            before = spans[block - 1]
            return cut(pooled, spans[block], Span(before.start // 2, before.stop // 2))

        crop = cut(image, spans[1])
        if tape is not None:
            tape.watch(crop)
        features = self._network(crop, trim)
        return {
            name: cut(one, span(core, size, stride(name)), spans[block_of(name)])
            for name, one in features.items()
        }, crop


def _cores(content: Features, core: tf.Tensor, size: tf.Tensor) -> Features:
    return {name: cut(one, span(core, size, stride(name))) for name, one in content.items()}


def _cast(sums: Sums, dtype: Any) -> Sums:
    return tf.nest.map_structure(lambda one: tf.cast(one, dtype), sums)
