"""The constant factors by which published formulas differ from the common form's means."""

import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.objective import losses

__all__ = ["DEVIATION", "W2_SCALE", "content_scale", "style_scale", "variation"]

DEVIATION = 57.4
"""Standard deviation of ImageNet in grey levels, 0.225 of 255; programs for PyTorch's networks
divide pixels by it. Features scale with the input (biases accordingly), so losses in their units
are ours divided by its square, or by its fourth power for Gram matrices."""

W2_SCALE = 0.1
"""Makes a `style_weight` paint about as strongly with statistics "w2" as with "gram". Measured: on
Tübingen × The Starry Night, 256 px, 150 iterations of `fast`, "gram" with β = 60 ends at a content
error of 0.69, and "w2" without this factor with β = 3, 10 at 0.48, 0.86: so at 0.69 with 6."""


def content_scale(config: Config, elements: tf.Tensor) -> tf.Tensor | float:
    """Factor of a content loss, the mean squared difference of that many elements N M."""
    match config.formula:
        case "paper":
            return losses.paper_content_scale(elements)
        case "crowson":
            return DEVIATION**-2
        case _:
            return 1.0


def style_scale(config: Config, channels: int) -> float:
    """Factor of the style loss of a layer with N channels."""
    gaussian = config.statistics == "w2"
    match config.formula:
        case "paper":
            return losses.paper_style_scale(channels)
        case "crowson":
            return DEVIATION ** (-2 if gaussian else -4)
        case _:
            return W2_SCALE if gaussian else 1.0


def variation(config: Config, image: tf.Tensor) -> tf.Tensor:
    """[], the total variation of an image [1, H, W, 3], without its weight."""
    match config.formula:
        case "neural-style":
            return losses.neural_style_variation(image)[0]
        case "crowson":  # pixels in 0-1
            return losses.nine_point_variation(image / 255)[0]
        case _:
            return losses.total_variation(image)[0]
