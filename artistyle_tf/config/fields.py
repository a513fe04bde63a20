"""Every setting with its default, its group and its help text. No TensorFlow here.

The command's flags, the record in a finished picture and the Python arguments all derive from this
one dataclass; `Config` adds validation and methods.
"""

import dataclasses
from typing import Any, Literal, get_args

from artistyle_tf.config.choices import (
    Carry,
    Color,
    Formula,
    JitCompile,
    Optimizer,
    Padding,
    Pooling,
    Precision,
    Statistics,
    Task,
)
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.config.validation import Layers

__all__ = ["Fields"]


def _setting(
    default: Any, group: str, help: str, choices: Any = None, recorded: bool = True
) -> Any:
    choices = get_args(choices)
    metadata = {"group": group, "help": help, "choices": choices, "recorded": recorded}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fields:
    """The settings themselves, without validation."""

    task: Task = _setting(
        "stylize",
        "Picture",
        "stylize: the content in the style; texture: more of the style, without a content; "
        "reconstruct: the content from its content_layers, without a style",
        Task,
    )
    size: int | tuple[int, int] = _setting(
        512,
        "Picture",
        "longer side of the output in px; 0: that of the content; a texture is square, or width x "
        "height, like 640x480",
    )
    iterations: int = _setting(
        300,
        "Run",
        "iterations of the minimiser, of all levels together unless finer_iterations is set",
    )
    init: str = _setting(
        "noise",
        "Run",
        "what to start from: noise (white), content, style (the first), grey (the network's mean, "
        "with hardly any noise) or a picture file, which is resized and cropped to the output",
    )
    init_noise: float = _setting(
        0.0,
        "Run",
        "share of white noise, 0 to 1, blended into the start that init names; noise_amplitude=60 "
        "makes it visible, with faint noise it only fades the start to grey",
    )
    noise_amplitude: float = _setting(
        1.0,
        "Run",
        "amplitude of white noise in grey levels; the network hardly sees strong noise in the "
        "colours, so it would stay in the picture",
    )
    seed: int = _setting(0, "Run", "random seed of the noise")
    levels: int | Literal["auto"] = _setting(
        "auto", "Run", "number of sizes from coarse to fine; auto: depends on size; 1: one scale"
    )
    coarsest: int = _setting(
        256,
        "Run",
        "longer side of the coarsest level in px, if levels is auto, over style_scale if above 1",
    )
    level_step: float = _setting(
        2.0, "Run", "size ratio of neighbouring levels, rounded so that the levels fit"
    )
    finest: float = _setting(
        0.7,
        "Run",
        "share of the iterations for the finest level; the others share the rest equally",
    )
    finer_iterations: int = _setting(
        0,
        "Run",
        "iterations of each level after the first, which then has all of iterations; 0: the levels "
        "share iterations as finest says",
    )
    carry: Carry = _setting(
        "change",
        "Run",
        "what a level passes on to the next: change: what it changed in a start that is a picture, "
        "whose detail stays sharp; picture: the painted picture, enlarged (always so from noise)",
        Carry,
    )
    tolerance: float = _setting(
        0.0,
        "Run",
        "end a level early when 20 iterations lower the objective by less than this fraction, like "
        "0.01; 0: never",
    )
    optimizer: Optimizer = _setting(
        "tfp",
        "Minimiser",
        "tfp: TensorFlow Probability's L-BFGS; lbfgs: our own, with one evaluation per step; adam; "
        "averaged: Adam with a constant step within 0-255, whose iterates are averaged",
        Optimizer,
    )
    history: int = _setting(50, "Minimiser", "history size of L-BFGS: steps it remembers")
    learning_rate: float = _setting(
        10.0, "Minimiser", "step size in grey levels: the first of adam, each of averaged"
    )
    precondition: float = _setting(
        0.35, "Minimiser", "exponent p of the spectral preconditioner |f|^-p; 0: none"
    )
    settle: float = _setting(
        0.0,
        "Minimiser",
        "exponent by which a finer level moves frequencies less that a coarser one has painted; 0: "
        "not at all; needs a precondition",
    )
    weights: str = _setting(
        "auto",
        "Network",
        "auto (Keras' float32 ImageNet file if its cache has it, or else imagenet-8bit), imagenet "
        "(that file, downloaded if needed), imagenet-8bit (shipped), preview (shipped, small, for "
        "drafts) or a file (.h5, .weights.h5, .npz)",
    )
    pooling: Pooling = _setting("max", "Network", "pooling layers between the blocks", Pooling)
    padding: Padding = _setting(
        "reflect",
        "Network",
        "padding of the convolutions at the border: zeros, as VGG19 was trained; reflect: the "
        "mirrored picture, so that the border does not show; replicate-first: the outermost rows "
        "repeated, in the first convolution only",
        Padding,
    )
    precision: Precision = _setting(
        "auto",
        "Network",
        "dtype of the convolutions (losses are always float32); auto: bfloat16 on CPUs that are "
        "faster with it (AMX, AMD's AVX-512 BF16) and on GPUs of compute capability "
        "8.0 or higher, float32 elsewhere",
        Precision,
    )
    tile_size: int | Literal["auto"] = _setting(
        "auto",
        "Network",
        "side in px, a multiple of 16, of the tiles that large pictures are computed in; 0: no "
        "tiles; auto: tiles if the memory requires them",
    )
    # Affects where a run fits, not the picture: equal pictures have equal records.
    memory: str | int | None = _setting(
        None,
        "Network",
        "memory to plan with, like 8GB or 500MB, if less than the system says is free",
        recorded=False,
    )
    jit_compile: JitCompile = _setting(
        "auto",
        "Network",
        "compile each level with XLA, which takes a while at its first iteration; auto: on TPUs "
        "only, which need it",
        JitCompile,
    )
    steps_per_execution: int | Literal["auto"] = _setting(
        "auto",
        "Network",
        "iterations per call of the device, up to 64; progress, previews and checkpoints come "
        "between calls; auto: 1 on CPUs, about a second's worth on GPUs and TPUs",
        recorded=False,
    )
    content_weight: float = _setting(1.0, "Balance", "weight α of the content loss")
    strength: float | None = _setting(
        0.5,
        "Balance",
        "more photo (0) or more style (1); it means the same for every pair, from which the style "
        "weight follows",
    )
    style_weight: float | None = _setting(
        None, "Balance", "weight β of the style loss itself, instead of strength"
    )
    tv_weight: float = _setting(0.0, "Balance", "weight of the total variation loss: smoothness")
    gamut_weight: float = _setting(
        0.3,
        "Balance",
        "weight of the penalty on values outside of 0-255, which keeps the final clipping from "
        "undoing work; in units of the network's mean square activation; 0: none",
    )
    palette_weight: float = _setting(
        0.02,
        "Balance",
        "weight of the penalty on colours that the style does not have, in the same units; 0: none",
    )
    style_scale: float = _setting(
        1.0, "Balance", "size of the strokes: longer side of the style relative to the output's"
    )
    style_blend: tuple[float, ...] = _setting(
        (), "Balance", "shares of several styles, like 0.7,0.3; by default equal"
    )
    style_layers: Layers = _setting(
        tuple((name, 1.0) for name in STYLE_LAYERS),
        "Balance",
        "style layers with weights, like block1_conv1:1,block4_conv1:0.2 (without a weight: 1); "
        "those after block5_conv1 need weights=imagenet or a file",
    )
    content_layers: Layers = _setting(
        (("block4_conv2", 1.0),), "Balance", "content layers with weights, likewise"
    )
    balance: float = _setting(
        1.0,
        "Balance",
        "0: the style losses of layers and of masks' regions count as they are; 1: rescaled to be "
        "equal for the photo, times their weights; or in between",
    )
    color: Color = _setting(
        "style",
        "Balance",
        "whose colours: style; luminance (only brightness is painted, the content's chroma stays); "
        "or the style is first recoloured to the content's mean and covariance (match: symmetric "
        "root; cholesky) or histogram",
        Color,
    )
    formula: Formula = _setting(
        "mean",
        "Balance",
        "how losses are normalised: mean: means over features; paper: sums as in the 2015 paper; "
        "neural-style: mean, with that program's total variation; crowson: that program's units "
        "and total variation",
        Formula,
    )
    statistics: Statistics = _setting(
        "gram",
        "Balance",
        "statistics of the style's features to compare: gram: Gram matrices; w2: means and "
        "covariances, by the Wasserstein-2 distance of Gaussians",
        Statistics,
    )
