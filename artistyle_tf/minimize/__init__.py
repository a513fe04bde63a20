"""Minimisers of (position, context) → (value, gradient). They know nothing of pictures."""

from artistyle_tf.minimize.adam import Adam
from artistyle_tf.minimize.averaged import AveragedAdam
from artistyle_tf.minimize.base import Minimizer, State, Status
from artistyle_tf.minimize.lbfgs import LBFGS
from artistyle_tf.minimize.tfp_lbfgs import TFPLBFGS

__all__ = ["LBFGS", "TFPLBFGS", "Adam", "AveragedAdam", "Minimizer", "State", "Status"]
