"""Where a run stands after an iteration: one frozen value. A checkpoint is that value, written."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from artistyle_tf.minimize import State as Search
from artistyle_tf.minimize import Status
from artistyle_tf.objective.coordinates import precondition
from artistyle_tf.objective.targets import Targets
from artistyle_tf.run.plan import Level, Plan
from artistyle_tf.run.schedule import total_iterations
from artistyle_tf.settings.config import Config

__all__ = ["Ending", "Painted", "Row", "State", "image_of"]

Row = tuple[int, float, float, int, int]
"""(evaluations, seconds, objective, height, width) after an iteration."""


class Ending(NamedTuple):
    """Why a run is over."""

    reason: str
    error: BaseException | None = None
    """What broke it off; None if nothing did."""
    broken_off: bool = False
    """Whether there is still something to do, for a run that resumes it."""


class Painted(NamedTuple):
    """An image, with all that tells what it is worth."""

    image: np.ndarray
    """float32 [1, h, w, 3], BGR, mean subtracted."""
    value: float
    """The objective, as the minimiser had it."""
    targets: Targets | None
    """None where a run was resumed and they are not known yet."""
    level: int
    """Where it was painted, from 0."""
    plan: Plan
    dtype: str
    """Of convolutions."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class State:
    """A run between two iterations. Every step of it makes a new one (run/search.py)."""

    levels: tuple[Level, ...]
    """Coarse to fine, as they are planned now."""
    level: int = 0
    """Where the run is, from 0."""
    dtype: str
    """What convolutions compute in now."""
    widened: int | None = None
    """The iteration after which float32 took over from bfloat16."""
    search: Search | None = None
    """The minimiser's own state in this level; None: the level has not begun."""
    left: Search | None = None
    """What this level can use of that of the level before, until it begins."""
    targets: Targets | None = None
    """What this level is compared with; not in checkpoints, but computed anew."""
    before: tuple[int, int] = (0, 0)
    """Iterations and evaluations of the levels before."""
    done: tuple[int, ...] = ()
    """Iterations of each level that was begun."""
    balance: Mapping[str, float] | None = None
    """Style layer → factor that `Config.balance` "equal" found at the start."""
    trace: tuple[Row, ...] = ()
    previous: Painted | None = None
    """The best of the level before, until this one has a finite objective."""
    ending: Ending | None = None
    """None: the run goes on."""

    @property
    def here(self) -> Level:
        """The level it is in."""
        return self.levels[self.level]

    @property
    def iterations(self) -> int:
        """Of the whole run."""
        return self.before[0] + (int(self.search.iterations) if self.search else 0)

    @property
    def evaluations(self) -> int:
        """Of the whole run."""
        return self.before[1] + (int(self.search.evaluations) if self.search else 0)

    def total(self, config: Config) -> int:
        """Iterations that the whole run may take."""
        return total_iterations(config.iterations, len(self.levels), config.finer_iterations)

    @property
    def budget_left(self) -> int:
        """Iterations that this level may still take."""
        return self.here.budget - (int(self.search.iterations) if self.search else 0)

    @property
    def running(self) -> bool:
        """Whether the search of this level can go on."""
        return self.search is not None and int(self.search.status) == Status.RUNNING

    @property
    def convolutions(self) -> str:
        """What they have computed in, as the record says it."""
        if self.widened is None:
            return self.dtype
        return f"bfloat16, float32 after iteration {self.widened}"

    def best(self, config: Config) -> Painted | None:
        """The best image so far; None before the first finite objective."""
        search = self.search
        if search is None or not np.isfinite(search.best_value):
            return self.previous
        image = image_of(search.best_position, self.here.size, config)
        value = float(search.best_value)
        return Painted(image, value, self.targets, self.level, self.here.plan, self.dtype)

    def replace(self, **changes: Any) -> "State":
        """The same but for these fields."""
        return dataclasses.replace(self, **changes)

    def with_plan(self, plan: Plan) -> "State":
        """The same with this level computed in another way."""
        levels = list(self.levels)
        levels[self.level] = self.here._replace(plan=plan)
        return self.replace(levels=tuple(levels))

    def ended(
        self, reason: str, error: BaseException | None = None, *, broken_off: bool = False
    ) -> "State":
        """The same, over for that reason."""
        return self.replace(ending=Ending(reason, error, broken_off))


def image_of(position: tf.Tensor, size: tuple[int, int], config: Config) -> np.ndarray:
    """float32 [1, h, w, 3], BGR, mean subtracted, of a minimiser's position [n]."""
    return precondition(tf.reshape(position, [1, *size, 3]), config.precondition).numpy()
