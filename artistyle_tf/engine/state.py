"""The state of a run after an iteration, as one frozen value and in checkpoints; and the clock that
says how long the rest will take."""

import dataclasses
import logging
import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints, Saved
from artistyle_tf.engine.plan import Level, Plan, total_iterations
from artistyle_tf.engine.problem import Problem
from artistyle_tf.engine.results import TimeLeft
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.errors import InputError
from artistyle_tf.objective.preconditioner import precondition
from artistyle_tf.objective.targets import StyleWeights, Targets
from artistyle_tf.optimizers import State as Search
from artistyle_tf.optimizers import Status

logger = logging.getLogger("artistyle_tf")

Row = tuple[int, float, float, int, int]
"""(evaluations, seconds, objective, height, width) after an iteration."""


class Ending(NamedTuple):
    reason: str
    error: BaseException | None = None
    broken_off: bool = False  # unfinished, so that it can be resumed


class Painted(NamedTuple):
    image: np.ndarray  # float32 [1, h, w, 3], BGR, mean subtracted
    value: float  # the objective, as computed by the optimizer


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class RunState:
    """A run between two iterations: a value; every iteration makes a new one."""

    levels: tuple[Level, ...]
    """All levels, coarse to fine, as currently planned."""
    level: int = 0
    """The current level, counted from 0."""
    dtype: str
    """The convolutions' current dtype."""
    widened: int | None = None
    """The iteration after which float32 replaced bfloat16."""
    search: Search
    """The optimizer's state at this level."""
    targets: Targets | None = None
    """The targets of this level; not saved in checkpoints, but recomputed."""
    done: tuple[int, ...]
    """Iterations of each level begun so far."""
    earlier_evaluations: int = 0
    """Evaluations of the levels before this one."""
    style_weights: StyleWeights | None = None
    """How strongly the style counts, once it is known; None too if the settings say it all."""
    trace: tuple[Row, ...] = ()
    previous: Painted | None = None
    """The previous level's best image, until this level has a finite objective."""
    ending: Ending | None = None
    """None while the run continues."""

    @property
    def here(self) -> Level:
        """The current level."""
        return self.levels[self.level]

    @property
    def settled(self) -> float:
        """The highest frequency that the level before could paint, in cycles per pixel; 0: none."""
        if not self.level:
            return 0.0
        return max(self.levels[self.level - 1].size) / max(self.here.size) / 2

    def image_of(self, position: tf.Tensor, config: Config) -> np.ndarray:
        """An optimizer's position [n] as an image: float32 [1, h, w, 3], BGR, mean subtracted."""
        image = tf.reshape(position, [1, *self.here.size, 3])
        return precondition(image, config.precondition, self.settled, config.settle).numpy()

    @property
    def iterations(self) -> int:
        """Of the whole run."""
        return sum(self.done)

    @property
    def evaluations(self) -> int:
        """Of the whole run."""
        return self.earlier_evaluations + int(self.search.evaluations)

    def total(self, config: Config) -> int:
        """Most iterations of the whole run."""
        return total_iterations(config.iterations, len(self.levels), config.finer_iterations)

    @property
    def budget_left(self) -> int:
        """Iterations left at this level."""
        return self.here.budget - self.done[-1]

    @property
    def running(self) -> bool:
        """Whether the search at this level can continue."""
        return int(self.search.status) == Status.RUNNING

    @property
    def convolutions(self) -> str:
        """The dtypes that convolutions have used so far, as text for the record."""
        if self.widened is None:
            return self.dtype
        return f"bfloat16, float32 after iteration {self.widened}"

    def best(self, config: Config) -> Painted | None:
        """The best image so far; None before the first finite objective."""
        value = float(self.search.best_value)
        if not np.isfinite(value):
            return self.previous
        return Painted(self.image_of(self.search.best_position, config), value)

    def replace(self, **changes: Any) -> "RunState":
        """A copy with these fields replaced."""
        return dataclasses.replace(self, **changes)

    def with_plan(self, plan: Plan) -> "RunState":
        """A copy with another plan for this level."""
        levels = list(self.levels)
        levels[self.level] = self.here._replace(plan=plan)
        return self.replace(levels=tuple(levels))

    def ended(
        self, reason: str, error: BaseException | None = None, *, broken_off: bool = False
    ) -> "RunState":
        """A copy that has ended, for that reason."""
        return self.replace(ending=Ending(reason, error, broken_off))


class Clock:
    """Runs from the first evaluation on; time before a resume counts too."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._zero: float | None = None
        self._left = TimeLeft()
        self.setup = 0.0
        """Seconds before the first evaluation: reading, loading, the first targets, tracing."""

    @property
    def running(self) -> bool:
        return self._zero is not None

    def enter(self, state: RunState) -> None:
        """Starts or resumes a level; the first call starts the clock."""
        now = time.perf_counter()
        self._left = TimeLeft(self._left.pace)
        if self._zero is None:
            self.setup = now - self._began
            self._zero = now - (state.trace[-1][1] if state.trace else 0.0)

    def seconds(self) -> float:
        """Since the first evaluation began."""
        return 0.0 if self._zero is None else time.perf_counter() - self._zero

    def remaining(self, state: RunState) -> float:
        """Estimated seconds to the end, to be asked after each call of the device; see `TimeLeft`.
        At one level an iteration takes as long as any, elsewhere in proportion to the pixels."""
        pixels = [math.prod(level.size) for level in state.levels[state.level :]]
        ahead = sum(
            level.budget * count
            for level, count in zip(state.levels[state.level + 1 :], pixels[1:], strict=True)
        )
        done, left = state.done[-1] * pixels[0], state.budget_left * pixels[0]
        return self._left.seconds(done, left + ahead)


def save(checkpoints: Checkpoints, state: RunState) -> None:
    """Writes a checkpoint. One that can't be written only causes a warning; the run continues."""
    try:
        header = {name: getattr(state, name) for name in SAVED}
        checkpoints.save(state.iterations, header, _storable(state.search))
    except InputError as error:
        logger.warning("%s; the run continues", error)


def restore(
    checkpoints: Checkpoints, problem: Problem, solvers: Solvers, fresh: RunState
) -> RunState:
    """The newest saved state of the same run, or else `fresh`, its first state."""
    found = [fresh]

    def accept(saved: Saved) -> None:
        state = fresh.replace(**_parse(saved.header))
        if [level.size for level in state.levels] != [level.size for level in fresh.levels]:
            raise ValueError("its levels are not this run's")
        layers, weights = problem.config.layer_weights("style"), state.style_weights
        if weights and weights.by_layer.keys() != layers.keys():
            raise ValueError("its style weights are not of this run's layers")
        height, width = state.here.size
        search = solvers.of(state.here, state.dtype).minimizer.start(tf.zeros([height * width * 3]))
        kinds = [(tuple(one.shape), one.dtype.as_numpy_dtype) for one in _storable(search)]
        if kinds != [(array.shape, array.dtype.type) for array in saved.arrays]:
            raise ValueError("its arrays are not those of this run's optimizer")
        tensors = [
            tf.bitcast(tf.constant(array), one.dtype)
            if one.dtype == tf.bfloat16
            else tf.constant(array)
            for array, one in zip(saved.arrays, tf.nest.flatten(search), strict=True)
        ]
        found.append(state.replace(search=tf.nest.pack_sequence_as(search, tensors)))

    identity = {**problem.provenance.identity(), "convolutions": fresh.convolutions}
    strategy = solvers.strategy
    checkpoints.begin(identity, accept, writes=not strategy or strategy.extended.should_checkpoint)
    for note in checkpoints.notes:
        logger.warning("%s", note)
    return found[-1]


SAVED = (
    "levels", "level", "dtype", "widened", "done", "earlier_evaluations", "style_weights", "trace",
)  # fmt: skip
"""The fields of a state in a checkpoint's header; the search is in its arrays."""


def _parse(header: Mapping[str, Any]) -> dict[str, Any]:
    """The fields `SAVED` from a checkpoint's JSON, where tuples are lists."""
    fields = {name: header[name] for name in SAVED}
    fields["levels"] = tuple(
        Level(tuple(size), budget, Plan(*plan)) for size, budget, plan in header["levels"]
    )
    fields["done"] = tuple(header["done"])
    fields["trace"] = tuple(map(tuple, header["trace"]))
    if header["style_weights"]:
        beta, by_layer = header["style_weights"]
        rows = {name: tuple(row) for name, row in by_layer.items()}
        fields["style_weights"] = StyleWeights(beta, rows)
    return fields


def _storable(search: Any) -> list[tf.Tensor]:
    """A search's tensors in a fixed order; bfloat16 as uint16 bits, since NumPy has no bfloat16."""
    return [
        tf.bitcast(one, tf.uint16) if one.dtype == tf.bfloat16 else one
        for one in tf.nest.flatten(search)
    ]
