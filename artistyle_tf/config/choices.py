"""Types of settings: allowed words, what `Config` accepts, and how often something is due."""

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict

from artistyle_tf.errors import ConfigError

INITS = ("noise", "content", "style", "grey")  # Values of `init` other than a picture file.

Task = Literal["stylize", "texture", "reconstruct"]
Optimizer = Literal["tfp", "lbfgs", "adam", "averaged"]
Pooling = Literal["max", "avg"]
Padding = Literal["zeros", "reflect", "replicate-first"]
Formula = Literal["mean", "paper", "neural-style", "crowson"]
Statistics = Literal["gram", "w2"]
Color = Literal["style", "luminance", "match", "cholesky", "histogram"]
Carry = Literal["change", "picture"]
JitCompile = Literal["auto", "on", "off"]
Precision = Literal["auto", "float32", "bfloat16"]

LayerWeights = Mapping[str, float] | Iterable[tuple[str, float]]
"""Layer → weight, as a mapping or as pairs."""


class Settings(TypedDict, total=False):
    """What `Config` and `Config.preset` accept, for type checkers and annotations.

    These types are wider than those of a `Config`'s attributes, where paths have become strings,
    and sequences and mappings tuples.
    """

    task: Task
    size: int | Sequence[int]
    iterations: int
    init: str | os.PathLike[str]
    init_noise: float
    noise_amplitude: float
    seed: int
    levels: int | Literal["auto"]
    coarsest: int
    level_step: float
    finest: float
    finer_iterations: int
    carry: Carry
    tolerance: float
    optimizer: Optimizer
    history: int
    learning_rate: float
    precondition: float
    settle: float
    weights: str | os.PathLike[str]
    pooling: Pooling
    padding: Padding
    precision: Precision
    tile_size: int | Literal["auto"]
    memory: str | int | None
    jit_compile: JitCompile
    steps_per_execution: int | Literal["auto"]
    content_weight: float
    strength: float | None
    style_weight: float | None
    tv_weight: float
    gamut_weight: float
    palette_weight: float
    style_scale: float
    style_blend: Iterable[float]
    style_layers: LayerWeights
    content_layers: LayerWeights
    balance: float
    color: Color
    formula: Formula
    statistics: Statistics


_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


class Cadence:
    """Decides after which iterations of a run something is due.

    `every`: iterations, or seconds as text, like "60s". With seconds and `first`, it is also due
    that many seconds after the first iteration checked. ConfigError, which begins with `name`:
    neither.

    >>> [n for n in range(1, 10) if Cadence(3).due(n)]
    [3, 6, 9]
    """

    def __init__(self, every: int | str, name: str = "every", first: float | None = None):
        text = str(every)
        seconds = _SECONDS.fullmatch(text)
        self.seconds = float(seconds[1]) if seconds else None
        if not (seconds or text.isdecimal()) or float(text.rstrip("s")) <= 0:
            raise ConfigError(
                f"{name} is {every!r}; it must be a whole number of iterations, 1 or more, "
                "or seconds like 60s"
            )
        self.iterations = None if seconds else int(text)
        self._asked: int | None = None
        self._last = time.monotonic()
        self._first, self._early = first, float("inf")

    def due(self, iteration: int) -> bool:
        """Whether it is due at that iteration, counted from 1, or since the last call; if by time,
        since it last was."""
        if self.iterations is not None:
            before = iteration - 1 if self._asked is None else self._asked
            self._asked = iteration
            return iteration // self.iterations > before // self.iterations
        assert self.seconds is not None
        now = time.monotonic()
        if self._first is not None:
            self._early, self._first = now + self._first, None
        if now < min(self._last + self.seconds, self._early):
            return False
        self._last, self._early = now, float("inf")
        return True
