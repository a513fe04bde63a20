"""True float32 on GPUs that would use TF32, for your own code: `with true_float32(): ...`."""

from artistyle_tf.vgg.precision import true_float32

__all__ = ["true_float32"]
