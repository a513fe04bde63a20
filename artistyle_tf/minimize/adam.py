"""Adam: a Keras optimiser in an explicit loop. Kingma and Ba 2014, arXiv:1412.6980."""

import math
from typing import Any

import keras
import tensorflow as tf

from artistyle_tf.minimize.base import Minimizer, State, Status, ValueAndGradient, keep_best

__all__ = ["Adam"]

GROWN = 10.0
PATIENCE = 20
"""A search has diverged that stays above so many times its first objective for so many iterations;
its first steps alone may well lead up."""


class Adam(Minimizer):
    """`keras.optimizers.Adam` with a step that falls to 0 like a half cosine over the budget.

    `first_step` scales the learning rate: after a restart it is a tenth. Memory is the two
    moments and the optimiser's own count, the objective where the search began, and for how many
    iterations it has been far above that.
    """

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        learning_rate: float = 10.0,
    ):
        super().__init__(value_and_gradient, context_spec)
        self.learning_rate = learning_rate
        self._optimizer: keras.optimizers.Optimizer | None = None
        self._variable: keras.Variable | None = None

    def _empty_memory(self, state: State) -> Any:
        nothing = tf.zeros_like(state.position)
        began = tf.constant(float("inf"), state.position.dtype)
        return nothing, nothing, tf.constant(0, tf.int64), began, tf.constant(0)

    def _advance(self, state: State, context: Any, until: int) -> State:
        # Eager: a Keras optimiser keeps its moments in variables, which a state must not share.
        if self._variable is None or self._variable.shape != tuple(state.position.shape):
            self._variable = keras.Variable(state.position, dtype=state.position.dtype.name)
            self._optimizer = keras.optimizers.Adam(epsilon=1e-7)
            self._optimizer.build([self._variable])
        while int(state.iterations) < until and int(state.status) == Status.RUNNING:
            state = keep_best(self._iterate(state, context))
        return state

    def _iterate(self, state: State, context: Any) -> State:
        first = bool(tf.math.is_inf(state.value))
        position, memory = state.position, state.memory
        if not first:
            position, memory = self._step(state)
        value, gradient = self._value_and_gradient(position, context)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        *moments, began, grown = memory
        began = value if first else began
        grown = grown + 1 if bool(value > GROWN * began) else tf.zeros_like(grown)
        memory = (*moments, began, grown)
        if not bool(finite):
            status = Status.NON_FINITE
        elif int(grown) > PATIENCE:
            status = Status.DIVERGED
        elif not bool(tf.reduce_any(gradient != 0)):
            status = Status.CONVERGED
        else:
            status = Status.RUNNING
        return state._replace(
            position=position,
            value=tf.where(finite, value, tf.constant(float("nan"), value.dtype)),
            gradient=gradient,
            iterations=state.iterations + (0 if first or status != Status.RUNNING else 1),
            evaluations=state.evaluations + 1,
            status=tf.constant(int(status)),
            memory=memory,
        )

    def _step(self, state: State) -> tuple[tf.Tensor, Any]:
        assert self._optimizer is not None
        assert self._variable is not None
        optimizer, variable = self._optimizer, self._variable
        done = min(int(state.iterations) / max(int(state.budget), 1), 1.0)
        schedule = 0.5 * (1 + math.cos(math.pi * done)) if int(state.budget) else 1.0
        rate = self.learning_rate * float(state.first_step) * schedule
        # The first two variables of every Keras optimiser are its count and its learning rate.
        _, _, first_moment, second_moment = optimizer.variables
        variable.assign(state.position)
        for target, saved in zip((first_moment, second_moment), state.memory[:2], strict=True):
            target.assign(saved)
        optimizer.iterations.assign(state.memory[2])
        optimizer.learning_rate.assign(rate)
        optimizer.apply([state.gradient], [variable])
        moments = (tf.identity(first_moment), tf.identity(second_moment))
        count = tf.identity(optimizer.iterations)
        return tf.identity(variable), (*moments, count, *state.memory[3:])
