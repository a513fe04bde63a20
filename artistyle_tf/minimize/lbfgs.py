"""Our own L-BFGS: on the device, and about one evaluation an iteration.

Nocedal and Wright, "Numerical Optimization", 2006: algorithms 7.4 (two loops) and 3.1
(backtracking), and the initial scaling of eq. 7.20. The first trial is the unit step, and it is
accepted as soon as it satisfies sufficient decrease (eq. 3.4); a curvature condition would cost
two more evaluations an iteration and buys nothing here, since pairs that lack it are left out.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.minimize.base import (
    Minimizer,
    State,
    Status,
    ValueAndGradient,
    step_factor,
)

__all__ = ["LBFGS"]

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 1e-6
TRIALS = 12


class Memory(NamedTuple):
    """Correction pairs, newest first, each vector a tensor of its own: pushing copies nothing."""

    steps: tuple[tf.Tensor, ...]
    """s, [n] each; zeros where there is no pair yet."""
    changes: tuple[tf.Tensor, ...]
    """y, [n] each."""
    rhos: tuple[tf.Tensor, ...]
    """1 / sᵀy, and 0 where there is no pair yet, which makes it count for nothing."""
    scale: tf.Tensor
    """γ = sᵀy / yᵀy of the newest pair; 0 before there is one."""


class LBFGS(Minimizer):
    """L-BFGS with backtracking to sufficient decrease.

    A pair with sᵀy ≤ 1e-6 ‖s‖‖y‖ is skipped: it would make the estimate of the inverse Hessian
    indefinite, or huge from rounding alone.
    """

    def __init__(
        self, value_and_gradient: ValueAndGradient, context_spec: Any = (), *, history: int = 10
    ):
        super().__init__(value_and_gradient, context_spec)
        self.history = history

    def _empty_memory(self, state: State) -> Memory:
        nothing, zero = tf.zeros_like(state.position), tf.zeros_like(state.value)
        pairs = (nothing,) * self.history
        return Memory(pairs, pairs, (zero,) * self.history, zero)

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
        """−H g, by two loops over the pairs; −g with the first step's length without any."""
        memory: Memory = state.memory
        pairs = list(zip(memory.steps, memory.changes, memory.rhos, strict=True))
        q, alphas = state.gradient, []
        for step, change, rho in pairs:
            alpha = rho * tf.reduce_sum(step * q)
            q -= alpha * change
            alphas.append(alpha)
        first = step_factor(state.gradient, state.first_step)
        q *= tf.where(memory.scale > 0, memory.scale, first)
        for (step, change, rho), alpha in zip(reversed(pairs), reversed(alphas), strict=True):
            q += (alpha - rho * tf.reduce_sum(change * q)) * step
        return -q

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


def push(memory: Memory, step: tf.Tensor, change: tf.Tensor) -> Memory:
    """The memory with the pair (s, y) in front and the oldest gone, or as it was if sᵀy is poor."""
    product = tf.reduce_sum(step * change)
    squared = tf.reduce_sum(tf.square(change))
    lengths = tf.sqrt(tf.reduce_sum(tf.square(step))) * tf.sqrt(squared)
    return tf.cond(
        product > CURVATURE * lengths,
        lambda: Memory(
            (step, *memory.steps[:-1]),
            (change, *memory.changes[:-1]),
            (1 / product, *memory.rhos[:-1]),
            product / squared,
        ),
        lambda: memory,
    )
