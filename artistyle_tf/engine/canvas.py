"""The canvas that is painted, and the loss targets at each level."""

from collections.abc import Sequence

import numpy as np

from artistyle_tf.engine.inputs import style_sides
from artistyle_tf.images.masks import Regions
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.sizes import continued, fill_cells, resize
from artistyle_tf.objective.palette import palette
from artistyle_tf.objective.targets import Guides, Targets, layer_guides, region_strengths
from artistyle_tf.objective.whole import Objective

__all__ = ["canvas", "level_targets"]


def canvas(content: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The canvas: the content at the result's size, mirror-padded to whole pooling cells.

    Args:
      content: [H, W, 3] sRGB, like `Picture.rgb`.
      size: (height, width) of the result.

    Returns:
      [H, W, 3] sRGB of the content's dtype, height and width rounded up to multiples of 16.
    """
    return fill_cells(resize(content, size))


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
    """Targets at one size: the content at that size, the styles scaled in proportion.

    Args:
      objective: the objective that they are for.
      content: [H, W, 3] sRGB, like `Picture.rgb`, at the size of the finest level.
      styles: [H, W, 3] sRGB each, likewise. They keep their aspect ratio; if scaled to less than
        the image's longer side, they are mirror-padded.
      size: (height, width) of the image to be made.
      regions: which style applies where: masks of the sizes of `content` and `styles`.
      tables: a `palette_table` of each region's style, or one of all, for a palette weight.
      finest: whether the styles are used without padding, as the published formulas require. At a
        coarse level they are mirror-padded to whole pooling cells: pooling drops the last row of an
        odd number, and with it the effect of zero padding at that border, which an image of whole
        cells does have and would compose itself to hide.
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
