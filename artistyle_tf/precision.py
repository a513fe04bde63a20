"""True float32 for loops of your own, where a GPU would take TF32: `with true_float32(): ...`."""

from artistyle_tf.network.precision import true_float32

__all__ = ["true_float32"]
