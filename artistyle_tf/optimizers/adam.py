"""Adam (Kingma and Ba 2014, arXiv:1412.6980), in the form given at the end of its section 2."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.optimizers.base import Minimizer, State, Status, ValueAndGradient

__all__ = ["Adam"]

FIRST_DECAY, SECOND_DECAY = 0.9, 0.999
EPSILON = 1e-7
"""The defaults of `keras.optimizers.Adam`."""
GROWN = 10.0
PATIENCE = 20
"""A search counts as diverged once its objective has stayed above GROWN times the initial value
for more than PATIENCE iterations; the first steps alone may well increase it."""


class Memory(NamedTuple):
    """The minimiser's internal state between iterations."""

    first: tf.Tensor
    """[n], decaying mean of gradients."""
    second: tf.Tensor
    """[n], decaying mean of squared gradients."""
    steps: tf.Tensor
    """int64 [], number of steps accumulated in these means."""
    began: tf.Tensor
    """[], the objective at the starting point."""
    grown: tf.Tensor
    """int32 [], consecutive iterations with the objective far above that."""


class Adam(Minimizer):
    """`keras.optimizers.Adam` with half-cosine decay of the learning rate over the budget.

    `first_step` scales the learning rate; after a restart it is a tenth of its former value.
    """

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

    def _empty_memory(self, state: State) -> Memory:
        nothing = tf.zeros_like(state.position)
        began = tf.constant(float("inf"), state.position.dtype)
        return Memory(nothing, nothing, tf.constant(0, tf.int64), began, tf.constant(0))

    def prepare(self, state: State, context: Any = ()) -> None:
        traced = self._graphs.of(self._moved, state, contextual=True)
        traced.get_concrete_function(*self._graphs.like(state, context))

    def _iterate(self, state: State, context: Any) -> State:
        after: State = self._graphs.of(self._moved, state, contextual=True)(state, context)
        return after

    def _moved(self, state: State, context: Any) -> State:
        first = tf.math.is_inf(state.value)  # nothing has been evaluated yet
        position, memory = tf.cond(
            first, lambda: (state.position, state.memory), lambda: self._step(state)
        )
        value, gradient = self._value_and_gradient(position, context)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        began = tf.where(first, value, memory.began)
        grown = tf.where(value > GROWN * began, memory.grown + 1, 0)
        status = tf.where(tf.reduce_any(gradient != 0), int(Status.RUNNING), int(Status.CONVERGED))
        status = tf.where(grown > PATIENCE, int(Status.DIVERGED), status)
        status = tf.where(finite, status, int(Status.NON_FINITE))
        moved = ~first & (status == int(Status.RUNNING))
        return state._replace(
            position=position,
            value=tf.where(finite, value, tf.constant(float("nan"), value.dtype)),
            gradient=gradient,
            iterations=state.iterations + tf.where(moved, 1, 0),
            evaluations=state.evaluations + 1,
            status=status,
            memory=memory._replace(began=began, grown=grown),
        )

    def _step(self, state: State) -> tuple[tf.Tensor, Memory]:
        memory, slope = state.memory, state.gradient
        steps = memory.steps + 1
        count, real = tf.cast(steps, slope.dtype), slope.dtype
        done = tf.cast(state.iterations, real) / tf.cast(tf.maximum(state.budget, 1), real)
        schedule = 0.5 * (1 + tf.cos(math.pi * tf.minimum(done, 1)))
        schedule = tf.where(state.budget > 0, schedule, tf.ones_like(schedule))
        first = memory.first + (1 - FIRST_DECAY) * (slope - memory.first)
        second = memory.second + (1 - SECOND_DECAY) * (tf.square(slope) - memory.second)
        rate = self.learning_rate * state.first_step * schedule
        rate *= tf.sqrt(1 - SECOND_DECAY**count) / (1 - FIRST_DECAY**count)
        position = state.position - rate * first / (tf.sqrt(second) + EPSILON)
        return position, memory._replace(first=first, second=second, steps=steps)
