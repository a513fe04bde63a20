"""The spectral preconditioner: optimise in a space where a picture's spectrum is nearly flat.

The amplitudes of natural pictures fall off as 1/|f|, and so do those that the losses ask for; in
plain pixel coordinates the low frequencies converge slowest. With image = P z, P = F⁻¹ |f|^-p F,
the optimizer optimises z instead. P is symmetric, so the gradient by z is P times the image's.
"""

import tensorflow as tf


def precondition(
    image: tf.Tensor, power: float, settled: tf.Tensor | float = 0.0, settle: float = 0.0
) -> tf.Tensor:
    """P^power applied to each channel: [1, H, W, C] → the same; -power undoes it.

    |f| is in cycles per pixel, clamped below at one cycle over the longer side (so that the mean
    moves as much as the lowest wave) and scaled so that a wave of four pixels keeps its amplitude.

    Below the frequency `settled`, [], which a coarser level has painted already, the gain falls by
    |f|^settle as well: what is left to paint is the new octave. Otherwise a few iterations at the
    finest level take more of the coarser strokes away than they add. 0: nothing is settled.
    """
    if not power:
        return image
    height, width = tf.shape(image)[1], tf.shape(image)[2]
    real = image.dtype
    planes = tf.transpose(image, [0, 3, 1, 2])
    rows, half = tf.range(height), tf.range(width // 2 + 1)
    vertical = tf.cast(tf.minimum(rows, height - rows), real) / tf.cast(height, real)
    horizontal = tf.cast(half, real) / tf.cast(width, real)
    frequency = tf.sqrt(vertical[:, None] ** 2 + horizontal[None] ** 2)
    lowest = 1 / tf.cast(tf.maximum(height, width), real)
    frequency = tf.maximum(frequency, lowest)
    settled = tf.cast(settled, real)
    held = tf.minimum(tf.math.divide_no_nan(frequency, settled), 1) ** settle
    gain = (4 * frequency) ** -abs(power) * tf.where(settled > 0, held, tf.ones_like(held))
    gain = gain if power > 0 else 1 / gain
    spectrum = tf.signal.rfft2d(planes) * tf.complex(gain, tf.zeros_like(gain))
    planes = tf.signal.irfft2d(spectrum, fft_length=[height, width])
    return tf.transpose(planes, [0, 2, 3, 1])
