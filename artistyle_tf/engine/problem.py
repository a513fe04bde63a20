"""The problem that a run solves, fixed before its first iteration: pictures, targets, start."""

import dataclasses
import functools
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.inputs import Inputs, remarks, start_image, style_sides
from artistyle_tf.engine.provenance import Provenance, kinds_of
from artistyle_tf.images.color import keep_chroma, palette_table, recolor
from artistyle_tf.images.masks import Regions, make_regions, within
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.sizes import continued, fill_cells, resample, resize
from artistyle_tf.objective.moments import Moments
from artistyle_tf.objective.palette import palette
from artistyle_tf.objective.targets import (
    Guides,
    StyleWeights,
    Targets,
    layer_guides,
    region_strengths,
)
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import Weights, load

logger = logging.getLogger("artistyle_tf")

LEVELS_KEPT = 64
"""How many statistics of a style at one level `Styles` keep, at 2.4 MB each for the whole VGG19."""


@dataclasses.dataclass(frozen=True, eq=False)
class Earlier:
    """A picture painted before, moved to where its things are now, to be resembled."""

    picture: np.ndarray  # float32 [H, W, 3] sRGB in grey levels, of the result's size
    weights: np.ndarray  # float32 [H, W], 0 to 1
    strength: float  # see `Targets.following`


class Styles:
    """The styles as the losses see them, with what is computed of them once for many contents.

    `pictures`: [h, w, 3] sRGB each; `masks`: [h, w] of each, if there are masks; `tables`:
    [R, n, n, n], `palette_table`s of the regions, None without; `made_from`: digests that tell
    whether other pictures would give the same.
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] = (),
        tables: np.ndarray | None = None,
        made_from: Sequence[str] = (),
    ):
        self.pictures, self.masks, self.tables = list(pictures), list(masks), tables
        self.made_from = made_from
        self._at = functools.lru_cache(maxsize=LEVELS_KEPT)(self._compute)

    def statistics(
        self, objective: Objective, size: tuple[int, int], canvas: tuple[int, int], finest: bool
    ) -> tuple[tuple[dict[str, Moments], ...], tuple[dict[str, np.ndarray], ...]]:
        """(`Objective.statistics`, mask as `Guides.styles`) of each at a level: see
        `level_targets`."""
        given = objective, max(size), finest
        each = [
            self._at(index, style_sides(objective.config, (h, w), size, canvas), *given)
            for index, (h, w, _) in enumerate(picture.shape for picture in self.pictures)
        ]
        return tuple(zip(*each, strict=True)) or ((), ())

    def _compute(
        self, index: int, sides: tuple[int, int], objective: Objective, longer: int, finest: bool
    ) -> tuple[dict[str, Moments], dict[str, np.ndarray]]:
        def scaled(picture: np.ndarray) -> np.ndarray:
            picture = continued(resize(picture, sides), longer)
            return picture if finest else fill_cells(picture)

        guide = {}
        if self.masks:
            found = layer_guides(scaled(self.masks[index]), objective.config.layer_weights("style"))
            guide = {name: one[None, ..., None] for name, one in found.items()}
        return objective.statistics(to_network(scaled(self.pictures[index])), guide), guide


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """The pictures of a run as the losses see them, and their targets at each level."""

    config: Config
    inputs: Inputs
    picture: Picture | None  # the one that `config.init` names
    weights: Weights
    original: np.ndarray  # [H, W, 3] sRGB: the content, padded to whole cells
    content: np.ndarray  # in the colours that the losses see
    styles: Styles
    regions: Regions | None  # None: every style applies everywhere
    notes: tuple[str, ...]  # for the user
    earlier: Earlier | None = None  # the previous frame of a video
    style_weights: StyleWeights | None = None  # those of a video's first frame

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the result."""
        return self.inputs.size

    @property
    def provenance(self) -> Provenance:
        content, styles, masks, _ = self.inputs
        pictures = kinds_of(content, styles, self.picture, masks)
        return Provenance.of(self.config, pictures, self.weights)

    @property
    def canvas(self) -> tuple[int, int]:
        """(height, width) of the finest level."""
        return self.original.shape[0], self.original.shape[1]

    def start(self, size: tuple[int, int]) -> np.ndarray:
        """The starting image of a run: float32 [1, h, w, 3], BGR, mean subtracted."""
        styles = self.styles.pictures
        return start_image(self.config, self.content, styles, self.picture, size)

    def targets(self, objective: Objective, size: tuple[int, int]) -> Targets:
        """The targets of the losses at a level of that (height, width)."""
        finest = size == self.canvas
        targets = level_targets(
            objective, self.content, self.styles, size, self.regions, finest=finest
        )
        if self.earlier:
            picture, weights = (
                resample(fill_cells(one), size)
                for one in (self.earlier.picture, self.earlier.weights[..., None])
            )
            weights = np.clip(weights, 0, 1)[None]  # bicubic goes beyond
            targets = targets.following(to_network(picture), weights, self.earlier.strength)
        return targets

    def photo(self, size: tuple[int, int]) -> tf.Tensor:
        """The content at that (height, width): float32 [1, h, w, 3], BGR, mean subtracted."""
        return tf.constant(to_network(resize(self.content, size)))

    def masked(self, image: np.ndarray) -> np.ndarray:
        """The image [1, h, w, 3] where any style applies, and the content elsewhere."""
        return within(self.regions, image, self.content)

    def shown(self, image: np.ndarray) -> np.ndarray:
        """An optimizer's image [1, h, w, 3] as shown, with colours and masked content restored."""
        if self.config.color == "luminance":
            size = image.shape[1], image.shape[2]
            image = keep_chroma(image, resize(self.original, size))
        return within(self.regions, image, self.original)


def load_network(config: Config) -> Weights:
    """The filters that `config.weights` names, down to the deepest layer used."""
    logger.debug("reading the network")
    weights = load(config.weights, config.layers[-1], report=logger.debug)
    if config.weights == "auto":
        logger.info("the network: %s", weights.description)
    return weights


def make_problem(
    config: Config,
    inputs: Inputs,
    start: Picture | None,
    weights: Weights,
    styles: Styles | None = None,
) -> Problem:
    """The problem with these inputs; `styles` of an earlier one are used again if they suit."""
    painted = fill_cells(resize(inputs.painted(), inputs.size))
    rgbs = [one.rgb for one in inputs.styles]
    whole = painted.shape[0], painted.shape[1]
    sides = [max(style_sides(config, (rgb.shape[0], rgb.shape[1]), whole, whole)) for rgb in rgbs]
    shown: list[Any] = [(inputs.content, max(inputs.size)), *zip(inputs.styles, sides, strict=True)]
    notes = remarks([(picture, side) for picture, side in shown if picture])
    notes += start.notes if start else ()
    content, recolored = recolor(config.color, painted, list(rgbs))
    regions = make_regions(inputs.masks, inputs.size, rgbs)
    made_from = [one.digest for one in (*inputs.styles, *inputs.masks.styles)]
    made_from.append(f"{len(inputs.masks.content)} regions")
    # In other color modes, the styles' colours follow the content's.
    if styles is None or config.color != "style" or styles.made_from != made_from:
        masks = regions.styles if regions else []
        styles = Styles(recolored, masks, _palette_tables(config, recolored, masks), made_from)
    return Problem(config, inputs, start, weights, painted, content, styles, regions, tuple(notes))


def _palette_tables(
    config: Config, styles: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> np.ndarray | None:
    """[R, n, n, n]: `palette_table`s of the regions; None if no loss needs them."""
    if not (config.palette_weight and config.layer_weights("style")):
        return None
    shares = config.shares(len(styles))
    if not masks:
        used = [style for share, style in zip(shares, styles, strict=True) if share]
        return palette_table(used)[None]
    # Where a style has no share, any colour will do.
    of_each = zip(shares, styles, masks, strict=True)
    return np.stack([bool(share) * palette_table([style], mask) for share, style, mask in of_each])


def level_targets(
    objective: Objective,
    content: np.ndarray,
    styles: Styles,
    size: tuple[int, int],
    regions: Regions | None = None,
    *,
    finest: bool = True,
) -> Targets:
    """Targets at one (height, width): the content at that size, the styles scaled in proportion.

    Styles smaller than the image are mirror-padded. At a coarse level they are padded to whole
    pooling cells too: pooling drops the last row of an odd number, and with it the effect of zero
    padding at that border, which an image of whole cells does have and would compose itself to
    hide. The published formulas want none at the `finest`.
    """
    config = objective.config
    canvas = content.shape[0], content.shape[1]
    statistics, masks = styles.statistics(objective, size, canvas, finest)
    shares, guides = config.shares(len(statistics)) if statistics else [], None
    inside: list[np.ndarray] = []
    if regions:
        layers = config.layer_weights("style")
        inside = [resize(mask, size) for mask in regions.content]
        each = [layer_guides(mask, layers) for mask in inside]
        guides = Guides(
            {name: np.stack([guide[name] for guide in each], -1)[None] for name in layers},
            masks,
            region_strengths(inside, shares),
        )
    dtype, tables = objective.extractor.input.dtype, styles.tables
    colours = None if tables is None else palette(tables, inside, dtype)
    painted = to_network(resize(content, size))
    return objective.targets(painted, statistics, shares, guides, colours)
