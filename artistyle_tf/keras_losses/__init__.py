"""The losses for Keras pipelines: `compile(loss=PerceptualLoss("painting.jpg"))`, and a Gram layer.

Importing this registers them with Keras, which `keras.saving.load_model` needs. Pictures are RGB
here, as Keras users have them, in a `value_range` of their own. Sources: Gatys, Ecker, Bethge 2015,
arXiv:1508.06576 (eq. 1 to 7); Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, who train a network
by these losses.
"""

from artistyle_tf.keras_losses.gram import GramMatrix
from artistyle_tf.keras_losses.perceptual import ContentLoss, PerceptualLoss, StyleLoss

__all__ = ["ContentLoss", "GramMatrix", "PerceptualLoss", "StyleLoss"]
