"""Everything fixed before the first iteration, as one frozen value."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.canvas import canvas, level_targets
from artistyle_tf.engine.inputs import Inputs, remarks, style_sides
from artistyle_tf.engine.start import start_image
from artistyle_tf.images.masks import Masks, Regions, make_regions, within
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.palette import palette_table
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.recolor import keep_chroma, recolor
from artistyle_tf.images.sizes import fill_cells, resample, resize
from artistyle_tf.objective.earlier import following
from artistyle_tf.objective.targets import Targets, Weighing
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import Weights, load

__all__ = ["Earlier", "Scene", "Sources", "load_network", "make_scene"]

logger = logging.getLogger("artistyle_tf")


@dataclasses.dataclass(frozen=True, eq=False)
class Sources:
    """The sources of a run, as named in its record."""

    config: Config
    content: Picture | None
    styles: Sequence[Picture]
    start: Picture | None
    """The picture that `config.init` names, or None."""
    weights: Weights
    """The network actually used."""
    masks: Masks


@dataclasses.dataclass(frozen=True, eq=False)
class Earlier:
    """A picture painted before, moved to where its things are now, to be resembled."""

    picture: np.ndarray
    """float32 [H, W, 3] sRGB in grey levels, of the size of the result."""
    weights: np.ndarray
    """float32 [H, W], 0 to 1: how much each pixel counts."""
    strength: float
    """See `objective.earlier.following`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """The pictures of a run as the losses see them, and their targets at each level."""

    sources: Sources
    size: tuple[int, int]
    """(height, width) of the result."""
    original: np.ndarray
    """[H, W, 3] sRGB, like `Picture.rgb`: the content on the canvas, which is `size` padded to
    whole cells."""
    content: np.ndarray
    """The content in the colours that the losses see."""
    styles: list[np.ndarray]
    """[h, w, 3] sRGB each, likewise."""
    regions: Regions | None
    """Which style applies where; None: everywhere."""
    tables: np.ndarray | None
    """[R, n, n, n], a `palette_table` of each region's style, or one of all; None without a palette
    weight."""
    notes: tuple[str, ...]
    """Notes for the user about the pictures."""
    earlier: Earlier | None = None
    """The previous frame of a video, for solvers made with `temporal`."""
    weighing: Weighing | None = None
    """How strongly the style counts, as for the first frame of a video."""

    @property
    def config(self) -> Config:
        return self.sources.config

    @property
    def canvas(self) -> tuple[int, int]:
        """(height, width) of the finest level."""
        return self.original.shape[0], self.original.shape[1]

    def start(self, size: tuple[int, int]) -> np.ndarray:
        """The starting image of a run: float32 [1, h, w, 3], BGR, mean subtracted."""
        return start_image(self.config, self.content, self.styles, self.sources.start, size)

    def targets(self, objective: Objective, size: tuple[int, int]) -> Targets:
        """The targets of the losses at a level of that (height, width)."""
        finest = size == self.canvas
        targets = level_targets(
            objective, self.content, self.styles, size, self.regions, self.tables, finest=finest
        )
        if self.earlier:
            picture, weights = (
                resample(fill_cells(one), size)
                for one in (self.earlier.picture, self.earlier.weights[..., None])
            )
            weights = np.clip(weights, 0, 1)[None]  # bicubic goes beyond
            targets = following(targets, to_network(picture), weights, self.earlier.strength)
        return targets

    def weigh(
        self, objective: Objective, size: tuple[int, int], targets: Targets
    ) -> Weighing | None:
        """How strongly the style counts, by the first level's targets: see `Objective.weigh`."""
        photo = tf.constant(to_network(resize(self.content, size)))
        return self.weighing or objective.weigh(photo, targets)

    def masked(self, image: np.ndarray) -> np.ndarray:
        """The image [1, h, w, 3] where any style applies, and the content elsewhere."""
        return within(self.regions, image, self.content)

    def shown(self, image: np.ndarray) -> np.ndarray:
        """A minimiser's image [1, h, w, 3] as shown, with colours and masked content restored."""
        if self.config.color == "luminance":
            size = image.shape[1], image.shape[2]
            image = keep_chroma(image, resize(self.original, size))
        return within(self.regions, image, self.original)


def load_network(config: Config) -> Weights:
    """The filters that `config.weights` names, down to the deepest layer used.

    Raises:
      ConfigError, InputError: as `weights.load`.
    """
    logger.debug("reading the network")
    weights = load(config.weights, config.layers[-1], report=logger.debug)
    if config.weights == "auto":
        logger.info("the network: %s", weights.description)
    return weights


def make_scene(config: Config, inputs: Inputs, start: Picture | None, weights: Weights) -> Scene:
    """Makes the scene from these inputs."""
    painted = canvas(inputs.painted(), inputs.size)
    rgbs = [one.rgb for one in inputs.styles]
    whole = painted.shape[0], painted.shape[1]
    sides = [max(style_sides(config, (rgb.shape[0], rgb.shape[1]), whole, whole)) for rgb in rgbs]
    shown: list[Any] = [(inputs.content, max(inputs.size)), *zip(inputs.styles, sides, strict=True)]
    notes = remarks([(picture, side) for picture, side in shown if picture])
    notes += start.notes if start else ()
    content, styles = recolor(config.color, painted, list(rgbs))
    sources = Sources(config, inputs.content, inputs.styles, start, weights, inputs.masks)
    regions = make_regions(inputs.masks, inputs.size, rgbs)
    tables = None
    if config.palette_weight and config.layer_weights("style"):
        shares = config.shares(len(styles))
        if regions:  # where a style has no share, any colour will do
            of_each = zip(shares, styles, regions.styles, strict=True)
            each = [bool(share) * palette_table([style], mask) for share, style, mask in of_each]
        else:
            used = [style for share, style in zip(shares, styles, strict=True) if share]
            each = [palette_table(used)]
        tables = np.stack(each)
    return Scene(sources, inputs.size, painted, content, styles, regions, tables, tuple(notes))
