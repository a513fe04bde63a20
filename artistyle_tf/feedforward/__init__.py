"""Single-pass style transfer: the image transformation network of Johnson et al. and its training.

    trained = feedforward.train_transform_net("painting.jpg", ["a.jpg", "b.jpg"], minutes=10)
    painted = trained.model.predict(photo[None])  # RGB, 0-255

Source: Johnson, Alahi, Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and
Super-Resolution", arXiv:1603.08155.
"""

from artistyle_tf.feedforward.training import Deadline, Trained, crops, train_transform_net
from artistyle_tf.feedforward.transform_net import CELL, build_transform_net

__all__ = ["CELL", "Deadline", "Trained", "build_transform_net", "crops", "train_transform_net"]
