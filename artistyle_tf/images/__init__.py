"""Reading pictures and their records, as the package itself does. No TensorFlow."""

from artistyle_tf.images.picture import MIN_SIDE, Picture
from artistyle_tf.images.read import MAX_PIXELS, read, read_record
from artistyle_tf.images.sizes import fit, resample, resize

__all__ = [
    "MAX_PIXELS", "MIN_SIDE", "Picture", "fit", "read", "read_record", "resample", "resize",
]  # fmt: skip
