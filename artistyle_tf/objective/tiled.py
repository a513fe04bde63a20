"""The objective in tiles: the same value and gradient, with memory that depends on the tile size.

A first pass over the tiles sums the style's moments and squared distances; from the totals follow
the losses and their derivatives with respect to the totals; a second pass backpropagates each
tile's share to its pixels. Terms of the pixels are computed on the whole. Proof: docs/tiles.md.

A tile has a core, the positions that only it accounts for, and a halo, the part of their receptive
fields beyond the core, which shrinks from block to block (`vgg19.contexts`) to nothing.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.objective.moments import Moments, empty_moments
from artistyle_tf.objective.targets import Parts, Sums, Targets
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.extractor import Features
from artistyle_tf.vgg.vgg19 import CELL, block_of, contexts, stride
from artistyle_tf.vgg.weights import Weights


class TiledObjective(Objective):
    """`Objective`, evaluated in tiles of `tile` px a side, a multiple of 16, plus their halos.

    This costs a second forward pass, and the halos. Totals are kept in `wide`: float64 unless the
    device has none. What the padding of crops reaches lies in the halo and is cut off. With a
    `strategy`, each replica takes its share of the tiles; call it in cross-replica context.
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
            function: tf.function(
                functools.partial(function), input_signature=signature, autograph=False
            )
            for function, signature in (
                (self._tiled_parts, parts),
                (self._tiled_moments, [image, guides]),
                (self._tiled_activations, [image]),
            )
        }

    def parts(self, image: tf.Tensor, targets: Targets) -> Parts:
        parts: Parts = self._in_tiles[self._tiled_parts](self._tensor(image), targets)
        return parts

    def _moments(self, image: tf.Tensor, guides: Features) -> dict[str, Moments]:
        found: dict[str, Moments] = self._in_tiles[self._tiled_moments](image, guides)
        return found

    def _activations(self, image: tf.Tensor) -> Features:
        activations: Features = self._in_tiles[self._tiled_activations](image)
        return activations

    def _tiled_parts(self, image: tf.Tensor, targets: Targets) -> Parts:
        # On this worker alone: callbacks ask for parts, and they may run on only one of several.
        totals = self._totals(image, targets.content, targets.guides, alone=True)
        return self.add_up(_cast(totals, image.dtype), image, targets)

    def _tiled_moments(self, image: tf.Tensor, guides: Features) -> dict[str, Moments]:
        totals = _cast(self._totals(image, {}, guides), image.dtype)
        return self.normalize(totals.style, image)

    def _tiled_activations(self, image: tf.Tensor) -> Features:
        size = tf.shape(image)[1:3]
        cores = tile_cores(size, self.tile)

        def add(core: tf.Tensor, found: Features) -> Features:
            features, _ = self._core_features(image, core, size)
            return {
                name: _put(found[name], features[name], _span(core, size, stride(name)))
                for name in found
            }

        empty = {
            name: tf.zeros(tf.concat([[1], size // stride(name), spec.shape[3:]], 0), spec.dtype)
            for name, spec in self.targets_spec.content.items()
        }
        return _over(cores, add, empty)

    def _value_and_gradient(
        self, image: tf.Tensor, targets: Targets
    ) -> tuple[tf.Tensor, tf.Tensor]:
        totals = _cast(self._totals(image, targets.content, targets.guides), image.dtype)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch((image, totals))
            value = self.add_up(totals, image, targets).value
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
            return _over(cores, add, nothing)

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

            return _over(cores, add, tf.zeros_like(image))

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
        where = _span(core, size, 1, self._contexts[1])
        return _put(gradient, tape.gradient(own, crop, slopes), where, add=True)

    def _core_features(
        self, image: tf.Tensor, core: tf.Tensor, size: tf.Tensor, tape: Any = None
    ) -> tuple[Features, tf.Tensor]:
        """(activations at the core's positions, the crop they were computed from)."""
        spans = {
            block: _span(core, size, 2 ** (block - 1), context)
            for block, context in self._contexts.items()
        }

        def trim(block: int, pooled: tf.Tensor) -> tf.Tensor:
            before = spans[block - 1]
            return _cut(pooled, spans[block], _Span(before.start // 2, before.stop // 2))

        crop = _cut(image, spans[1])
        if tape is not None:
            tape.watch(crop)
        features = self._network(crop, trim)
        return {
            name: _cut(one, _span(core, size, stride(name)), spans[block_of(name)])
            for name, one in features.items()
        }, crop


def _cores(content: Features, core: tf.Tensor, size: tf.Tensor) -> Features:
    return {name: _cut(one, _span(core, size, stride(name))) for name, one in content.items()}


def _cast(sums: Sums, dtype: Any) -> Sums:
    return tf.nest.map_structure(lambda one: tf.cast(one, dtype), sums)


class _Span(NamedTuple):
    """Part of a layer, in its own positions: from `start` to before `stop`, int32 [2] each."""

    start: tf.Tensor
    stop: tf.Tensor


def tile_cores(size: tf.Tensor, tile: int) -> tf.Tensor:
    """int32 [T, 4]: top, left, bottom and right in px of the cores that a picture is divided into.

    They are as equal as multiples of 16 px allow, which no window of four poolings spans, with
    sides of at most `tile` px; those at the bottom and right have up to 15 px more.

    >>> tile_cores((48, 70), 32).numpy().tolist()
    [[0, 0, 16, 32], [0, 32, 16, 70], [16, 0, 48, 32], [16, 32, 48, 70]]
    """
    (tops, bottoms), (lefts, rights) = (_bounds(side, tile) for side in tf.unstack(size))
    rows, columns = tf.size(tops), tf.size(lefts)
    tops, bottoms = (tf.repeat(ends, columns) for ends in (tops, bottoms))
    lefts, rights = (tf.tile(ends, [rows]) for ends in (lefts, rights))
    return tf.stack([tops, lefts, bottoms, rights], axis=1)


def _bounds(side: tf.Tensor, tile: int) -> tuple[tf.Tensor, tf.Tensor]:
    cells = side // CELL
    count = tf.maximum(-(-cells * CELL // tile), 1)
    starts = CELL * (cells * tf.range(count) // count)
    return starts, tf.concat([starts[1:], [side]], axis=0)


def _span(core: tf.Tensor, size: tf.Tensor, scale: int, context: int = 0) -> _Span:
    """The core and `context` px around it, within the picture, in positions `scale` px apart."""
    start = tf.maximum(core[:2] - context, 0) // scale
    return _Span(start, tf.minimum(core[2:] + context, size) // scale)


def _cut(tensor: tf.Tensor, part: _Span, within: _Span | None = None) -> tf.Tensor:
    """[1, H, W, C] → that part of it; `within` is the part of the layer that the tensor covers."""
    start, stop = part if within is None else (part.start - within.start, part.stop - within.start)
    return tensor[:, start[0] : stop[0], start[1] : stop[1]]


def _over(cores: tf.Tensor, add: Callable[[tf.Tensor, Any], Any], found: Any) -> Any:
    """Folds `add(core, found)` over the cores, from an initial `found`."""

    def body(index: tf.Tensor, found: Any) -> tuple[tf.Tensor, Any]:
        return index + 1, add(cores[index], found)

    count = tf.shape(cores)[0]
    start = 0, found
    return tf.while_loop(lambda index, _: index < count, body, start, parallel_iterations=1)[1]


def _put(whole: tf.Tensor, part: tf.Tensor, where: _Span, add: bool = False) -> tf.Tensor:
    """[1, H, W, C] with `part` written or added there; in place if there is no other reference."""
    if add:
        part += _cut(whole, where)
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=whole,
        begin=tf.concat([[0], where.start, [0]], axis=0),
        end=tf.concat([[1], where.stop, tf.shape(whole)[3:]], axis=0),
        strides=tf.ones([4], tf.int32),
        value=part,
    )
