"""Types of settings: allowed words, and what `Config` and its presets accept."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict

__all__ = [
    "INITS",
    "Carry",
    "Color",
    "Formula",
    "JitCompile",
    "LayerWeights",
    "Optimizer",
    "Padding",
    "Pooling",
    "Precision",
    "Settings",
    "Statistics",
    "Task",
]

INITS = ("noise", "content", "style", "grey")
"""Values of `init` other than a picture file."""

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
