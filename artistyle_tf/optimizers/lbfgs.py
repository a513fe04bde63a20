"""Our own L-BFGS: runs on the device, with about one evaluation per iteration.

Nocedal and Wright, "Numerical Optimization", 2006: algorithm 3.1 (backtracking line search), the
initial scaling of eq. 7.20, and the matrix of algorithm 7.4 in compact form (`compact`). A trial,
first of the unit step, is accepted as soon as it gives sufficient decrease (eq. 3.4): a curvature
condition would cost two more evaluations, and pairs without enough curvature are skipped anyway.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.optimizers.base import Minimizer, State, Status, ValueAndGradient, step_factor
from artistyle_tf.optimizers.compact import Memory, empty_memory, inverse_product, push

SUFFICIENT_DECREASE = 1e-4
TRIALS = 12


class _Trial(NamedTuple):
    found: tf.Tensor  # bool [], whether it is accepted
    finite: tf.Tensor
    position: tf.Tensor
    value: tf.Tensor
    gradient: tf.Tensor
    following: tf.Tensor  # [], the step length to try next


class LBFGS(Minimizer):
    """L-BFGS with a backtracking line search for sufficient decrease.

    The history size is `history` correction pairs; just after old pairs were dropped, up to four
    fewer are held. Pairs without enough curvature are skipped. Pairs are stored as `held`, such as
    "bfloat16", if given; the small linear system that they define is solved in `wide`.
    """

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        history: int = 10,
        held: str | None = None,
        wide: str = "float64",
        compiled: bool = False,
    ):
        super().__init__(value_and_gradient, context_spec, compiled=compiled)
        self.history, self._held, self._wide = history, held, wide

    def _empty_memory(self, state: State) -> Memory:
        return empty_memory(state.position, self.history, self._held, self._wide)

    def prepare(self, state: State, context: Any = ()) -> None:
        position, value = state.position, state.value
        arguments = position, position, value, value, value
        trial = self._graphs.of(self._trial, *arguments, contextual=True)
        trial.get_concrete_function(*self._graphs.like(*arguments, context))
        self._traced(self._direction, state)
        ones = tf.ones_like(position)  # a pair with enough curvature
        push(state.memory, ones, ones, run=self._traced)

    def _iterate(self, state: State, context: Any) -> State:
        # Before the first evaluation the value is infinite and the gradient 0, so the trial is the
        # starting point itself and is accepted. Thus only one place evaluates the objective.
        first = tf.math.is_inf(state.value)
        direction, slope = self._traced(self._direction, state)
        most = tf.where(first, 1, TRIALS)

        def wanting(count: tf.Tensor, trial: _Trial) -> tf.Tensor:
            return ~trial.found & (count < most)

        def tried(count: tf.Tensor, trial: _Trial) -> tuple[tf.Tensor, _Trial]:
            arguments = state.position, direction, state.value, slope, trial.following
            evaluate = self._graphs.of(self._trial, *arguments, contextual=True)
            return count + 1, evaluate(*arguments, context)

        no, one = tf.constant(False), tf.ones_like(state.value)
        untried = _Trial(no, no, state.position, state.value, state.gradient, one)
        trials, trial = tf.while_loop(wanting, tried, (0, untried), parallel_iterations=1)

        def accepted() -> tuple[Any, ...]:
            step, change = trial.position - state.position, trial.gradient - state.gradient
            memory = push(state.memory, step, change, run=self._traced)
            return trial.position, trial.value, trial.gradient, memory

        def refused() -> tuple[Any, ...]:
            return state.position, state.value, state.gradient, state.memory

        stuck = ~first & (trial.value >= state.value)
        ended = stuck | ~tf.reduce_any(trial.gradient != 0)
        failed = tf.where(trial.finite, int(Status.LINE_SEARCH_FAILED), int(Status.NON_FINITE))
        status = tf.where(ended, int(Status.CONVERGED), int(Status.RUNNING))
        status = tf.where(trial.found, status, failed)
        moved = ~first & (status == int(Status.RUNNING))
        position, value, gradient, memory = tf.cond(trial.found, accepted, refused)
        return state._replace(
            position=position,
            value=value,
            gradient=gradient,
            iterations=state.iterations + tf.where(moved, 1, 0),
            evaluations=state.evaluations + trials,
            status=status,
            memory=memory,
        )

    def _traced(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._graphs.of(function, *arguments)(*arguments)

    def _direction(self, state: State) -> tuple[tf.Tensor, tf.Tensor]:
        """(−H g, its product with g); without pairs, −g scaled to the first step's length."""
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
    ) -> "_Trial":
        position = start + length * direction
        value, gradient = self._value_and_gradient(position, context)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        enough = value <= before + SUFFICIENT_DECREASE * length * slope
        # The minimum of the parabola through both values and the slope, clipped to bounds.
        parabola = tf.math.divide_no_nan(-slope * length, 2 * (value - before - slope * length))
        factor = tf.where(finite, tf.clip_by_value(parabola, 0.1, 0.5), 0.1)
        return _Trial(finite & enough, finite, position, value, gradient, length * factor)
