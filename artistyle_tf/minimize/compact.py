"""L-BFGS' memory as a few matrices, and its product with a vector as two passes over them.

The two loops of Nocedal and Wright's algorithm 7.4 go over the pairs one by one, 4 m small steps
that wait for each other. The compact form (Byrd, Nocedal and Schnabel, "Representations of
quasi-Newton matrices and their use in limited memory methods", 1994, theorem 2.2) is the same
matrix, H = γ I + [S γY] K [S γY]ᵀ: all products of the pairs with the vector first, a small
triangular system of m unknowns, then one combination of the pairs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

__all__ = ["CURVATURE", "Memory", "empty_memory", "inverse_product", "push"]

CURVATURE = 1e-6
"""A pair with sᵀy below that share of ‖s‖‖y‖ would make the estimate of the inverse Hessian
indefinite, or huge from rounding alone."""

GROUP = 5
"""Pairs that come in one by one until they are made one matrix."""


class Memory(NamedTuple):
    """m correction pairs, newest first.

    A pair comes into `steps` and `changes`; when these are full, they are copied to one matrix in
    `blocks`, whose last one is forgotten. So nothing is copied twice, and old pairs are multiplied
    as matrices, in a fraction of the time.
    """

    steps: tuple[tf.Tensor, ...]
    """s, [n] each; zeros where there is no pair."""
    changes: tuple[tf.Tensor, ...]
    """y, likewise."""
    blocks: tuple[tf.Tensor, ...]
    """[2 r, n] each: r steps, then their r changes."""
    filled: tf.Tensor
    """int32 [], pairs in `steps` and `changes`."""
    step_change: tf.Tensor
    """[m, m], s_iᵀ y_j where i is as old as j or older; 1 for i = j without a pair."""
    change_change: tf.Tensor
    """[m, m], y_iᵀ y_j."""
    scale: tf.Tensor
    """γ = sᵀy / yᵀy of the newest pair (eq. 7.20 of Nocedal and Wright); 0 before there is one."""


def empty_memory(
    position: tf.Tensor, history: int, held: str | None = None, wide: str = "float64"
) -> Memory:
    """Room for `history` pairs of vectors like `position` [n], or for up to four more.

    They are held in that dtype, by default in the position's own, and their products in `wide`.

    As pairs are forgotten by groups, at least `history` less four are held once they have come in.
    """
    group = GROUP if history >= 2 * GROUP else 1  # few pairs may be large: copy none together
    groups = -(-history // group)
    nothing = tf.zeros_like(position, held)
    block = tf.zeros([2 * group, *position.shape], nothing.dtype)
    pairs = group * groups
    return Memory(
        (nothing,) * group,
        (nothing,) * group,
        (block,) * (groups - 1),
        tf.constant(0),
        tf.eye(pairs, dtype=wide),
        tf.zeros([pairs, pairs], wide),
        tf.zeros([], position.dtype),
    )


class _Pair(NamedTuple):
    """A pair as it is held, with what it is worth."""

    step: tf.Tensor
    change: tf.Tensor
    product: tf.Tensor
    """sᵀy"""
    squared: tf.Tensor
    """yᵀy"""
    curved: tf.Tensor
    """bool []"""


def _directly(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def push(
    memory: Memory,
    step: tf.Tensor,
    change: tf.Tensor,
    run: Callable[..., Any] = _directly,
) -> Memory:
    """The memory with the pair (s, y) in front, or as it was if sᵀy is poor.

    `run(function, *arguments)` calls what is to be traced.
    """
    pair = run(_measured, step, change, memory.steps[0])

    def pushed() -> Memory:
        full = memory.filled == len(memory.steps)
        here: Memory = tf.cond(full, lambda: _regrouped(memory), lambda: memory)
        across, own = run(_extended, pair.change, pair.product, pair.squared, here)
        return Memory(
            (pair.step, *here.steps[:-1]),
            (pair.change, *here.changes[:-1]),
            here.blocks,
            here.filled + 1,
            across,
            own,
            pair.product / pair.squared,
        )

    after: Memory = tf.cond(pair.curved, pushed, lambda: memory)
    return after


def _measured(step: tf.Tensor, change: tf.Tensor, held: tf.Tensor) -> _Pair:
    """The pair in the dtype of those that are held; what is computed of it is of that pair."""
    kept = tf.cast(step, held.dtype), tf.cast(change, held.dtype)
    step, change = (tf.cast(one, step.dtype) for one in kept)
    product = tf.reduce_sum(step * change)
    squared = tf.reduce_sum(tf.square(change))
    lengths = tf.sqrt(tf.reduce_sum(tf.square(step))) * tf.sqrt(squared)
    return _Pair(*kept, product, squared, product > CURVATURE * lengths)


def _extended(
    change: tf.Tensor, product: tf.Tensor, squared: tf.Tensor, memory: Memory
) -> tuple[tf.Tensor, tf.Tensor]:
    """sᵀy and yᵀy of all pairs, with that of a new one in front."""
    group, pairs = len(memory.steps), len(memory.steps) * (len(memory.blocks) + 1)
    # Row and column i come from i - 1 among the newest, and stay where they are in the blocks.
    order = [0, *range(group - 1), *range(group, pairs)]
    column, row = _products(memory, tf.cast(change, memory.scale.dtype))
    column, row = (tf.gather(one, order) for one in (column, row))
    column, row = (
        tf.concat([[tf.cast(first, one.dtype)], one[1:]], axis=0)
        for first, one in ((product, column), (squared, row))
    )
    across = _first(_permuted(memory.step_change, order), column, tf.zeros_like(column))
    return across, _first(_permuted(memory.change_change, order), row, row)


def inverse_product(memory: Memory, vector: tf.Tensor) -> tf.Tensor:
    """H v, [n] → [n], with γ I as the matrix that the pairs correct."""
    scale = tf.cast(memory.scale, memory.step_change.dtype)
    along_steps, along_changes = _products(memory, vector)
    # s_iᵀ y_j with i as old as j or older is what the theorem calls R; newest first it is lower
    # triangular.
    lower = memory.step_change
    diagonal = tf.linalg.diag_part(lower)
    of_changes = -_solve(lower, along_steps)
    right = diagonal * of_changes + scale * tf.linalg.matvec(memory.change_change, of_changes)
    of_steps = -_solve(lower, right + scale * along_changes, adjoint=True)
    return _scale_and_add(memory, vector, of_steps, scale * of_changes)


def _scale_and_add(
    memory: Memory, vector: tf.Tensor, of_steps: tf.Tensor, of_changes: tf.Tensor
) -> tf.Tensor:
    """γ v + Σ a_i s_i + Σ b_i y_i."""
    group = len(memory.steps)
    of_steps, of_changes = (tf.cast(one, vector.dtype) for one in (of_steps, of_changes))
    total = memory.scale * vector
    for index, (step, change) in enumerate(zip(memory.steps, memory.changes, strict=True)):
        step, change = tf.cast(step, vector.dtype), tf.cast(change, vector.dtype)
        total += of_steps[index] * step + of_changes[index] * change
    for index, block in enumerate(memory.blocks, start=1):
        rows = slice(group * index, group * (index + 1))
        shares = tf.concat([of_steps[rows], of_changes[rows]], axis=0)
        with tf.control_dependencies([total]):  # or all would be in memory at once
            total += tf.linalg.matvec(tf.cast(block, vector.dtype), shares, transpose_a=True)
    return total


def _products(memory: Memory, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(s_iᵀ v, y_iᵀ v), [m] each, as wide as the products."""
    group, wide = len(memory.steps), memory.step_change.dtype
    newest = [
        tf.reduce_sum(tf.cast(one, vector.dtype) * vector)
        for one in (*memory.steps, *memory.changes)
    ]
    columns = [tf.stack(newest)]
    for block in memory.blocks:
        with tf.control_dependencies(columns[-1:]):  # one wide copy at a time
            columns.append(tf.linalg.matvec(tf.cast(block, vector.dtype), vector))
    return (
        tf.cast(tf.concat([column[:group] for column in columns], axis=0), wide),
        tf.cast(tf.concat([column[group:] for column in columns], axis=0), wide),
    )


def _regrouped(memory: Memory) -> Memory:
    """The newest pairs made the first block, and room for new ones."""
    group = len(memory.steps)
    empty = (tf.zeros_like(memory.steps[0]),) * group
    blocks = (tf.stack([*memory.steps, *memory.changes]), *memory.blocks)[: len(memory.blocks)]
    kept = group * len(memory.blocks)
    outside = [[group, 0], [group, 0]]
    across = tf.pad(memory.step_change[:kept, :kept], outside)
    across += tf.linalg.diag(tf.constant([1.0] * group + [0.0] * kept, across.dtype))
    own = tf.pad(memory.change_change[:kept, :kept], outside)
    return memory._replace(
        steps=empty,
        changes=empty,
        blocks=blocks,
        filled=tf.constant(0),
        step_change=across,
        change_change=own,
    )


def _permuted(matrix: tf.Tensor, order: list[int]) -> tf.Tensor:
    return tf.gather(tf.gather(matrix, order, axis=0), order, axis=1)


def _first(matrix: tf.Tensor, column: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
    """The matrix with that first column, and that first row but for the corner."""
    right = tf.concat([row[None, 1:], matrix[1:, 1:]], axis=0)
    return tf.concat([column[:, None], right], axis=1)


def _solve(lower: tf.Tensor, right: tf.Tensor, adjoint: bool = False) -> tf.Tensor:
    return tf.linalg.triangular_solve(lower, right[:, None], adjoint=adjoint)[:, 0]
