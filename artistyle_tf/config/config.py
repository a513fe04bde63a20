"""The settings: every one with its default, group, help text and bounds. No TensorFlow here.

The command's flags, the record in a finished picture, the page's controls and the Python arguments
all derive from this one dataclass.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

from artistyle_tf.config.choices import (
    INITS,
    Carry,
    Color,
    Formula,
    JitCompile,
    Optimizer,
    Padding,
    Pooling,
    Precision,
    Settings,
    Statistics,
    Task,
)
from artistyle_tf.config.presets import PRESETS, STYLE_LAYERS
from artistyle_tf.config.validation import (
    MAX_SIZE,
    MAX_WEIGHT,
    MIN_SIZE,
    Layers,
    check_together,
    layer_weights,
    memory_size,
    one_of,
    valid,
)
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import check_shipped

__all__ = ["INITS", "Config"]


def _setting(
    default: Any,
    group: str,
    help: str,
    choices: Any = None,
    *,
    bounds: tuple[float, float] | None = None,
    recorded: bool = True,
) -> Any:
    """A field: `choices` is a `Literal` of words, `bounds` the least and greatest number."""
    metadata: dict[str, Any] = {"group": group, "help": help, "choices": get_args(choices)}
    metadata.update(bounds=bounds, recorded=recorded)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run. Immutable; an invalid value raises `ConfigError` at once.

    >>> Config(size=384, style_layers={"block1_conv1": 1, "block4_conv1": 0.2}).style_layers
    (('block1_conv1', 1.0), ('block4_conv1', 0.2))
    >>> Config.preset("fast", size=256).optimizer
    'lbfgs'
    """

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
        bounds=(1, 10**7),
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
        bounds=(0, 1),
    )
    noise_amplitude: float = _setting(
        1.0,
        "Run",
        "amplitude of white noise in grey levels; the network hardly sees strong noise in the "
        "colours, so it would stay in the picture",
        bounds=(0, 255),
    )
    seed: int = _setting(0, "Run", "random seed of the noise", bounds=(0, 2**63 - 1))
    levels: int | Literal["auto"] = _setting(
        "auto",
        "Run",
        "number of sizes from coarse to fine; auto: depends on size; 1: one scale",
        bounds=(1, 16),
    )
    coarsest: int = _setting(
        256,
        "Run",
        "longer side of the coarsest level in px, if levels is auto, over style_scale if above 1",
        bounds=(MIN_SIZE, MAX_SIZE),
    )
    level_step: float = _setting(
        2.0,
        "Run",
        "size ratio of neighbouring levels, rounded so that the levels fit",
        bounds=(1.2, 16),
    )
    finest: float = _setting(
        0.7,
        "Run",
        "share of the iterations for the finest level; the others share the rest equally",
        bounds=(0.01, 0.99),
    )
    finer_iterations: int = _setting(
        0,
        "Run",
        "iterations of each level after the first, which then has all of iterations; 0: the levels "
        "share iterations as finest says",
        bounds=(0, 10**7),
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
        bounds=(0, 0.5),
    )
    optimizer: Optimizer = _setting(
        "tfp",
        "Minimiser",
        "tfp: TensorFlow Probability's L-BFGS; lbfgs: our own, with one evaluation per step; adam; "
        "averaged: Adam with a constant step within 0-255, whose iterates are averaged",
        Optimizer,
    )
    history: int = _setting(
        50, "Minimiser", "history size of L-BFGS: steps it remembers", bounds=(1, 1000)
    )
    learning_rate: float = _setting(
        10.0,
        "Minimiser",
        "step size in grey levels: the first of adam, each of averaged",
        bounds=(1e-6, 1e6),
    )
    precondition: float = _setting(
        0.35,
        "Minimiser",
        "exponent p of the spectral preconditioner |f|^-p; 0: none",
        bounds=(0, 2),
    )
    settle: float = _setting(
        0.0,
        "Minimiser",
        "exponent by which a finer level moves frequencies less that a coarser one has painted; 0: "
        "not at all; needs a precondition",
        bounds=(0, 2),
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
        "faster with it (AMX, AMD's AVX-512 BF16, some ARM) and on GPUs of compute capability "
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
        bounds=(1, 64),
        recorded=False,
    )
    content_weight: float = _setting(
        1.0, "Balance", "weight α of the content loss", bounds=(0, MAX_WEIGHT)
    )
    strength: float | None = _setting(
        0.5,
        "Balance",
        "more photo (0) or more style (1); it means the same for every pair, from which the style "
        "weight follows",
        bounds=(0, 1),
    )
    style_weight: float | None = _setting(
        None,
        "Balance",
        "weight β of the style loss itself, instead of strength",
        bounds=(0, MAX_WEIGHT),
    )
    tv_weight: float = _setting(
        0.0, "Balance", "weight of the total variation loss: smoothness", bounds=(0, MAX_WEIGHT)
    )
    gamut_weight: float = _setting(
        0.3,
        "Balance",
        "weight of the penalty on values outside of 0-255, which keeps the final clipping from "
        "undoing work; in units of the network's mean square activation; 0: none",
        bounds=(0, MAX_WEIGHT),
    )
    palette_weight: float = _setting(
        0.02,
        "Balance",
        "weight of the penalty on colours that the style does not have, in the same units; 0: none",
        bounds=(0, MAX_WEIGHT),
    )
    style_scale: float = _setting(
        1.0,
        "Balance",
        "size of the strokes: longer side of the style relative to the output's",
        bounds=(0.01, 100),
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
        bounds=(0, 1),
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

    if TYPE_CHECKING:
        # Accepts wider types than the attributes then have.
        def __init__(self, **settings: Unpack[Settings]) -> None: ...

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, valid(field, getattr(self, field.name)))
        check_together(vars(self))
        check_shipped(self.weights, self.layers[-1])

    @classmethod
    def preset(cls, name: str, **overrides: Unpack[Settings]) -> "Config":
        """The settings of a published recipe (see `PRESETS`), with overrides.

        A recipe's `init` "content" is dropped for tasks other than "stylize". `strength` replaces
        the recipe's `style_weight`. A dict of overrides can be annotated as
        `settings.choices.Settings`.
        """
        if name not in PRESETS:
            raise ConfigError(f"preset is {name!r}; it must be {one_of(PRESETS)}")
        settings = dict(PRESETS[name])
        if overrides.get("task", cls.task) != "stylize" and settings.get("init") == "content":
            del settings["init"]  # a texture has no content; a reconstruction has to find it
        if "style_weight" in settings:
            settings["strength"] = None
        return cls.overridden(settings, overrides)

    @classmethod
    def overridden(cls, settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> "Config":
        """The settings with overrides; of `strength` and `style_weight`, one replaces the other."""
        unknown = set(overrides) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ConfigError(f"there is no setting {min(unknown)!r}")
        if overrides.keys() >= {"strength", "style_weight"}:
            raise ConfigError("strength and style_weight are both given; one sets the other")
        replaced = {"strength": "style_weight", "style_weight": "strength"}
        settings = {**settings, **{replaced[name]: None for name in replaced if name in overrides}}
        return cls(**{**settings, **overrides})

    def layer_weights(self, kind: Literal["content", "style"] | str) -> dict[str, float]:
        """Layer → weight, for the layers of this kind in use; without the kind's overall weight.

        A texture has no content, and a reconstruction no style.
        """
        return layer_weights(vars(self), kind)

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers used by the losses, in the network's order."""
        used = {**self.layer_weights("content"), **self.layer_weights("style")}
        return tuple(name for name in VGG19_LAYERS if name in used)

    def shares(self, count: int) -> list[float]:
        """The shares of `count` styles, summing to 1."""
        if not count:
            raise ConfigError("no style is given; name at least one picture")
        if self.style_blend and len(self.style_blend) != count:
            raise ConfigError(
                f"style_blend is {self.style_blend}; it must have one share for each style: {count}"
            )
        shares = self.style_blend or (1.0,) * count
        return [share / sum(shares) for share in shares]

    @property
    def memory_bytes(self) -> int | None:
        """`memory` in bytes; None to use what the system reports as free."""
        return None if self.memory is None else memory_size(self.memory)

    def to_dict(self) -> dict[str, Any]:
        """The settings that determine the picture, as JSON-serialisable values."""
        recorded = [field.name for field in dataclasses.fields(self) if field.metadata["recorded"]]
        return {name: getattr(self, name) for name in recorded}
