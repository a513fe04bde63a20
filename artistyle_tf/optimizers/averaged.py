"""Projected Adam with a constant learning rate; the result is the average of its iterates.

The minimiser of crowsonkb/style-transfer-pytorch: algorithm 1 of Kingma and Ba 2014
(arXiv:1412.6980), with the averaging of section 7.2 and its bias correction.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.optimizers.base import Minimizer, State, Status, ValueAndGradient

__all__ = ["AveragedAdam"]

FIRST_DECAY, SECOND_DECAY = 0.9, 0.99
AVERAGE_DECAY = 0.99
EPSILON = 1e-8 / 255
"""That program's value, rescaled for gradients per grey level instead of per pixel in 0-1."""


class Memory(NamedTuple):
    """The minimiser's internal state between iterations."""

    first: tf.Tensor
    """[n], decaying mean of gradients."""
    second: tf.Tensor
    """[n], decaying mean of squared gradients."""
    steps: tf.Tensor
    """int32 [], number of steps accumulated in these means."""
    total: tf.Tensor
    """[n], decaying mean of positions, without bias correction."""
    missing: tf.Tensor
    """[], the weight that the initial zeros still have in that mean."""


class AveragedAdam(Minimizer):
    """Adam whose `best_position` is the average of its iterates, including the starting point.

    `best_value` is the objective at the last iterate; it is never evaluated at the average.

    Args:
      value_and_gradient: as in `Minimizer`.
      context_spec: as in `Minimizer`.
      learning_rate: of every step.
      project: (position, context) → the nearest admissible position; None: no constraint.
      compiled: as in `Minimizer`.
    """

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        learning_rate: float = 5.1,
        project: Callable[[tf.Tensor, Any], tf.Tensor] | None = None,
        compiled: bool = False,
    ):
        super().__init__(value_and_gradient, context_spec, compiled=compiled)
        self.learning_rate = learning_rate
        self._project = project

    def _empty_memory(self, state: State) -> Memory:
        nothing, one = tf.zeros_like(state.position), tf.ones([], state.position.dtype)
        return Memory(nothing, nothing, tf.constant(0), nothing, one)

    def remains(self, state: State) -> State:
        return state

    def carried(self, state: State, before: State, resize: Callable[..., Any]) -> State:
        """Means of gradients carry over between levels; the average of positions starts afresh."""
        old = before.memory
        first, second = resize(old.first), tf.nn.relu(resize(old.second))
        memory = state.memory._replace(first=first, second=second, steps=old.steps)
        return state._replace(memory=memory)

    def prepare(self, state: State, context: Any = ()) -> None:
        traced = self._graphs.of(self._moved, state, contextual=True)
        traced.get_concrete_function(*self._graphs.like(state, context))

    def _iterate(self, state: State, context: Any) -> State:
        after: State = self._graphs.of(self._moved, state, contextual=True)(state, context)
        return after

    def _moved(self, state: State, context: Any) -> State:
        start = tf.math.is_inf(state.value)  # nothing has been evaluated yet
        position, memory = tf.cond(
            start, lambda: (state.position, state.memory), lambda: self._step(state, context)
        )
        value, gradient = self._value_and_gradient(position, context)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        still = tf.reduce_all(gradient == 0)
        status = tf.where(
            finite,
            tf.where(still, int(Status.CONVERGED), int(Status.RUNNING)),
            int(Status.NON_FINITE),
        )
        missing = AVERAGE_DECAY * memory.missing
        total = AVERAGE_DECAY * memory.total + (1 - AVERAGE_DECAY) * position
        moved = state._replace(
            position=position,
            value=value,
            gradient=gradient,
            best_position=total / (1 - missing),
            best_value=value,
            memory=memory._replace(total=total, missing=missing),
        )
        kept = tf.cond(finite, lambda: moved, lambda: state)
        return kept._replace(
            iterations=state.iterations + tf.where(start | (status != int(Status.RUNNING)), 0, 1),
            evaluations=state.evaluations + 1,
            status=status,
        )

    def _step(self, state: State, context: Any) -> tuple[tf.Tensor, Memory]:
        memory, slope = state.memory, state.gradient
        steps = memory.steps + 1
        count = tf.cast(steps, slope.dtype)
        first = FIRST_DECAY * memory.first + (1 - FIRST_DECAY) * slope
        second = SECOND_DECAY * memory.second + (1 - SECOND_DECAY) * tf.square(slope)
        mean = first / (1 - FIRST_DECAY**count)
        deviation = tf.sqrt(second / (1 - SECOND_DECAY**count)) + EPSILON
        rate = self.learning_rate * state.first_step  # a tenth after a restart
        position = state.position - rate * mean / deviation
        if self._project is not None:
            position = self._project(position, context)
        return position, memory._replace(first=first, second=second, steps=steps)

    def _kept(self, state: State) -> State:
        return state  # `_iterate` has already updated the average
