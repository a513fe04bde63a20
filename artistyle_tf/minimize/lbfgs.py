"""Our own L-BFGS: on the device, and about one evaluation an iteration.

Nocedal and Wright, "Numerical Optimization", 2006: algorithm 3.1 (backtracking), the initial
scaling of eq. 7.20, and the matrix of algorithm 7.4 in its compact form (`compact`). The first
trial is the unit step, and it is accepted as soon as it satisfies sufficient decrease (eq. 3.4); a
curvature condition would cost two more evaluations an iteration and buys nothing here, since pairs
that lack it are left out.
"""

from typing import Any

import tensorflow as tf

from artistyle_tf.minimize.base import Minimizer, State, Status, ValueAndGradient, step_factor
from artistyle_tf.minimize.compact import Memory, empty_memory, inverse_product, push

__all__ = ["LBFGS"]

SUFFICIENT_DECREASE = 1e-4
TRIALS = 12


class LBFGS(Minimizer):
    """L-BFGS with backtracking to sufficient decrease.

    `history` pairs are held, or up to four fewer after old ones were forgotten; pairs without
    curvature are skipped.
    """

    def __init__(
        self, value_and_gradient: ValueAndGradient, context_spec: Any = (), *, history: int = 10
    ):
        super().__init__(value_and_gradient, context_spec)
        self.history = history

    def _empty_memory(self, state: State) -> Memory:
        return empty_memory(state.position, self.history)

    def _iterate(self, state: State, context: Any) -> State:
        # Before the first evaluation the value is infinite and the gradient 0: the trial is then
        # the starting point itself, and it is accepted. So there is one place that evaluates.
        first = tf.math.is_inf(state.value)
        direction = self._direction(state)
        slope = tf.reduce_sum(direction * state.gradient)
        position, value, gradient, trials, found = self._search(state, direction, slope, context)
        step, change = position - state.position, gradient - state.gradient
        memory = push(state.memory, step, change)
        moved = state._replace(position=position, value=value, gradient=gradient, memory=memory)
        stuck = (~first & (value >= state.value)) | tf.reduce_all(gradient == 0)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        status = tf.where(
            found,
            tf.where(stuck, int(Status.CONVERGED), int(Status.RUNNING)),
            tf.where(finite, int(Status.LINE_SEARCH_FAILED), int(Status.NON_FINITE)),
        )
        result = tf.cond(found, lambda: moved, lambda: state)
        return result._replace(
            iterations=state.iterations + tf.where(first | (status != int(Status.RUNNING)), 0, 1),
            evaluations=state.evaluations + trials,
            status=status,
        )

    def _direction(self, state: State) -> tf.Tensor:
        """−H g; −g with the first step's length where there is no pair."""
        memory: Memory = state.memory
        first = step_factor(state.gradient, state.first_step)
        scaled = memory._replace(scale=tf.where(memory.scale > 0, memory.scale, first))
        return -inverse_product(scaled, state.gradient)

    def _search(
        self, state: State, direction: tf.Tensor, slope: tf.Tensor, context: Any
    ) -> tuple[tf.Tensor, ...]:
        """Backtracking from the unit step: (position, value, gradient, trials, found)."""

        def unfinished(length: tf.Tensor, trials: tf.Tensor, found: tf.Tensor, *_: Any) -> Any:
            return ~found & (trials < tf.where(tf.math.is_inf(state.value), 1, TRIALS))

        def trial(length: tf.Tensor, trials: tf.Tensor, *_: Any) -> tuple[tf.Tensor, ...]:
            position = state.position + length * direction
            value, gradient = self._value_and_gradient(position, context)
            finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
            enough = value <= state.value + SUFFICIENT_DECREASE * length * slope
            # The minimum of the parabola through both values and the slope, within bounds.
            parabola = tf.math.divide_no_nan(
                -slope * length, 2 * (value - state.value - slope * length)
            )
            factor = tf.where(finite, tf.clip_by_value(parabola, 0.1, 0.5), 0.1)
            return length * factor, trials + 1, finite & enough, position, value, gradient

        one = tf.ones_like(state.value)
        _, trials, found, position, value, gradient = tf.while_loop(
            unfinished,
            trial,
            (one, tf.constant(0), tf.constant(False), state.position, state.value, state.gradient),
            parallel_iterations=1,
        )
        return position, value, gradient, trials, found
