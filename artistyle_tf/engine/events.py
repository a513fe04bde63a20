"""The event of a run: `Step`. No TensorFlow."""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from artistyle_tf.images.write import png_bytes, to_html
from artistyle_tf.text import clock, reason

__all__ = ["INTERRUPTED", "STOPPED", "Callback", "Callbacks", "Step", "consult", "rms"]

logger = logging.getLogger("artistyle_tf")

INTERRUPTED = "interrupted"
"""Why a run ended by Ctrl-C."""
STOPPED = "stopped by the callback"
"""Why a run ended if a callback returned False."""


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """The state of a run after an iteration. A callback that returns False stops the run."""

    level: int
    """Counted from 1, the coarsest."""
    levels: int
    size: tuple[int, int]
    """(height, width) of this level in px."""
    iteration: int
    """Of the whole run, counted from 1."""
    iterations: int
    evaluations: int
    """Evaluations of value and gradient, in the whole run."""
    objective: float
    seconds: float
    """Since the first evaluation began."""
    remaining: float
    """Estimated seconds to the end."""
    parts: Callable[[], Mapping[str, float]] = dataclasses.field(repr=False)
    """Computes the parts of the objective, which costs a forward pass: "value", its summands
    "content", "style", "total_variation", "gamut" and "palette", and for every layer
    "content/LAYER" or
    "style/LAYER"."""
    image: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes the picture: uint8 [H, W, 3] sRGB."""
    unclipped: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes the picture as the minimiser has it: float32 [H, W, 3] sRGB in grey levels, neither
    rounded nor clipped to 0-255."""
    step_length: Callable[[], float] = dataclasses.field(default=lambda: math.nan, repr=False)
    """Computes the root mean square of the picture's change in this iteration, in grey levels."""

    def _repr_png_(self) -> bytes:
        """For notebooks: the picture as PNG."""
        return png_bytes(self.image())

    def _repr_html_(self) -> str:
        """For notebooks, which prefer HTML: the picture at limited width, and the progress."""
        height, width = self.size
        rows = {
            "level": f"{self.level}/{self.levels}, {width}×{height} px",
            "iteration": f"{self.iteration}/{self.iterations}",
            "objective": f"{self.objective:.4g}",
            "time left": clock(self.remaining),
        }
        return to_html(self.image(), rows)


Callback = Callable[[Step], bool | None]
"""Called after each call of the device; if that runs several iterations
(`Config.steps_per_execution`), after the last of them."""

Callbacks = Callback | Sequence[Callback]
"""One callback, or several called in order; the run stops if any of them asks for it."""


def consult(callbacks: Callbacks, step: Step) -> tuple[str, Exception | None]:
    """Runs the callbacks: the reason to stop ("" to continue), and the exception if one was raised.

    An exception in a user's callback must not lose the picture: it is logged with its traceback,
    and the caller ends the run as if it had been interrupted.
    """
    try:
        each = callbacks if isinstance(callbacks, Sequence) else [callbacks]
        answers = [callback(step) for callback in each]
        return (STOPPED if any(a is False for a in answers) else ""), None
    except Exception as error:
        # Only the exception's type, since the record must contain no paths and messages may.
        stop_reason = f"a callback raised {type(error).__name__}"
        logger.error("%s: %s", stop_reason, reason(error), exc_info=error)
        return stop_reason, error


def rms(change: np.ndarray) -> float:
    """Root mean square, summed in float64."""
    return float(np.sqrt(np.mean(np.square(change, dtype=np.float64))))
