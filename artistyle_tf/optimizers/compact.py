"""The L-BFGS memory as a few matrices, multiplied by a vector in two passes over them.

Instead of the two-loop recursion's 4 m sequential steps (algorithm 7.4 of Nocedal and Wright) the
compact representation of the same matrix (Byrd, Nocedal and Schnabel 1994, theorem 2.2),
H = γ I + [S γY] K [S γY]ᵀ: all inner products of the pairs with the vector, a small triangular
system of m unknowns, one linear combination of the pairs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

CURVATURE = 1e-6
"""A pair with sᵀy below this share of ‖s‖‖y‖ is rejected: it would make the inverse Hessian
estimate indefinite, or huge from rounding alone."""

GROUP = 5  # pairs stored one by one before they are merged into a matrix


class Memory(NamedTuple):
    """m correction pairs, newest first.

    When `steps` and `changes` are full, they are copied into one matrix in `blocks`, and the oldest
    block is dropped: old pairs are multiplied as matrices, in a fraction of the time.
    """

    steps: tuple[tf.Tensor, ...]  # s, [n] each; zeros in empty slots
    changes: tuple[tf.Tensor, ...]  # y, likewise
    blocks: tuple[tf.Tensor, ...]  # [2 r, n] each: r steps, then their r changes
    filled: tf.Tensor  # int32 [], pairs in `steps` and `changes`
    step_change: tf.Tensor  # [m, m], s_iᵀ y_j where i ≥ j in age; 1 on the diagonal of empty slots
    change_change: tf.Tensor  # [m, m], y_iᵀ y_j
    scale: tf.Tensor  # γ = sᵀy / yᵀy of the newest pair (eq. 7.20 of Nocedal and Wright); 0 without


def empty_memory(
    position: tf.Tensor, history: int, held: str | None = None, wide: str = "float64"
) -> Memory:
    """Empty memory for `history` pairs of vectors like `position` [n], rounded up by at most four.

    Pairs are stored in `held`, by default the position's dtype, and their inner products in `wide`.
    They are dropped in groups, so once the memory has filled, at least `history` - 4 remain.
    """
    group = GROUP if history >= 2 * GROUP else 1  # with few pairs, memory matters more: no merging
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
    """A pair as stored, with sᵀy, yᵀy, and whether its curvature is enough."""

    step: tf.Tensor
    change: tf.Tensor
    product: tf.Tensor
    squared: tf.Tensor
    curved: tf.Tensor


def push(
    memory: Memory,
    step: tf.Tensor,
    change: tf.Tensor,
    run: Callable[..., Any] = lambda function, *arguments: function(*arguments),
) -> Memory:
    """The memory with (s, y) in front, unless its curvature is too small; `run` calls the parts."""
    pair = run(_measure, step, change, memory.steps[0])

    def pushed() -> Memory:
        full = memory.filled == len(memory.steps)
        here: Memory = tf.cond(full, lambda: _regroup(memory), lambda: memory)
        across, own = run(_extend, pair.change, pair.product, pair.squared, here)
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


def _measure(step: tf.Tensor, change: tf.Tensor, held: tf.Tensor) -> _Pair:
    """The pair rounded to the storage dtype; its products are computed from the rounded vectors."""
    kept = tf.cast(step, held.dtype), tf.cast(change, held.dtype)
    step, change = (tf.cast(one, step.dtype) for one in kept)
    product = tf.reduce_sum(step * change)
    squared = tf.reduce_sum(tf.square(change))
    lengths = tf.sqrt(tf.reduce_sum(tf.square(step))) * tf.sqrt(squared)
    return _Pair(*kept, product, squared, product > CURVATURE * lengths)


def _extend(
    change: tf.Tensor, product: tf.Tensor, squared: tf.Tensor, memory: Memory
) -> tuple[tf.Tensor, tf.Tensor]:
    """The matrices sᵀy and yᵀy, with the new pair's row and column in front."""
    group, pairs = len(memory.steps), len(memory.steps) * (len(memory.blocks) + 1)
    # The newest pairs shift by one row and column; those in blocks stay where they are.
    order = [0, *range(group - 1), *range(group, pairs)]
    column, row = _products(memory, tf.cast(change, memory.scale.dtype))
    column, row = (tf.gather(one, order) for one in (column, row))
    column, row = (
        tf.concat([[tf.cast(first, one.dtype)], one[1:]], axis=0)
        for first, one in ((product, column), (squared, row))
    )
    across = _with_first(_permute(memory.step_change, order), column, tf.zeros_like(column))
    return across, _with_first(_permute(memory.change_change, order), row, row)


def inverse_product(memory: Memory, vector: tf.Tensor) -> tf.Tensor:
    """H v, [n] → [n], with initial matrix γ I."""
    scale = tf.cast(memory.scale, memory.step_change.dtype)
    along_steps, along_changes = _products(memory, vector)
    # The theorem's R holds s_iᵀ y_j for i as old as j or older; with the newest pair first it is
    # lower triangular.
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
        with tf.control_dependencies([total]):  # else all would be in memory at once
            total += tf.linalg.matvec(tf.cast(block, vector.dtype), shares, transpose_a=True)
    return total


def _products(memory: Memory, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(s_iᵀ v, y_iᵀ v), [m] each, in the dtype of the stored products."""
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


def _regroup(memory: Memory) -> Memory:
    """Merges the newest pairs into a block in front and empties their slots."""
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


def _permute(matrix: tf.Tensor, order: list[int]) -> tf.Tensor:
    return tf.gather(tf.gather(matrix, order, axis=0), order, axis=1)


def _with_first(matrix: tf.Tensor, column: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
    """The matrix with its first column replaced, and its first row except for the corner."""
    right = tf.concat([row[None, 1:], matrix[1:, 1:]], axis=0)
    return tf.concat([column[:, None], right], axis=1)


def _solve(lower: tf.Tensor, right: tf.Tensor, adjoint: bool = False) -> tf.Tensor:
    return tf.linalg.triangular_solve(lower, right[:, None], adjoint=adjoint)[:, 0]
