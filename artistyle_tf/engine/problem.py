"""The problem that a run solves, fixed before its first iteration: pictures, targets, start."""

import dataclasses
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
from artistyle_tf.objective.palette import palette
from artistyle_tf.objective.targets import Guides, Targets, Weighing, layer_guides, region_strengths
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.weights import Weights, load

__all__ = ["Earlier", "Problem", "level_targets", "load_network", "make_problem"]

logger = logging.getLogger("artistyle_tf")


@dataclasses.dataclass(frozen=True, eq=False)
class Earlier:
    """A picture painted before, moved to where its things are now, to be resembled."""

    picture: np.ndarray  # float32 [H, W, 3] sRGB in grey levels, of the result's size
    weights: np.ndarray  # float32 [H, W], 0 to 1
    strength: float  # see `Targets.following`


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """The pictures of a run as the losses see them, and their targets at each level."""

    config: Config
    inputs: Inputs
    picture: Picture | None  # the one that `config.init` names
    weights: Weights
    original: np.ndarray  # [H, W, 3] sRGB: the content, padded to whole cells
    content: np.ndarray  # in the colours that the losses see
    styles: list[np.ndarray]  # [h, w, 3] sRGB each, likewise
    regions: Regions | None  # None: every style applies everywhere
    tables: np.ndarray | None  # [R, n, n, n], `palette_table`s of the regions
    notes: tuple[str, ...]  # for the user
    earlier: Earlier | None = None  # the previous frame of a video
    weighing: Weighing | None = None  # that of a video's first frame

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
        return start_image(self.config, self.content, self.styles, self.picture, size)

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
            targets = targets.following(to_network(picture), weights, self.earlier.strength)
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
    tables: np.ndarray | None = None,
) -> Problem:
    """The problem with these inputs; `tables`: those of a problem with the same styles."""
    painted = fill_cells(resize(inputs.painted(), inputs.size))
    rgbs = [one.rgb for one in inputs.styles]
    whole = painted.shape[0], painted.shape[1]
    sides = [max(style_sides(config, (rgb.shape[0], rgb.shape[1]), whole, whole)) for rgb in rgbs]
    shown: list[Any] = [(inputs.content, max(inputs.size)), *zip(inputs.styles, sides, strict=True)]
    notes = remarks([(picture, side) for picture, side in shown if picture])
    notes += start.notes if start else ()
    content, styles = recolor(config.color, painted, list(rgbs))
    regions = make_regions(inputs.masks, inputs.size, rgbs)
    if tables is None and config.palette_weight and config.layer_weights("style"):
        shares = config.shares(len(styles))
        if regions:  # where a style has no share, any colour will do
            of_each = zip(shares, styles, regions.styles, strict=True)
            each = [bool(share) * palette_table([style], mask) for share, style, mask in of_each]
        else:
            each = [palette_table([s for share, s in zip(shares, styles, strict=True) if share])]
        tables = np.stack(each)
    given = config, inputs, start, weights
    return Problem(*given, painted, content, styles, regions, tables, tuple(notes))


def level_targets(
    objective: Objective,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    size: tuple[int, int],
    regions: Regions | None = None,
    tables: np.ndarray | None = None,
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

    def scaled(style: np.ndarray) -> np.ndarray:
        own, whole = style.shape[:2], content.shape[:2]
        style = resize(style, style_sides(config, own, size, whole))
        style = continued(style, max(size))
        return style if finest else fill_cells(style)

    shares, guides = config.shares(len(styles)) if styles else [], None
    inside: list[np.ndarray] = []
    if regions:
        layers = list(config.layer_weights("style"))
        inside = [resize(mask, size) for mask in regions.content]
        each = [layer_guides(mask, layers) for mask in inside]
        guides = Guides(
            {name: np.stack([guide[name] for guide in each], -1)[None] for name in layers},
            [
                {name: guide[None, ..., None] for name, guide in layer_guides(mask, layers).items()}
                for mask in map(scaled, regions.styles)
            ],
            region_strengths(inside, shares),
        )
    pictures = [to_network(scaled(style)) for style in styles]
    colours = None if tables is None else palette(tables, inside, objective.extractor.input.dtype)
    painted = to_network(resize(content, size))
    return objective.targets(painted, pictures, shares, guides, colours)
