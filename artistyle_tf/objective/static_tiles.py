"""The objective in tiles of one fixed shape, as XLA needs.

Every tile is computed from a window of the same size, shifted to the tile and kept inside the
picture, so that each window edge is the picture's own border or outside the tile's receptive field.
A mask then keeps the tile's positions. Tiles may be padded with empty ones, whose mask is 0, so
that all replicas have as many.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.objective.targets import Sums
from artistyle_tf.objective.tiled import TiledObjective, tile_cores
from artistyle_tf.vgg.extractor import Features
from artistyle_tf.vgg.vgg19 import CELL, stride
from artistyle_tf.vgg.weights import Weights


class FixedTiledObjective(TiledObjective):
    """`TiledObjective` for images of size `fixed`; others, as used for targets, as there."""

    def __init__(self, config: Config, weights: Weights, *, fixed: tuple[int, int], **options: Any):
        super().__init__(config, weights, fixed=fixed, **options)
        if any(side % CELL for side in fixed):
            raise ValueError(f"size is {fixed}; it must be of multiples of {CELL}")
        self.size = size = fixed
        with tf.device("CPU"):
            cores = tile_cores(tf.constant(size), self.tile).numpy()
        replicas = self._strategy.num_replicas_in_sync if self._strategy else 1
        missing = -len(cores) % replicas
        self._all_cores = np.pad(cores, ((0, missing), (0, 0)))
        halo = -(-self._contexts[1] // CELL) * CELL
        largest = (cores[:, 2:] - cores[:, :2]).max(axis=0)
        self.window = tuple(
            min(side, int(core) + 2 * halo) for side, core in zip(size, largest, strict=True)
        )
        """(height, width) of the window of a tile."""
        self._halo = halo

    def _is_fixed(self, image: tf.Tensor) -> bool:
        return tuple(image.shape[1:3]) == self.size

    def _cores_of(self, image: tf.Tensor) -> tf.Tensor:
        return tf.constant(self._all_cores) if self._is_fixed(image) else super()._cores_of(image)

    def _own_cores(self, cores: tf.Tensor, index: tf.Tensor, replicas: int) -> tf.Tensor:
        if cores.shape[0] is None:
            return super()._own_cores(cores, index, replicas)
        return tf.gather(tf.reshape(cores, [-1, replicas, 4]), index, axis=1)

    def _tile_sums(
        self, image: tf.Tensor, content: Features, guides: Features, core: tf.Tensor
    ) -> Sums:
        if not self._is_fixed(image):
            return super()._tile_sums(image, content, guides, core)
        return self._sums_of(self._crop(image, core), content, guides, core)

    def _tile_gradient(
        self,
        gradient: tf.Tensor,
        image: tf.Tensor,
        content: Features,
        guides: Features,
        slopes: Sums,
        core: tf.Tensor,
    ) -> tf.Tensor:
        crop = self._crop(image, core)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(crop)
            own = self._sums_of(crop, content, guides, core)
        found = tape.gradient(own, crop, slopes)
        beyond = [[0, side - part] for side, part in zip(self.size, self.window, strict=True)]
        whole = tf.pad(found, [[0, 0], *beyond, [0, 0]])
        return gradient + tf.roll(whole, self._start(core), [1, 2])

    def _sums_of(
        self, crop: tf.Tensor, content: Features, guides: Features, core: tf.Tensor
    ) -> Sums:
        start, features = self._start(core), {}
        there: Features = {}
        for name, seen in self._network(crop).items():
            mask = self._mask(core, start, stride(name), seen.dtype)
            features[name] = seen * mask
            if name in content:
                there[name] = self._part(content[name], start, name) * mask
        inside = {name: self._part(guide, start, name) for name, guide in guides.items()}
        return self.sums(features, there, inside)

    def _crop(self, image: tf.Tensor, core: tf.Tensor) -> tf.Tensor:
        """What the window around a core shows of the image, [1, h, w, 3]."""
        begin = tf.concat([[0], self._start(core), [0]], axis=0)
        return tf.slice(image, begin, [1, *self.window, 3])

    def _start(self, core: tf.Tensor) -> tf.Tensor:
        """int32 [2]: top and left of the window around a core."""
        last = np.subtract(self.size, self.window)
        return tf.clip_by_value(core[:2] - self._halo, 0, tf.constant(last, tf.int32))

    def _part(self, whole: tf.Tensor, start: tf.Tensor, layer: str) -> tf.Tensor:
        """The part of a layer inside the window, [1, h, w, C]."""
        step = stride(layer)
        begin = tf.concat([[0], start // step, [0]], axis=0)
        shape = [1, *(side // step for side in self.window), whole.shape[-1]]
        return tf.slice(whole, begin, shape)

    def _mask(self, core: tf.Tensor, start: tf.Tensor, step: int, dtype: Any) -> tf.Tensor:
        """[1, h, w, 1]: 1 at the core's positions of a layer in the window, 0 elsewhere."""
        rows, columns = (
            (positions >= core[axis] // step) & (positions < core[axis + 2] // step)
            for axis, positions in enumerate(
                tf.range(side // step) + start[axis] // step
                for axis, side in enumerate(self.window)
            )
        )
        return tf.cast(rows[:, None] & columns[None], dtype)[None, ..., None]
