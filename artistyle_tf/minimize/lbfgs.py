"""Our own L-BFGS: on the device, and about one evaluation an iteration.

Nocedal and Wright, "Numerical Optimization", 2006: algorithm 3.1 (backtracking), the initial
scaling of eq. 7.20, and the matrix of algorithm 7.4 in its compact form (`compact`). The first
trial is the unit step, and it is accepted as soon as it satisfies sufficient decrease (eq. 3.4); a
curvature condition would cost two more evaluations an iteration and buys nothing here, since pairs
that lack it are left out.
"""

from collections.abc import Callable
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
    curvature are skipped. They are rounded to `held`, like "bfloat16", if that is given.
    """

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        history: int = 10,
        held: str | None = None,
    ):
        super().__init__(value_and_gradient, context_spec)
        self.history, self._held = history, held

    def _empty_memory(self, state: State) -> Memory:
        return empty_memory(state.position, self.history, self._held)

    def prepare(self, state: State, context: Any = ()) -> None:
        position, value = state.position, state.value
        arguments = position, position, value, value, value
        self._graphs.of(self._trial, *arguments, contextual=True).get_concrete_function()
        self._traced(self._direction, state)
        ones = tf.ones_like(position)  # of good curvature
        push(state.memory, ones, ones, run=self._traced)

    def _iterate(self, state: State, context: Any) -> State:
        # Before the first evaluation the value is infinite and the gradient 0: the trial is then
        # the starting point itself, and it is accepted. So there is one place that evaluates.
        first = bool(tf.math.is_inf(state.value))
        direction, slope = self._traced(self._direction, state)
        length = tf.ones_like(state.value)
        evaluations = state.evaluations
        for _ in range(1 if first else TRIALS):
            evaluations += 1
            arguments = state.position, direction, state.value, slope, length
            trial = self._graphs.of(self._trial, *arguments, contextual=True)
            found, finite, position, value, gradient, length = trial(*arguments, context)
            if bool(found):
                break
        evaluated = state._replace(evaluations=evaluations)
        if not bool(found):
            status = Status.LINE_SEARCH_FAILED if bool(finite) else Status.NON_FINITE
            return evaluated._replace(status=tf.constant(int(status)))
        step, change = position - state.position, gradient - state.gradient
        stuck = not first and bool(value >= state.value)
        if stuck or not bool(tf.reduce_any(gradient != 0)):
            evaluated = evaluated._replace(status=tf.constant(int(Status.CONVERGED)))
        elif not first:
            evaluated = evaluated._replace(iterations=state.iterations + 1)
        memory = push(state.memory, step, change, run=self._traced)
        return evaluated._replace(position=position, value=value, gradient=gradient, memory=memory)

    def _traced(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._graphs.of(function, *arguments)(*arguments)

    def _direction(self, state: State) -> tuple[tf.Tensor, tf.Tensor]:
        """(−H g, its product with g); −g with the first step's length where there is no pair."""
        memory: Memory = state.memory
        first = step_factor(state.gradient, state.first_step)
        scaled = memory._replace(scale=tf.where(memory.scale > 0, memory.scale, first))
        direction = -inverse_product(scaled, state.gradient)
        return direction, tf.reduce_sum(direction * state.gradient)

    def _trial(
        self,
        start: tf.Tensor,
        direction: tf.Tensor,
        before: tf.Tensor,
        slope: tf.Tensor,
        length: tf.Tensor,
        context: Any,
    ) -> tuple[tf.Tensor, ...]:
        """(found, finite, position, value, gradient, the length to try next)."""
        position = start + length * direction
        value, gradient = self._value_and_gradient(position, context)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        enough = value <= before + SUFFICIENT_DECREASE * length * slope
        # The minimum of the parabola through both values and the slope, within bounds.
        parabola = tf.math.divide_no_nan(-slope * length, 2 * (value - before - slope * length))
        factor = tf.where(finite, tf.clip_by_value(parabola, 0.1, 0.5), 0.1)
        return finite & enough, finite, position, value, gradient, length * factor
