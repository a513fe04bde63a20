"""What all optimizers share: interface, state, traced functions, restart, reasons for stopping."""

import abc
import enum
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

MOST_STEPS = 64
"""Most iterations that one call of `Minimizer.advance_at_once` can take."""

ValueAndGradient = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor]]
"""(position [n], context) → (value [], gradient [n]). The context is any nest of tensors."""


class Status(enum.IntEnum):
    """Whether an optimizer is still running, or why it has stopped."""

    RUNNING = 0
    CONVERGED = 1
    LINE_SEARCH_FAILED = 2
    NON_FINITE = 3
    DIVERGED = 4

    def __str__(self) -> str:
        return {
            Status.RUNNING: "running",
            Status.CONVERGED: "converged: no step makes the objective smaller",
            Status.LINE_SEARCH_FAILED: "the line search failed",
            Status.NON_FINITE: "the objective or its gradient was not finite",
            Status.DIVERGED: "the objective grew; a smaller learning_rate may do",
        }[self]


class State(NamedTuple):
    """Everything an optimizer needs to resume exactly where it was. Tensors only."""

    position: tf.Tensor
    """[n]"""
    value: tf.Tensor
    """[], the objective at `position`; infinite before the first evaluation."""
    gradient: tf.Tensor
    """[n]"""
    best_position: tf.Tensor
    """[n], the iterate with the smallest finite objective."""
    best_value: tf.Tensor
    iterations: tf.Tensor
    """int32 []"""
    evaluations: tf.Tensor
    """int32 [], evaluations of the objective so far."""
    restarts: tf.Tensor
    """int32 []"""
    status: tf.Tensor
    """int32 [], a `Status`."""
    budget: tf.Tensor
    """int32 [], planned number of iterations, which learning-rate schedules depend on."""
    first_step: tf.Tensor
    """[], root mean square of the first step."""
    memory: Any
    """The algorithm's own internal state: a nest of tensors."""


class Graphs:
    """Traced functions, each created on first use; arguments as of `Minimizer`."""

    def __init__(self, context_spec: Any = (), compiled: bool = False):
        self._context_spec, self._compiled = context_spec, compiled
        self.made: dict[Callable[..., Any], Any] = {}  # Python function → its `tf.function`

    def of(self, function: Callable[..., Any], *arguments: Any, contextual: bool = False) -> Any:
        """`function`, traced for nests like these of any n, the first tensor's length.

        With `contextual`, a context follows. Inside a graph compiled by XLA: `function` itself.
        """
        if self._compiled and not tf.executing_eagerly():
            return function
        if function not in self.made:
            signature = None if self._compiled else self._signature(arguments, contextual)
            self.made[function] = tf.function(
                # `partial`: else TensorFlow counts the traces of all together, and warns.
                functools.partial(function),
                input_signature=signature,
                autograph=False,
                jit_compile=self._compiled,
                # Not inlined into other graphs, so that results stay bit-identical.
                experimental_attributes=None if self._compiled else {"_noinline": True},
            )
        return self.made[function]

    def like(self, *arguments: Any) -> tuple[Any, ...]:
        """The arguments to trace with: these if lengths are fixed, otherwise none."""
        return arguments if self._compiled else ()

    def _signature(self, arguments: Any, contextual: bool) -> tuple[Any, ...]:
        dimensions = tf.nest.flatten(arguments)[0].shape[0]
        spec = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(
                [None if side == dimensions else side for side in tensor.shape], tensor.dtype
            ),
            arguments,
        )
        return (*spec, self._context_spec) if contextual else spec


class Minimizer(abc.ABC):
    """Base class: minimises value_and_gradient(position, context) step by step.

    `start` creates a state and `advance` runs iterations on it. The states are bit-identical
    however the iterations are divided into calls. If the search breaks down, it is restarted once
    from its best position, with an empty memory and a first step a tenth as long; if it breaks
    down again, `status` says why it stopped.

    Args:
      value_and_gradient: the objective; traced once for all lengths n.
      context_spec: nest of `tf.TensorSpec` matching the context.
      compiled: whether the traced functions are compiled with XLA, once for each n.
    """

    RESTARTS = 1

    def __init__(
        self,
        value_and_gradient: ValueAndGradient,
        context_spec: Any = (),
        *,
        compiled: bool = False,
    ):
        self._value_and_gradient = value_and_gradient
        self._graphs = Graphs(context_spec, compiled)

    def start(self, position: tf.Tensor, *, budget: int = 0, first_step: float = 1.0) -> State:
        """The initial state at `position` [n], float32 or float64. Nothing is evaluated yet."""
        position = tf.reshape(tf.convert_to_tensor(position), [-1])
        zero, infinite = tf.constant(0), tf.constant(float("inf"), position.dtype)
        empty = State(
            position, infinite, tf.zeros_like(position), position, infinite, zero, zero, zero,
            zero, tf.constant(budget), tf.constant(first_step, position.dtype), (),
        )  # fmt: skip
        return empty._replace(memory=self._empty_memory(empty))

    def advance(self, state: State, context: Any = (), *, iterations: int = 1) -> State:
        """The state after that many more iterations, or fewer if the search ends earlier.

        The loop runs in Python, on the host.
        """
        until = int(state.iterations) + iterations
        while True:
            while bool(self._is_due(state, until)):
                state = self._keep_best(self._iterate(state, context))
            if not self._may_restart(state):
                return state
            state = self._restart(state)

    def advance_at_once(
        self, state: State, context: Any = (), *, iterations: int = 1
    ) -> tuple[State, list[tuple[int, float]]]:
        """Like `advance`, but with the whole loop on the device, in a single call.

        Returns:
          The state, and (evaluations, objective) after each of its new iterations.

        Raises:
          ValueError: more than `MOST_STEPS` iterations.
        """
        if iterations > MOST_STEPS:
            raise ValueError(f"{iterations} iterations at once; at most {MOST_STEPS} can be")
        until = int(state.iterations) + iterations
        rows: list[tuple[int, float]] = []
        while True:
            before = int(state.iterations)
            state, evaluations, values = self.loop(state)(state, tf.constant(until), context)
            done = int(state.iterations) - before
            rows += zip(evaluations.numpy()[:done].tolist(), values.numpy()[:done], strict=True)
            if not self._may_restart(state):
                return state, rows
            state = self._restart(state)

    def prepare_at_once(self, state: State, context: Any = ()) -> Any:
        """Traces, and returns, the function that `advance_at_once` calls for states like this."""
        arguments = self._graphs.like(state, tf.constant(0), context)
        return self.loop(state).get_concrete_function(*arguments)

    def loop(self, state: State) -> Any:
        """The traced function behind `advance_at_once`:
        (state, int32 [] iterations, context) → (state, evaluations, values)."""
        return self._graphs.of(self._loop, state, tf.constant(0), contextual=True)

    def _loop(
        self, state: State, until: tf.Tensor, context: Any
    ) -> tuple[State, tf.Tensor, tf.Tensor]:
        """Runs the iterations; with evaluations and values [MOST_STEPS] after each."""
        first, rows = state.iterations, tf.range(MOST_STEPS)

        def due(state: State, *_: tf.Tensor) -> tf.Tensor:
            return self._is_due(state, until)

        def iterate(state: State, evaluations: tf.Tensor, values: tf.Tensor) -> Any:
            own = self._keep_best(self._iterate(state, context))
            here = (rows == state.iterations - first) & (own.iterations > state.iterations)
            evaluations = tf.where(here, own.evaluations, evaluations)
            return own, evaluations, tf.where(here, own.value, values)

        nothing = tf.zeros([MOST_STEPS], state.value.dtype)
        start = state, tf.zeros([MOST_STEPS], tf.int32), nothing
        found: tuple[State, tf.Tensor, tf.Tensor] = tf.while_loop(
            due, iterate, start, parallel_iterations=1
        )
        return found

    def _may_restart(self, state: State) -> bool:
        helpless = int(state.restarts) >= self.RESTARTS or bool(tf.math.is_inf(state.best_value))
        return int(state.status) != Status.RUNNING and not helpless

    def _restart(self, state: State) -> State:
        fresh = self.start(state.best_position)
        return state._replace(
            position=fresh.position,
            value=fresh.value,
            gradient=fresh.gradient,
            restarts=state.restarts + 1,
            status=tf.constant(int(Status.RUNNING)),
            first_step=state.first_step / 10,
            memory=fresh.memory,
        )

    def _is_due(self, state: State, until: int | tf.Tensor) -> tf.Tensor:
        # A restart is evaluated right away: the caller may have used up its iterations, and must
        # not be left with an infinite objective.
        restarted = (state.restarts > 0) & tf.math.is_inf(state.value)
        due = (state.iterations < until) | restarted
        return due & (state.status == int(Status.RUNNING))

    def continued(self, fresh: State, finished: State, resize: Callable[..., Any]) -> State:
        """The search `fresh` with what it can reuse of the previous level's, which has `finished`.

        `resize` maps a vector [n] of that search to the new dimension.
        """
        return fresh

    def prepare(self, state: State, context: Any = ()) -> None:
        """Traces what iterations from `state` call, so that tracing does not delay the first."""
        for function in self._traced_steps():
            traced = self._graphs.of(function, state, contextual=True)
            traced.get_concrete_function(*self._graphs.like(state, context))

    def _traced_steps(self) -> tuple[Callable[..., Any], ...]:
        """What `_iterate` calls through `_graphs`, functions of (state, context)."""
        return ()

    def _keep_best(self, state: State) -> State:
        """The state after an iteration, with its best position updated."""
        position, value = tf.cond(
            state.value < state.best_value,  # false for NaN
            lambda: (state.position, state.value),
            lambda: (state.best_position, state.best_value),
        )
        return state._replace(best_position=position, best_value=value)

    @abc.abstractmethod
    def _empty_memory(self, state: State) -> Any:
        """The memory of a search that has not begun."""

    @abc.abstractmethod
    def _iterate(self, state: State, context: Any) -> State:
        """One iteration, by TensorFlow's control flow; `_keep_best` then updates the best."""


def judge(value: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(bool [], whether both are finite; int32 [], the status that follows from them)."""
    finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
    status = tf.where(tf.reduce_any(gradient != 0), int(Status.RUNNING), int(Status.CONVERGED))
    return finite, tf.where(finite, status, int(Status.NON_FINITE))


def step_factor(gradient: tf.Tensor, root_mean_square: tf.Tensor) -> tf.Tensor:
    """The factor that scales `gradient` to this root mean square; 0 if the gradient vanishes."""
    largest = tf.reduce_max(tf.abs(gradient))  # factored out, since squares overflow early
    unit = tf.math.divide_no_nan(gradient, largest)
    own = largest * tf.sqrt(tf.reduce_mean(tf.square(unit)))
    return tf.math.divide_no_nan(root_mean_square, own)
