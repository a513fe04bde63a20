"""What every minimiser shares: the contract, the state, the restart, the reason for stopping."""

import abc
import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from artistyle_tf.minimize.graphs import Graphs

__all__ = ["MOST_STEPS", "Minimizer", "State", "Status", "ValueAndGradient", "step_factor"]

MOST_STEPS = 64
"""Iterations that one call of `Minimizer.advance_at_once` can take."""

ValueAndGradient = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor]]
"""(position [n], context) → (value [], gradient [n]). The context is any nest of tensors."""


Row = tuple[int, float]


class Status(enum.IntEnum):
    """Why a minimiser goes on or has stopped."""

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
    """Everything a minimiser needs to go on as if it had never stopped. Tensors only."""

    position: tf.Tensor
    """[n], the current iterate."""
    value: tf.Tensor
    """[], the objective there; infinite before the first evaluation."""
    gradient: tf.Tensor
    """[n]"""
    best_position: tf.Tensor
    """[n], the iterate with the smallest finite objective."""
    best_value: tf.Tensor
    iterations: tf.Tensor
    """int32 []"""
    evaluations: tf.Tensor
    """int32 [], calls of the objective."""
    restarts: tf.Tensor
    """int32 []"""
    status: tf.Tensor
    """int32 [], a `Status`."""
    budget: tf.Tensor
    """int32 [], the iterations that the run means to take; schedules depend on it."""
    first_step: tf.Tensor
    """[], root mean square of the first step."""
    memory: Any
    """What the algorithm itself remembers: a nest of tensors."""


class Minimizer(abc.ABC):
    """Minimises value_and_gradient(position, context) from one state to the next.

    `start` makes a state and `advance` takes it on by some iterations. However the iterations are
    divided into calls, the states are the same to the bit. A state whose search broke down is
    restarted once from its best position, with an empty memory and a first step a tenth as long;
    the second time its `status` says why it stopped.

    Args:
      value_and_gradient: traced once for all numbers of dimensions n.
      context_spec: nest of `tf.TensorSpec` like the context.
      compiled: whether XLA compiles what is traced, once for each n.
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
        """The state at `position` [n], float32 or float64. Nothing is evaluated yet."""
        position = tf.reshape(tf.convert_to_tensor(position), [-1])
        zero, infinite = tf.constant(0), tf.constant(float("inf"), position.dtype)
        empty = State(
            position, infinite, tf.zeros_like(position), position, infinite, zero, zero, zero,
            zero, tf.constant(budget), tf.constant(first_step, position.dtype), (),
        )  # fmt: skip
        return empty._replace(memory=self._empty_memory(empty))

    def advance(self, state: State, context: Any = (), *, iterations: int = 1) -> State:
        """The state after that many more iterations, or fewer where the search ends.

        What comes next is decided in Python after every evaluation.
        """
        until = int(state.iterations) + iterations
        while True:
            while bool(self._is_due(state, until)):
                state = self._kept(self._iterate(state, context))
            if not self._may_restart(state):
                return state
            state = self._restarted(state)

    def advance_at_once(
        self, state: State, context: Any = (), *, iterations: int = 1
    ) -> tuple[State, list[Row]]:
        """As `advance`, in one call of the device, which decides itself what comes next.

        Returns:
          The state, and (evaluations, objective) after each of its new iterations.

        Raises:
          ValueError: more than `MOST_STEPS` iterations.
        """
        if iterations > MOST_STEPS:
            raise ValueError(f"{iterations} iterations at once; at most {MOST_STEPS} can be")
        until = int(state.iterations) + iterations
        rows: list[Row] = []
        while True:
            before, loop = int(state.iterations), self.loop(state)
            state, evaluations, values = loop(state, tf.constant(until), context)
            done = int(state.iterations) - before
            rows += zip(evaluations.numpy()[:done].tolist(), values.numpy()[:done], strict=True)
            if not self._may_restart(state):
                return state, rows
            state = self._restarted(state)

    def prepare_at_once(self, state: State, context: Any = ()) -> Any:
        """Traces what `advance_at_once` calls from `state` on; the traced function."""
        arguments = self._graphs.like(state, tf.constant(0), context)
        return self.loop(state).get_concrete_function(*arguments)

    def loop(self, state: State) -> Any:
        """The traced function (state, int32 [] iterations, context) → (state, evaluations, values)
        of `advance_at_once`."""
        return self._graphs.of(self._looped, state, tf.constant(0), contextual=True)

    def _looped(
        self, state: State, until: tf.Tensor, context: Any
    ) -> tuple[State, tf.Tensor, tf.Tensor]:
        """Iterations until there are so many; evaluations and values [MOST_STEPS] after each."""
        before, places = state.iterations, tf.range(MOST_STEPS)

        def due(state: State, *_: tf.Tensor) -> tf.Tensor:
            return self._is_due(state, until)

        def moved(state: State, evaluations: tf.Tensor, values: tf.Tensor) -> Any:
            own = self._kept(self._iterate(state, context))
            here = (places == state.iterations - before) & (own.iterations > state.iterations)
            evaluations = tf.where(here, own.evaluations, evaluations)
            return own, evaluations, tf.where(here, own.value, values)

        nothing = tf.zeros([MOST_STEPS], state.value.dtype)
        start = state, tf.zeros([MOST_STEPS], tf.int32), nothing
        found: tuple[State, tf.Tensor, tf.Tensor] = tf.while_loop(
            due, moved, start, parallel_iterations=1
        )
        return found

    def _may_restart(self, state: State) -> bool:
        helpless = int(state.restarts) >= self.RESTARTS or bool(tf.math.is_inf(state.best_value))
        return int(state.status) != Status.RUNNING and not helpless

    def _restarted(self, state: State) -> State:
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
        # A restart is evaluated at once: its caller has had all its iterations, maybe, and must
        # not be left with an infinite objective.
        restarted = (state.restarts > 0) & tf.math.is_inf(state.value)
        due = (state.iterations < until) | restarted
        return due & (state.status == int(Status.RUNNING))

    def prepare(self, state: State, context: Any = ()) -> None:  # noqa: B027 (Adam needs none)
        """Traces what iterations from `state` call, so that the first one takes no longer."""

    def remains(self, state: State) -> State | None:
        """What of a search that has ended `carried` will ask for: for most minimisers nothing, so
        that nobody holds its memory."""
        return None

    def carried(self, state: State, before: State, resize: Callable[[tf.Tensor], Any]) -> State:
        """`state`, about to start, with what it can use of the search that ended `before` it.

        Most use nothing. `resize` makes a vector of that search's dimensions one of this.
        """
        return state

    def _kept(self, state: State) -> State:
        """The state after an iteration with its best position brought up to date."""
        return keep_best(state)

    @abc.abstractmethod
    def _empty_memory(self, state: State) -> Any:
        """The memory of a search that has not begun."""

    @abc.abstractmethod
    def _iterate(self, state: State, context: Any) -> State:
        """One iteration; `_kept` then sees to `best_position` and `best_value`.

        Branches and loops are TensorFlow's: called eagerly they are decided in Python, and traced
        they are the device's.
        """


def keep_best(state: State) -> State:
    """The state with its best position brought up to date."""
    position, value = tf.cond(
        state.value < state.best_value,  # NaN is not
        lambda: (state.position, state.value),
        lambda: (state.best_position, state.best_value),
    )
    return state._replace(best_position=position, best_value=value)


def step_factor(gradient: tf.Tensor, root_mean_square: tf.Tensor) -> tf.Tensor:
    """The factor that gives `gradient` this root mean square; 0 where the gradient vanishes."""
    largest = tf.reduce_max(tf.abs(gradient))  # taken out first: squares overflow early
    unit = tf.math.divide_no_nan(gradient, largest)
    own = largest * tf.sqrt(tf.reduce_mean(tf.square(unit)))
    return tf.math.divide_no_nan(root_mean_square, own)
