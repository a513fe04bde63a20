"""The search of a run, level by level: its minimiser, its clock, its counts, its trace."""

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.minimize import State, Status
from artistyle_tf.network.precision import convolution_dtype
from artistyle_tf.network.weights import Weights
from artistyle_tf.objective.coordinates import precondition
from artistyle_tf.objective.whole import Objective, Targets
from artistyle_tf.pictures import sizes
from artistyle_tf.pictures.masks import Regions, within
from artistyle_tf.pictures.network_scale import from_network, to_network, unclipped
from artistyle_tf.pictures.recolor import keep_chroma, recolor
from artistyle_tf.run.checkpoints import Checkpoints, Saved
from artistyle_tf.run.events import Callbacks, Step, consult, rms
from artistyle_tf.run.keeper import Keeper, restored
from artistyle_tf.run.memory import SIDES, Plan
from artistyle_tf.run.snapshot import Snapshot
from artistyle_tf.run.solvers import Engines
from artistyle_tf.scene.canvas import level_targets
from artistyle_tf.settings.config import Config

__all__ = ["Run"]

logger = logging.getLogger("artistyle_tf")

Computed = TypeVar("Computed")


class Run:
    """What lasts from level to level: the minimiser, the clock, the counts, the trace."""

    def __init__(
        self,
        config: Config,
        weights: Weights,
        content: np.ndarray,
        styles: Sequence[np.ndarray],
        callback: Callbacks | None,
        began: float,
        strategy: tf.distribute.Strategy | None = None,
        checkpoints: Checkpoints | None = None,
        regions: Regions | None = None,
    ):
        self.config, self.callback = config, callback
        self._regions = regions
        self._dtype = self.convolutions = convolution_dtype(config.precision)
        self.trace: list[tuple[int, float, float, int, int]] = []
        self.levels: list[list[int]] = []
        """[height, width, iterations done] of each level that was begun."""
        self.iterations = self.evaluations = 0
        self.stop_reason = f"all {config.iterations} iterations done"
        self.ended = False
        self.error: Exception | None = None
        self.best: tuple[np.ndarray, Targets, Objective] | None = None
        self.setup_seconds = 0.0
        self._began, self._clock = began, 0.0
        self._weights, self._original = weights, content
        self.content, self.styles = recolor(config.color, content, list(styles))
        self._balance: Any = None
        count = len(regions.content) if regions else 0
        self._engines = Engines(config, weights, strategy, count)
        self._resumed: tuple[Snapshot, State] | None = None
        self.keeper = Keeper(checkpoints)
        self.first = 0
        """The level to begin with."""
        self.plans: list[Plan] = []
        """How each level is computed; see `plan`."""

    def plan(self, sizes: Sequence[tuple[int, int]], first: int = 0) -> None:
        """Plans all levels, or those from `first` on, by what is free of memory now."""
        self.plans[first:] = self._engines.plans(sizes[first:], self._dtype)

    def level(
        self, image: np.ndarray, level: int, sizes: Sequence[tuple[int, int]], budgets: list[int]
    ) -> np.ndarray:
        """The best image of one level, from `image` [1, h, w, 3] at that level's size.

        Iterations that a level leaves because its search ended go to the next one. `best` has the
        best image so far with its targets, whatever ends the level.
        """
        size, budget = sizes[level], budgets[level]
        image = within(self._regions, image, self.content)
        finest = level + 1 == len(sizes)
        self._prepare(self.plans[level])
        targets = self._fitting(level, size, lambda: self._targets(size, finest))
        if self.config.balance == "equal" and self._balance is None:  # at the run's very start
            targets = self.objective.balanced(tf.constant(image), targets)
            self._balance = targets.balance
        position = precondition(tf.constant(image), -self.config.precondition)
        before = self.iterations, self.evaluations
        state = self._minimizer.start(position, budget=budget)
        if self._resumed:  # this is the level that it was saved in
            (snapshot, state), self._resumed = self._resumed, None
            before = snapshot.before
            self.iterations = before[0] + int(state.iterations)
            self.evaluations = before[1] + int(state.evaluations)
        else:
            self.levels.append([*size, 0])
        began = time.perf_counter()
        if not self._clock:
            # Traces, evaluates nothing.
            self._advance(state, targets, size, iterations=0)
            began = time.perf_counter()
            self.setup_seconds = began - self._began
            self._clock = began - (self.trace[-1][1] if self.trace else 0.0)
        try:
            while int(state.iterations) < budget:
                if int(state.status) != Status.RUNNING:
                    if self.convolutions != "bfloat16" or self.config.precision != "auto":
                        break
                    if np.isfinite(state.best_value):
                        self._keep(state, size, targets)
                    state, targets = self._in_float32(state, level, sizes, finest)
                done, left = int(state.iterations), state.position
                state = self._fitting(
                    level, size, functools.partial(self._advance, state, targets, size)
                )
                self.evaluations = before[1] + int(state.evaluations)
                if int(state.iterations) == done:
                    continue  # the search has ended
                self.iterations = before[0] + int(state.iterations)
                self.levels[-1][2] = int(state.iterations)
                pace = (time.perf_counter() - began) / int(state.iterations)
                seconds = time.perf_counter() - self._clock
                self.trace.append((self.evaluations, seconds, float(state.value), *size))
                if self.keeper.active:
                    self.keeper.reached(self._snapshot(level, budgets, before), state)
                self._report(state, left, targets, level, sizes, budgets, pace)
                if self.ended:
                    break
                self.keeper.save_if_due()
        finally:
            if np.isfinite(state.best_value):
                self._keep(state, size, targets)
        if self.best is None:
            raise ArtistyleError(
                "the objective is not finite at the start: it overflows float32; smaller "
                "content_weight, style_weight or layer weights, or other filters, would do"
            )
        if int(state.status) != Status.RUNNING:
            if level + 1 < len(sizes):
                budgets[level + 1] += budget - int(state.iterations)
            elif not self.ended:
                again = ", again after a restart" if int(state.restarts) else ""
                self.stop_reason = f"{Status(int(state.status))}{again}"
        return self.best[0]

    def resume(self, saved: Saved, sizes: Sequence[tuple[int, int]], budgets: list[int]) -> None:
        """Takes up what was saved, from level `first` on; `budgets` becomes the saved one.

        Raises:
          ValueError: it can't be of a run with such sizes; then nothing is taken up.
        """
        layers = list(self.config.layer_weights("style"))
        snapshot, state = restored(
            saved, sizes, layers, lambda plan, dtype: self._engines.engine(plan, dtype)[1]
        )
        self._resumed, self.first = (snapshot, state), snapshot.level
        self._dtype, self.convolutions = snapshot.dtype, snapshot.convolutions
        self.levels = [list(row) for row in snapshot.levels]
        self.trace, self.plans = list(snapshot.trace), list(snapshot.plans)
        budgets[:] = snapshot.budgets
        if snapshot.balance is not None:
            self._balance = {
                name: tf.constant(factor, tf.float32) for name, factor in snapshot.balance.items()
            }

    def _snapshot(self, level: int, budgets: Sequence[int], before: tuple[int, int]) -> Snapshot:
        balance = self._balance and {name: float(one) for name, one in self._balance.items()}
        return Snapshot(
            level=level,
            before=before,
            budgets=tuple(budgets),
            levels=tuple((height, width, done) for height, width, done in self.levels),
            plans=tuple(self.plans),
            dtype=self._dtype,
            convolutions=self.convolutions,
            balance=balance,
            trace=tuple(self.trace),
        )

    def _keep(self, state: State, size: tuple[int, int], targets: Targets) -> None:
        self.best = self._image(state.best_position, size), targets, self.objective

    def best_parts(self) -> tuple[dict[str, float], dict[str, float]]:
        """The objective's parts by name: at the best image, and rounded and clipped as a file
        holds it (before --color=luminance or masks put the photo's own pixels back)."""
        assert self.best is not None
        image, targets, objective = self.best
        held = to_network(from_network(image))
        return self.parts(*self.best), self.parts(held, targets, objective)

    def parts(self, image: Any, targets: Targets, objective: Objective) -> dict[str, float]:
        """The objective's parts by name, at `image` [1, h, w, 3]."""
        value, content, style, *others = objective.parts(tf.constant(image), targets)
        parts = {"value": float(value)}
        parts.update(zip(("total_variation", "gamut"), map(float, others), strict=True))
        for kind, layers in (("content", content), ("style", style)):
            parts[kind] = float(sum(layers.values()))
            parts.update({f"{kind}/{name}": float(part) for name, part in layers.items()})
        return parts

    def _report(
        self,
        state: State,
        left: tf.Tensor,
        targets: Targets,
        level: int,
        sizes: Sequence[tuple[int, int]],
        budgets: Sequence[int],
        pace: float,
    ) -> None:
        """Calls the callback with the state; `left` is the position before."""
        if self.callback is None:
            return
        size, pixels = sizes[level], [height * width for height, width in sizes]
        ahead = sum(b * p for b, p in zip(budgets[level + 1 :], pixels[level + 1 :], strict=True))
        step = Step(
            level=level + 1,
            levels=len(sizes),
            size=size,
            iteration=self.iterations,
            iterations=self.config.iterations,
            evaluations=self.evaluations,
            objective=float(state.value),
            seconds=self.trace[-1][1],
            remaining=pace * (budgets[level] - int(state.iterations) + ahead / pixels[level]),
            parts=lambda: self.parts(self._image(state.position, size), targets, self.objective),
            image=lambda: from_network(self.colored(self._image(state.position, size))),
            unclipped=lambda: unclipped(self.colored(self._image(state.position, size))),
            step_length=lambda: rms(self._image(state.position - left, size)),
        )
        stop_reason, self.error = consult(self.callback, step)
        if stop_reason:
            self.ended, self.stop_reason = True, stop_reason

    def _prepare(self, plan: Plan) -> None:
        self.objective, self._minimizer = self._engines.engine(plan, self._dtype)

    def _fitting(
        self, level: int, size: tuple[int, int], compute: Callable[[], Computed]
    ) -> Computed:
        """`compute()`, in smaller tiles if memory runs out; nothing that was reached is lost."""
        while True:
            try:
                return compute()
            except tf.errors.ResourceExhaustedError:
                plan = self.plans[level]
                smaller = [tile for tile in SIDES if tile < (plan.tile or max(size))]
                if not smaller:
                    raise
                logger.warning("memory ran out; going on in tiles of %s px", smaller[0])
                self.plans[level] = plan._replace(tile=smaller[0])
                self._prepare(self.plans[level])

    def _in_float32(
        self, state: State, level: int, sizes: Sequence[tuple[int, int]], finest: bool
    ) -> tuple[State, Targets]:
        """The search begun anew at its best point, where bfloat16 can't tell better from worse."""
        self._dtype = "float32"
        self.plan(sizes, level)
        self._prepare(self.plans[level])
        self.convolutions = f"bfloat16, float32 after iteration {self.iterations}"
        fresh = self._minimizer.start(
            state.best_position, budget=int(state.budget), first_step=float(state.first_step)
        )
        counts = {"iterations": state.iterations, "evaluations": state.evaluations}
        return fresh._replace(**counts), self._targets(sizes[level], finest)

    def _targets(self, size: tuple[int, int], finest: bool) -> Targets:
        targets = level_targets(
            self.objective, self.content, self.styles, size, self._regions, finest=finest
        )
        return targets if self._balance is None else targets._replace(balance=self._balance)

    def _advance(
        self, state: State, targets: Targets, size: tuple[int, int], iterations: int = 1
    ) -> State:
        return self._minimizer.advance(state, (targets, tf.constant(size)), iterations=iterations)

    def colored(self, image: np.ndarray) -> np.ndarray:
        """What is shown of an image [1, h, w, 3] that the minimiser made."""
        if self.config.color == "luminance":
            size = image.shape[1], image.shape[2]
            image = keep_chroma(image, sizes.resize(self._original, size))
        return within(self._regions, image, self._original)

    def _image(self, position: tf.Tensor, size: tuple[int, int]) -> np.ndarray:
        image = precondition(tf.reshape(position, [1, *size, 3]), self.config.precondition)
        return image.numpy()
