"""The losses for use with Keras: `compile(loss=PerceptualLoss("painting.jpg"))`, and a Gram layer.

Importing this registers them with Keras, as `keras.saving.load_model` requires. Pictures are RGB
here, as usual in Keras, with a configurable `value_range`. Sources: Gatys, Ecker, Bethge 2015,
arXiv:1508.06576 (eq. 1 to 7); Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, who train a network
with these losses.
"""

from artistyle_tf.keras_losses.perceptual import (
    ContentLoss,
    GramMatrix,
    PerceptualLoss,
    StyleLoss,
)

__all__ = ["ContentLoss", "GramMatrix", "PerceptualLoss", "StyleLoss"]
