"""The constants that published formulas have before the means of the common form."""

import tensorflow as tf

from artistyle_tf.objective import losses
from artistyle_tf.settings.config import Config

__all__ = ["DEVIATION", "W2_SCALE", "content_scale", "style_scale", "variation"]

DEVIATION = 57.4
"""Grey levels of ImageNet's standard deviation, 0.225 of 255: programs for PyTorch's networks
divide pixels by it. Features of one network go as its input, biases likewise, so that losses in
their units are ours over its square, for Gram matrices over its fourth power."""

W2_SCALE = 0.1
"""What makes one `style_weight` paint as much with statistics "w2" as with "gram". Measured: on
Tübingen × The Starry Night, 256 px, 150 iterations of `fast`, β = 60 with "gram" ends at a content
error of 0.69, and "w2" without this factor with β = 3, 10 at 0.48, 0.86: so at 0.69 with 6."""


def content_scale(config: Config, elements: tf.Tensor) -> tf.Tensor | float:
    """Of the mean squared difference of so many elements N M."""
    match config.formula:
        case "paper":
            return losses.paper_content_scale(elements)
        case "crowson":
            return DEVIATION**-2
        case _:
            return 1.0


def style_scale(config: Config, channels: int) -> float:
    """Of a layer's style loss, which has N channels."""
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
        case "crowson":  # of pixels from 0 to 1
            return losses.nine_point_variation(image / 255)[0]
        case _:
            return losses.total_variation(image)[0]
