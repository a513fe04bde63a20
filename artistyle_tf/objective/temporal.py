"""The part of the targets that is an earlier picture, which the image resembles pixel by pixel.

The temporal loss of Ruder, Dosovitskiy and Brox 2016, arXiv:1604.08610, section 3. It is of the
pixels of the whole picture, like the total variation, so tiles have no part in it.
"""

from typing import Any

import tensorflow as tf

from artistyle_tf.objective.losses import weighted_distance
from artistyle_tf.objective.targets import Targets
from artistyle_tf.vgg.extractor import Features

__all__ = ["following", "loss", "nothing", "specs"]


def specs(image: tf.TensorSpec) -> dict[str, tf.TensorSpec]:
    """Of `Targets.earlier`, for images of that spec [1, H, W, 3]."""
    return {
        "picture": image,
        "weights": tf.TensorSpec([*image.shape[:3], 1], image.dtype),
        "strength": tf.TensorSpec([], image.dtype),
    }


def nothing(image: tf.Tensor) -> Features:
    """`Targets.earlier` for such images where there is nothing to be resembled."""
    unknown = tf.zeros_like(image)
    return {
        "picture": unknown,
        "weights": unknown[..., :1],
        "strength": tf.zeros([], image.dtype),
    }


def following(targets: Targets, picture: Any, weights: Any, strength: float) -> Targets:
    """The targets with an earlier picture.

    Args:
      targets: of an objective made with `temporal`.
      picture: [1, H, W, 3], of the image's size and in its scale: the earlier result, moved to
        where its things are in this image.
      weights: [1, H, W, 1], how much each pixel counts, 0 to 1.
      strength: λ. The objective has λ times `Targets.scale` times `losses.weighted_distance`, so
        that one λ serves every network.
    """
    dtype = targets.scale.dtype
    earlier = {
        "picture": tf.convert_to_tensor(picture, dtype),
        "weights": tf.convert_to_tensor(weights, dtype),
        "strength": tf.convert_to_tensor(strength, dtype) * targets.scale,
    }
    return targets._replace(earlier=earlier)


def loss(image: tf.Tensor, targets: Targets) -> tf.Tensor:
    """[], with its weight: λ · mean over pixels and channels of c (x − w)²; 0 without a picture."""
    if not targets.earlier:
        return tf.zeros([], image.dtype)
    own = targets.earlier
    return own["strength"] * weighted_distance(image, own["picture"], own["weights"])[0]
