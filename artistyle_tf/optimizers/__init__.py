"""Optimizers for functions (position, context) → (value, gradient), independent of pictures."""

from typing import TYPE_CHECKING, Any

from artistyle_tf.optimizers.adam import Adam, AveragedAdam
from artistyle_tf.optimizers.base import Minimizer, State, Status
from artistyle_tf.optimizers.lbfgs import LBFGS

if TYPE_CHECKING:
    from artistyle_tf.optimizers.tfp_lbfgs import TFPLBFGS

__all__ = ["LBFGS", "TFPLBFGS", "Adam", "AveragedAdam", "Minimizer", "State", "Status"]


def __getattr__(name: str) -> Any:
    if name != "TFPLBFGS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Imported lazily: TensorFlow Probability takes a second to load, and nothing else needs it.
    from artistyle_tf.optimizers.tfp_lbfgs import TFPLBFGS

    return TFPLBFGS
