"""Every setting with its default, its group and its help text. No TensorFlow here.

The command's flags, the record in a finished picture and the Python arguments all come from the
one dataclass below; `Config` adds what a settings object does.
"""

import dataclasses
from typing import Any, Literal, get_args

from artistyle_tf.settings.choices import (
    Balance,
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
from artistyle_tf.settings.presets import STYLE_LAYERS
from artistyle_tf.settings.validation import Layers

__all__ = ["Fields"]


def _setting(
    default: Any, group: str, help: str, choices: Any = None, recorded: bool = True
) -> Any:
    choices = get_args(choices)
    metadata = {"group": group, "help": help, "choices": choices, "recorded": recorded}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fields:
    """The settings themselves, unchecked."""

    task: Task = _setting(
        "stylize",
        "Picture",
        "stylize: the content in the style; texture: more of the style, no content needed; "
        "reconstruct: the content from its content_layers, no style needed",
        Task,
    )
    size: int | tuple[int, int] = _setting(
        512,
        "Picture",
        "longer side of the output in px; 0: the content picture's own; a texture is square, or "
        "width x height, like 640x480",
    )
    iterations: int = _setting(
        300,
        "Run",
        "iterations of the minimiser, all levels together, but see finer_iterations",
    )
    init: str = _setting(
        "noise",
        "Run",
        "what to start from: noise, content, style (the first), grey (the network's mean, with "
        "hardly any noise) or a picture file",
    )
    init_noise: float = _setting(
        0.0,
        "Run",
        "share of white noise in the start, 0 to 1: blends it with what init names; faint noise "
        "fades that to grey, see noise_amplitude",
    )
    noise_amplitude: float = _setting(
        1.0,
        "Run",
        "grey levels that white noise goes up and down; the network hardly sees strong noise in "
        "the colours, which then stays in the picture",
    )
    seed: int = _setting(0, "Run", "seed of the noise")
    levels: int | Literal["auto"] = _setting(
        "auto", "Run", "sizes from coarse to fine; auto: as many as --size asks for; 1: one scale"
    )
    coarsest: int = _setting(
        256, "Run", "longer side of the coarsest level in px, where levels is auto"
    )
    level_step: float = _setting(
        2.0, "Run", "factor of sizes from level to level, as near as whole levels come"
    )
    finest: float = _setting(
        0.7,
        "Run",
        "share of the iterations that the finest level gets, the others sharing the rest",
    )
    finer_iterations: int = _setting(
        0,
        "Run",
        "iterations of each level after the first, whose own then are iterations; 0: all levels "
        "share iterations, see finest",
    )
    carry: Carry = _setting(
        "change",
        "Run",
        "what goes from a level to the next: change: what it did to a start that is a picture, "
        "which keeps its detail; picture: what was painted, enlarged (as from noise always)",
        Carry,
    )
    tolerance: float = _setting(
        0.0,
        "Run",
        "a level ends by itself once 20 iterations lower the objective by less than this share of "
        "it, like 0.01; 0: never",
    )
    optimizer: Optimizer = _setting(
        "tfp",
        "Minimiser",
        "tfp: TensorFlow Probability's L-BFGS; lbfgs: our own, one evaluation a step; adam; "
        "averaged: adam at a constant rate and within 0-255, whose averaged steps are the picture",
        Optimizer,
    )
    history: int = _setting(50, "Minimiser", "correction pairs that L-BFGS keeps")
    learning_rate: float = _setting(
        10.0, "Minimiser", "adam's first step, or every step of averaged, in grey levels"
    )
    precondition: float = _setting(
        0.35, "Minimiser", "power p of the spectral preconditioner |f|^-p; 0: none"
    )
    weights: str = _setting(
        "auto",
        "Network",
        "auto (Keras' float32 ImageNet file if its cache has it, or else imagenet-8bit), imagenet "
        "(that file, downloaded if need be), imagenet-8bit (shipped), preview (shipped, small, for "
        "drafts) or a file (.h5, .weights.h5, .npz)",
    )
    pooling: Pooling = _setting("max", "Network", "pooling between the blocks", Pooling)
    padding: Padding = _setting(
        "reflect",
        "Network",
        "what convolutions see beyond the border: zeros, as VGG19 was trained with; reflect: the "
        "picture mirrored, which no more tells them where the border is; replicate-first: its "
        "outermost rows repeated, in the first one only",
        Padding,
    )
    precision: Precision = _setting(
        "auto",
        "Network",
        "what convolutions compute in, losses being float32 always; auto: bfloat16 on CPUs that "
        "are faster in it (AMX, AMD's AVX-512 BF16, some ARM) and on GPUs of compute capability "
        "8.0 or higher, float32 elsewhere",
        Precision,
    )
    tile_size: int | Literal["auto"] = _setting(
        "auto",
        "Network",
        "side of the tiles that large pictures are computed in, px, a multiple of 16; 0: whole "
        "pictures; auto: tiles where memory demands them",
    )
    # Where a run fits, not what it paints: equal pictures have equal records.
    memory: str | int | None = _setting(
        None,
        "Network",
        "plan as if no more memory were free, like 8GB or 500MB; none: what the system says is "
        "free",
        recorded=False,
    )
    jit_compile: JitCompile = _setting(
        "auto",
        "Network",
        "compile each level with XLA, which takes a while at its first iteration; auto: on TPUs, "
        "which need it",
        JitCompile,
    )
    steps_per_execution: int | Literal["auto"] = _setting(
        "auto",
        "Network",
        "iterations that the device takes between two looks at the host, up to 64: progress, "
        "previews and checkpoints come after them; auto: 1 on CPUs, what a second holds on GPUs "
        "and TPUs",
        recorded=False,
    )
    content_weight: float = _setting(1.0, "Balance", "weight α of the content")
    style_weight: float = _setting(60.0, "Balance", "weight β of the style")
    tv_weight: float = _setting(0.0, "Balance", "weight of the total variation (smoothness)")
    gamut_weight: float = _setting(
        0.3,
        "Balance",
        "weight of the squares of what leaves 0-255, so that clipping at the end undoes nothing; "
        "times the mean square activation of the network",
    )
    style_scale: float = _setting(
        1.0, "Balance", "longer side of the style over that of the output: the size of strokes"
    )
    style_blend: tuple[float, ...] = _setting(
        (), "Balance", "shares of several styles, like 0.7,0.3; empty: equal shares"
    )
    style_layers: Layers = _setting(
        tuple((name, 1.0) for name in STYLE_LAYERS),
        "Balance",
        "layers with weights, like block1_conv1:1,block4_conv1:0.2 (no weight: 1)",
    )
    content_layers: Layers = _setting(
        (("block4_conv2", 1.0),), "Balance", "layers with weights, as above"
    )
    balance: Balance = _setting(
        "weights",
        "Balance",
        "weights: style layers count by their weights; equal: each starts with an equal share of "
        "the style's loss, times its weight",
        Balance,
    )
    color: Color = _setting(
        "style",
        "Balance",
        "whose colours: style; luminance (only brightness is painted, the content's chroma stays); "
        "or the style recoloured first to the content's mean and covariance (match: symmetric "
        "root; cholesky) or histogram",
        Color,
    )
    formula: Formula = _setting(
        "mean",
        "Balance",
        "mean: means over features; paper: the sums of the 2015 paper; neural-style: mean, with "
        "that program's total variation; crowson: means in that program's units, with its total "
        "variation",
        Formula,
    )
    statistics: Statistics = _setting(
        "gram",
        "Balance",
        "what of the style's features is compared: gram, their Gram matrices; w2, their means and "
        "covariances, by the Wasserstein-2 distance of Gaussians",
        Statistics,
    )
