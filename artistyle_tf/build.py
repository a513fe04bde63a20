"""From pictures to an objective: the canvas, a level's targets, and both bound together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from artistyle_tf.color import to_network
from artistyle_tf.config import Config
from artistyle_tf.errors import ConfigError
from artistyle_tf.images import resize
from artistyle_tf.masks import Regions, layer_guides, make_regions, region_strengths
from artistyle_tf.objective import Guides, Objective, Parts, Targets
from artistyle_tf.pyramid import continued, fill_cells
from artistyle_tf.recolor import recolor
from artistyle_tf.start import read_start, start_image
from artistyle_tf.tasks import read_inputs, style_sides
from artistyle_tf.weights import load

__all__ = ["BoundObjective", "build_objective", "canvas", "level_targets", "several"]


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


def build_objective(
    content: Any,
    styles: Any,
    config: Config | None = None,
    *,
    content_masks: Sequence[Any] = (),
    style_masks: Sequence[Any] = (),
) -> BoundObjective:
    """The objective of a run at its finest level, for your own minimiser.

    Args:
      content: path, PIL image or uint8 array [H, W, 3]; None for task "texture".
      styles: one such picture, or a list of them; none of them for task "reconstruct".
      config: its `size` is the longer side of the result. All is float32 unless its `precision`
        says bfloat16: "auto" stands for speed in a run, and for the exact formulas here.
      content_masks, style_masks: as in `stylize`. What the masks leave out is not held here: its
        gradient is that of the content loss.

    Returns:
      A callable from image [1, *size, 3], float32, BGR minus `color.BGR_MEAN`, to
      (value [], gradient of the image's shape). Its attribute `size`, (height, width), is that of
      the result filled up to whole pooling cells, multiples of 16 px, as in `canvas`.
    """
    config = config or Config()
    inputs = read_inputs(config, content, several(styles), content_masks, style_masks)
    convolutions = None if config.precision == "auto" else config.precision
    weights = load(config.weights, config.layers[-1])
    masks = inputs.masks
    objective = Objective(config, weights, convolutions=convolutions, regions=len(masks.content))
    painted = canvas(inputs.painted(), inputs.size)
    painted, rgbs = recolor(config.color, painted, [style.rgb for style in inputs.styles])
    size = painted.shape[0], painted.shape[1]
    regions = make_regions(masks, inputs.size, rgbs)
    targets = level_targets(objective, painted, rgbs, size, regions)
    if config.balance == "equal":
        start = start_image(config, painted, rgbs, read_start(config), size)
        targets = objective.balanced(tf.constant(start), targets)
    return BoundObjective(objective, targets, size)


def several(styles: Any) -> list[Any]:
    """Styles as users give them, one, a list or None, as a list."""
    if styles is None:
        return []
    return list(styles) if isinstance(styles, list | tuple) else [styles]


def canvas(content: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What is painted: the content at the result's size, mirrored on to whole pooling cells.

    Args:
      content: uint8 [H, W, 3] sRGB.
      size: (height, width) of the result.

    Returns:
      uint8 [H, W, 3] sRGB, height and width rounded up to multiples of 16.
    """
    return fill_cells(resize(content, size))


def level_targets(
    objective: Objective,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    size: tuple[int, int],
    regions: Regions | None = None,
    *,
    finest: bool = True,
) -> Targets:
    """Targets at one size: the content at that size, the styles in proportion to it.

    Args:
      objective: whose targets.
      content: uint8 [H, W, 3] sRGB, of the size of the finest level.
      styles: uint8 [H, W, 3] sRGB each; they keep their own shape, and where they are scaled to
        less than the image's longer side, their mirror images continue them.
      size: (height, width) of the image to be made.
      regions: which style goes where, masks of the sizes of `content` and `styles`.
      finest: whether the styles are taken as they are, which the published formulas ask for. At a
        coarse level mirrored pixels fill their last pooling cells: pooling drops the last row of
        an odd number, and with it what zero padding does at that border; an image of whole cells
        has it, and composes itself about hiding it.
    """
    config = objective.config

    def scaled(style: np.ndarray) -> np.ndarray:
        own, whole = style.shape[:2], content.shape[:2]
        style = resize(style, style_sides(config, own, size, whole))
        style = continued(style, max(size))
        return style if finest else fill_cells(style)

    shares, guides = config.shares(len(styles)) if styles else [], None
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
    return objective.targets(to_network(resize(content, size)), pictures, shares, guides)
