"""TensorFlow Probability's L-BFGS behind the `Minimizer` interface.

`tfp.optimizer.lbfgs_minimize` with the Hager-Zhang line search takes about three evaluations per
iteration, since it brackets a minimum along the line even if the unit step would do.
"""

import warnings
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from artistyle_tf.optimizers.base import (
    Minimizer,
    State,
    Status,
    ValueAndGradient,
    judge,
    step_factor,
)

with warnings.catch_warnings():
    # TFP 0.25 uses features that newer Python, NumPy and TensorFlow versions deprecate.
    warnings.simplefilter("ignore")
    import tensorflow_probability as tfp

    lbfgs_minimize = tfp.optimizer.lbfgs_minimize  # triggers loading: the package itself is lazy

# TFP compares with <=, so a tolerance of 0 would take an unchanged float32 value for convergence,
# where a restart may still help; with negative tolerances the search never ends.
NEVER = dict.fromkeys(
    ("tolerance", "x_tolerance", "f_relative_tolerance", "f_absolute_tolerance"), -1.0
)


class TFPLBFGS(Minimizer):
    """`tfp.optimizer.lbfgs_minimize`, resumed for each iteration from its previous results.

    Its first step is the gradient itself, so the objective is scaled to give that step the length
    `first_step`. The memory is (scale, results of the scaled objective).
    """

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        history: int = 10,
        compiled: bool = False,
    ):
        super().__init__(value_and_gradient, context_spec, compiled=compiled)
        self.history = history

    def _empty_memory(self, state: State) -> Any:
        def nothing(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.zeros_like(state.value), tf.zeros_like(position)

        # An empty results tuple: the library has no public constructor for one.
        results = lbfgs_minimize(
            nothing,
            initial_position=state.position,
            num_correction_pairs=self.history,
            max_iterations=0,
            **NEVER,
        )
        return tf.ones_like(state.value), results

    def _traced_steps(self) -> tuple[Callable[..., Any], ...]:
        return self._first_evaluation, self._resume

    def _iterate(self, state: State, context: Any) -> State:
        def by(function: Callable[..., State]) -> Callable[[], State]:
            traced = self._graphs.of(function, state, contextual=True)
            return lambda: traced(state, context)

        first = tf.math.is_inf(state.value)
        after: State = tf.cond(first, by(self._first_evaluation), by(self._resume))
        return after

    def _first_evaluation(self, state: State, context: Any) -> State:
        value, gradient = self._value_and_gradient(state.position, context)
        wanted = step_factor(gradient, state.first_step)
        # A power of two, so that scaling and unscaling are exact.
        scale = 2.0 ** tf.round(tf.math.log(wanted) / tf.math.log(tf.constant(2, wanted.dtype)))
        scale = tf.where(tf.math.is_finite(scale) & (scale > 0), scale, tf.ones_like(scale))
        _, results = state.memory
        results = results._replace(
            num_objective_evaluations=tf.constant(1),
            objective_value=value * scale,
            objective_gradient=gradient * scale,
        )
        finite, status = judge(value, gradient)
        return state._replace(
            # Not infinity, which would mean that the first evaluation is still to come.
            value=tf.where(finite, value, tf.constant(float("nan"), value.dtype)),
            gradient=gradient,
            evaluations=state.evaluations + 1,
            status=status,
            memory=(scale, results),
        )

    def _resume(self, state: State, context: Any) -> State:
        scale, before = state.memory

        def scaled(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            value, gradient = self._value_and_gradient(position, context)
            return value * scale, gradient * scale

        after = lbfgs_minimize(
            scaled,
            initial_position=None,
            previous_optimizer_results=before,
            num_correction_pairs=self.history,
            max_iterations=before.num_iterations + 1,  # counted from the first call
            **NEVER,
        )
        finite = tf.math.is_finite(after.objective_value)
        stuck = after.converged | tf.reduce_all(after.position == before.position)
        status = tf.where(
            after.failed,
            tf.where(finite, int(Status.LINE_SEARCH_FAILED), int(Status.NON_FINITE)),
            tf.where(stuck, int(Status.CONVERGED), int(Status.RUNNING)),
        )
        spent = after.num_objective_evaluations - before.num_objective_evaluations
        return state._replace(
            position=after.position,
            value=after.objective_value / scale,
            gradient=after.objective_gradient / scale,
            iterations=state.iterations + tf.where(status == int(Status.RUNNING), 1, 0),
            evaluations=state.evaluations + spent,
            status=status,
            memory=(scale, after),
        )
