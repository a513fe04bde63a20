"""Paints many pictures with Ray workers: the command `artistyle-batch` and `paint_all`.

    artistyle_tf.batch.paint_all([{"content": "photo.jpg", "style": "painting.jpg"}], "out")

Importing this loads neither Ray nor TensorFlow.
"""

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.batch.run import Summary, paint_all

__all__ = ["Job", "Outcome", "Summary", "paint_all"]
