"""Adam (Kingma and Ba 2014, arXiv:1412.6980), as in Keras and with averaged iterates."""

import abc
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.optimizers.base import Minimizer, State, Status, ValueAndGradient, judge

GROWN, PATIENCE = 10.0, 20
"""A search has diverged once its objective has stayed above GROWN times the initial value for more
than PATIENCE iterations; the first steps alone may well increase it."""

AVERAGE_DECAY = 0.99


class _FirstOrder(Minimizer):
    """One step and one evaluation an iteration; the first iteration only evaluates."""

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        learning_rate: float = 10.0,
        compiled: bool = False,
    ):
        super().__init__(value_and_gradient, context_spec, compiled=compiled)
        self.learning_rate = learning_rate

    def _traced_steps(self) -> tuple[Callable[..., Any], ...]:
        return (self._step_and_evaluate,)

    def _iterate(self, state: State, context: Any) -> State:
        traced = self._graphs.of(self._step_and_evaluate, state, contextual=True)
        after: State = traced(state, context)
        return after

    def _step_and_evaluate(self, state: State, context: Any) -> State:
        first = tf.math.is_inf(state.value)  # nothing has been evaluated yet
        position, memory = tf.cond(
            first, lambda: (state.position, state.memory), lambda: self._step(state, context)
        )
        value, gradient = self._value_and_gradient(position, context)
        finite, status = judge(value, gradient)
        after = state._replace(
            position=position, value=value, gradient=gradient, status=status, memory=memory
        )
        after = self._note(state, after, finite)
        moved = ~first & (after.status == int(Status.RUNNING))
        return after._replace(
            iterations=state.iterations + tf.where(moved, 1, 0),
            evaluations=state.evaluations + 1,
        )

    @abc.abstractmethod
    def _step(self, state: State, context: Any) -> tuple[tf.Tensor, Any]:
        """(the next position, the memory with the gradient taken in)."""

    @abc.abstractmethod
    def _note(self, before: State, after: State, finite: tf.Tensor) -> State:
        """The evaluated state `after` with what else the algorithm keeps of it."""


class _Memory(NamedTuple):
    first: tf.Tensor  # [n], decaying mean of gradients
    second: tf.Tensor  # [n], decaying mean of squared gradients
    steps: tf.Tensor  # int64 []
    began: tf.Tensor  # [], the objective at the starting point
    grown: tf.Tensor  # int32 [], consecutive iterations with the objective far above that


class Adam(_FirstOrder):
    """`keras.optimizers.Adam` with half-cosine decay of the learning rate over the budget.

    `first_step` scales the learning rate; after a restart it is a tenth of its former value.
    """

    FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-7

    def _empty_memory(self, state: State) -> _Memory:
        nothing = tf.zeros_like(state.position)
        began = tf.constant(float("inf"), state.position.dtype)
        return _Memory(nothing, nothing, tf.constant(0, tf.int64), began, tf.constant(0))

    def _note(self, before: State, after: State, finite: tf.Tensor) -> State:
        value, memory = after.value, after.memory
        began = tf.where(tf.math.is_inf(before.value), value, memory.began)
        grown = tf.where(value > GROWN * began, memory.grown + 1, 0)
        diverged = finite & (grown > PATIENCE)
        return after._replace(
            value=tf.where(finite, value, tf.constant(float("nan"), value.dtype)),
            status=tf.where(diverged, int(Status.DIVERGED), after.status),
            memory=memory._replace(began=began, grown=grown),
        )

    def _step(self, state: State, context: Any) -> tuple[tf.Tensor, _Memory]:
        memory, slope = state.memory, state.gradient
        steps = memory.steps + 1
        count, real = tf.cast(steps, slope.dtype), slope.dtype
        done = tf.cast(state.iterations, real) / tf.cast(tf.maximum(state.budget, 1), real)
        schedule = 0.5 * (1 + tf.cos(math.pi * tf.minimum(done, 1)))
        schedule = tf.where(state.budget > 0, schedule, tf.ones_like(schedule))
        first = memory.first + (1 - self.FIRST_DECAY) * (slope - memory.first)
        second = memory.second + (1 - self.SECOND_DECAY) * (tf.square(slope) - memory.second)
        rate = self.learning_rate * state.first_step * schedule
        rate *= tf.sqrt(1 - self.SECOND_DECAY**count) / (1 - self.FIRST_DECAY**count)
        position = state.position - rate * first / (tf.sqrt(second) + self.EPSILON)
        return position, memory._replace(first=first, second=second, steps=steps)


class _AverageMemory(NamedTuple):
    first: tf.Tensor
    second: tf.Tensor
    steps: tf.Tensor
    total: tf.Tensor  # [n], decaying mean of positions, without bias correction
    missing: tf.Tensor  # [], the weight that the initial zeros still have in that mean


class AveragedAdam(_FirstOrder):
    """Adam whose `best_position` is the average of its iterates, including the starting point.

    The optimizer of crowsonkb/style-transfer-pytorch: projected Adam (algorithm 1 of Kingma and Ba)
    with a constant learning rate, the averaging of section 7.2 and its bias correction.
    `best_value` is the objective at the last iterate; it is never evaluated at the average.

    Args:
      project: (position, context) → the nearest admissible position; None: no constraint.
      options: `learning_rate` of every step; `compiled` as in `Minimizer`.
    """

    FIRST_DECAY, SECOND_DECAY = 0.9, 0.99
    EPSILON = 1e-8 / 255  # that program's, for gradients per grey level instead of pixels in 0-1

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        project: Callable[[tf.Tensor, Any], tf.Tensor] | None = None,
        **options: Any,
    ):
        super().__init__(value_and_gradient, context_spec, **options)
        self._project = project

    def _empty_memory(self, state: State) -> _AverageMemory:
        nothing, one = tf.zeros_like(state.position), tf.ones([], state.position.dtype)
        return _AverageMemory(nothing, nothing, tf.constant(0), nothing, one)

    def continued(self, fresh: State, finished: State, resize: Callable[..., Any]) -> State:
        old = finished.memory
        first, second = resize(old.first), tf.nn.relu(resize(old.second))
        return fresh._replace(
            memory=fresh.memory._replace(first=first, second=second, steps=old.steps)
        )

    def _note(self, before: State, after: State, finite: tf.Tensor) -> State:
        memory = after.memory
        missing = AVERAGE_DECAY * memory.missing
        total = AVERAGE_DECAY * memory.total + (1 - AVERAGE_DECAY) * after.position
        averaged = after._replace(
            best_position=total / (1 - missing),
            best_value=after.value,
            memory=memory._replace(total=total, missing=missing),
        )
        found: State = tf.cond(
            finite, lambda: averaged, lambda: before._replace(status=after.status)
        )
        return found

    def _step(self, state: State, context: Any) -> tuple[tf.Tensor, _AverageMemory]:
        memory, slope = state.memory, state.gradient
        steps = memory.steps + 1
        count = tf.cast(steps, slope.dtype)
        first = self.FIRST_DECAY * memory.first + (1 - self.FIRST_DECAY) * slope
        second = self.SECOND_DECAY * memory.second + (1 - self.SECOND_DECAY) * tf.square(slope)
        mean = first / (1 - self.FIRST_DECAY**count)
        deviation = tf.sqrt(second / (1 - self.SECOND_DECAY**count)) + self.EPSILON
        rate = self.learning_rate * state.first_step  # a tenth after a restart
        position = state.position - rate * mean / deviation
        if self._project is not None:
            position = self._project(position, context)
        return position, memory._replace(first=first, second=second, steps=steps)

    def _keep_best(self, state: State) -> State:
        return state  # `_note` has already updated the average
