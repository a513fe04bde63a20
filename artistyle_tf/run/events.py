"""The one event of a run. No TensorFlow here."""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from artistyle_tf.pictures.notebook import to_html
from artistyle_tf.pictures.write import png_bytes
from artistyle_tf.text import clock, reason

__all__ = ["Callback", "Callbacks", "Step", "consult", "rms"]

logger = logging.getLogger("artistyle_tf")


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """The state of a run after an iteration. A callback that returns False ends the run."""

    level: int
    """From 1, the coarsest."""
    levels: int
    size: tuple[int, int]
    """(height, width) of this level in px."""
    iteration: int
    """Of the whole run, from 1."""
    iterations: int
    evaluations: int
    """Of the whole run: calls of value and gradient."""
    objective: float
    seconds: float
    """Since the first evaluation began."""
    remaining: float
    """Estimated seconds to the end."""
    parts: Callable[[], Mapping[str, float]] = dataclasses.field(repr=False)
    """Computes the objective's parts, which costs a forward pass: "value" and its summands
    "content", "style", "total_variation" and "gamut", and for every layer "content/LAYER",
    "style/LAYER"."""
    image: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes the picture: uint8 [H, W, 3] sRGB."""
    unclipped: Callable[[], np.ndarray] = dataclasses.field(repr=False)
    """Computes it as the minimiser has it: float32 [H, W, 3] sRGB in grey levels, neither rounded
    nor clipped to 0-255."""
    step_length: Callable[[], float] = dataclasses.field(default=lambda: math.nan, repr=False)
    """Computes the root mean square of the picture's change in this iteration, in grey levels."""

    def _repr_png_(self) -> bytes:
        """For notebooks: the picture."""
        return png_bytes(self.image())

    def _repr_html_(self) -> str:
        """For notebooks, which prefer it: the picture, not too wide, and how far the run is."""
        height, width = self.size
        rows = {
            "level": f"{self.level}/{self.levels}, {width}×{height} px",
            "iteration": f"{self.iteration}/{self.iterations}",
            "objective": f"{self.objective:.4g}",
            "time left": clock(self.remaining),
        }
        return to_html(self.image(), rows)


Callback = Callable[[Step], bool | None]
"""Called after each call of the device: where that takes several iterations
(`Config.steps_per_execution`), after the last of them. One with a method `next_due(iteration)`,
which names the next iteration after that one or is None, is called right after that, too."""

Callbacks = Callback | Sequence[Callback]
"""One, or several to be called in turn; the run ends if one of them asks for it."""


def consult(callbacks: Callbacks, step: Step) -> tuple[str, Exception | None]:
    """Calls back: why the run is to end ("": it is not), and what a callback raised.

    Whatever a user's function does, the picture that was reached is worth more: so an exception
    is logged with its traceback, and the run that asks ends as if it had been interrupted.
    """
    try:
        each = callbacks if isinstance(callbacks, Sequence) else [callbacks]
        answers = [callback(step) for callback in each]
        return ("stopped by the callback" if any(a is False for a in answers) else ""), None
    except Exception as error:
        # No more than the kind, since the record of the run has no paths and messages do.
        stop_reason = f"a callback raised {type(error).__name__}"
        logger.error("%s: %s", stop_reason, reason(error), exc_info=error)
        return stop_reason, error


def rms(change: np.ndarray) -> float:
    """Root mean square, summed in float64."""
    return float(np.sqrt(np.mean(np.square(change, dtype=np.float64))))
