"""The settings: every one with its default, group, help text and bounds. No TensorFlow here.

The command's flags, the record in a finished picture, the page's controls and the Python arguments
all derive from this one dataclass.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from artistyle_tf.config.choices import (
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
    memory_size,
    one_of,
    valid,
)
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import check_shipped

_ABSENT = {"texture": "content", "reconstruct": "style"}
"""Task → the kind of picture that it does not use."""


def _setting(
    group: str,
    default: Any,
    help: str,
    bounds: tuple[float, float] | None = None,
    recorded: bool = True,
) -> Any:
    """A field of that group; `bounds` are its least and greatest number."""
    metadata = {"group": group, "help": help, "bounds": bounds, "recorded": recorded}
    return dataclasses.field(default=default, metadata=metadata)


_picture, _run, _optimizer, _network, _balance = (
    functools.partial(_setting, group)
    for group in ("Picture", "Run", "Optimizer", "Network", "Balance")
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run. Immutable; an invalid value raises `ConfigError` at once.

    >>> Config(size=384, style_layers={"block1_conv1": 1, "block4_conv1": 0.2}).style_layers
    (('block1_conv1', 1.0), ('block4_conv1', 0.2))
    >>> Config.preset("fast", size=256).optimizer
    'lbfgs'
    """

    task: Task = _picture(
        "stylize",
        "stylize: the photo in the style; texture: more of the style, without a photo; "
        "reconstruct: the photo from its content_layers, without a style",
    )
    size: int | tuple[int, int] = _picture(
        512,
        "longer side of the result in px; 0: that of the photo; a texture is square, or width x "
        "height, like 640x480",
    )
    iterations: int = _run(
        300,
        "iterations of the optimizer, of all levels together unless finer_iterations is set",
        (1, 10**7),
    )
    init: str = _run(
        "noise",
        "what to start from: noise (white), content (the photo), style (the first), grey (the "
        "network's mean, with hardly any noise) or a picture file, which is resized and cropped",
    )
    init_noise: float = _run(
        0.0,
        "share of white noise, 0 to 1, mixed into the start; visible only with a noise_amplitude "
        "such as 60",
        (0, 1),
    )
    noise_amplitude: float = _run(
        1.0,
        "amplitude of white noise in grey levels; the network hardly sees strong noise in the "
        "colours, so it would stay in the picture",
        (0, 255),
    )
    seed: int = _run(0, "random seed of the noise", (0, 2**63 - 1))
    levels: int | Literal["auto"] = _run(
        "auto",
        "number of sizes from coarse to fine; auto: depends on size; 1: one scale",
        (1, 16),
    )
    coarsest: int = _run(
        256,
        "longer side in px of the smallest level, if levels is auto; divided by style_scale where "
        "that is above 1",
        (MIN_SIZE, MAX_SIZE),
    )
    level_step: float = _run(
        2.0, "size ratio of neighbouring levels, rounded so that the levels fit", (1.2, 16)
    )
    finest: float = _run(
        0.7,
        "share of the iterations for the finest level; the others share the rest equally",
        (0.01, 0.99),
    )
    finer_iterations: int = _run(
        0,
        "iterations of each level after the first, which then takes all of iterations; 0: the "
        "levels share them, see finest",
        (0, 10**7),
    )
    carry: Carry = _run(
        "change",
        "what a level hands to the next larger one: change: what it changed in its start, so that "
        "a photo keeps its detail; picture: its result, enlarged, as always from noise",
    )
    tolerance: float = _run(
        0.0,
        "end a level early when 20 iterations lower the objective by less than this fraction, like "
        "0.01; 0: never",
        (0, 0.5),
    )
    optimizer: Optimizer = _optimizer(
        "tfp",
        "tfp: TensorFlow Probability's L-BFGS; lbfgs: our own, with one evaluation per step; adam; "
        "averaged: Adam with a constant step within 0-255, whose iterates are averaged",
    )
    history: int = _optimizer(50, "history size of L-BFGS: steps it remembers", (1, 1000))
    learning_rate: float = _optimizer(
        10.0,
        "step size in grey levels: the first step of adam, every step of averaged",
        (1e-6, 1e6),
    )
    precondition: float = _optimizer(
        0.35, "exponent p of the spectral preconditioner |f|^-p; 0: none", (0, 2)
    )
    settle: float = _optimizer(
        0.0,
        "how firmly larger levels keep what smaller ones have painted: 0: not; 1: firmly (an "
        "exponent; needs precondition above 0)",
        (0, 2),
    )
    weights: str = _network(
        "auto",
        "auto (Keras' float32 ImageNet file if its cache has it, or else imagenet-8bit), imagenet "
        "(that file, downloaded if needed), imagenet-8bit (shipped), preview (shipped, small, for "
        "drafts) or a file (.h5, .weights.h5, .npz)",
    )
    pooling: Pooling = _network("max", "pooling layers between the blocks")
    padding: Padding = _network(
        "reflect",
        "padding of the convolutions at the border: zeros, as VGG19 was trained; reflect: the "
        "mirrored picture, so that the border does not show; replicate-first: the outermost rows "
        "repeated, in the first convolution only",
    )
    precision: Precision = _network(
        "auto",
        "dtype of the convolutions (losses are always float32); auto: bfloat16 on CPUs that are "
        "faster with it (AMX, AMD's AVX-512 BF16) and on GPUs of compute capability "
        "8.0 or higher, float32 elsewhere",
    )
    tile_size: int | Literal["auto"] = _network(
        "auto",
        "side in px, a multiple of 16, of the tiles that large pictures are computed in; 0: no "
        "tiles; auto: tiles if the memory requires them",
    )
    # Affects where a run fits, not the picture: equal pictures have equal records.
    memory: str | int | None = _network(
        None,
        "memory to plan with, like 8GB or 500MB, if less than the system says is free",
        recorded=False,
    )
    jit_compile: JitCompile = _network(
        "auto",
        "compile each level with XLA, which takes a while at its first iteration; auto: on TPUs "
        "only, which need it",
    )
    steps_per_execution: int | Literal["auto"] = _network(
        "auto",
        "iterations per call of the device, up to 64; progress, previews and checkpoints come "
        "between calls; auto: 1 on CPUs, about a second's worth on GPUs and TPUs",
        (1, 64),
        recorded=False,
    )
    content_weight: float = _balance(1.0, "weight α of the content loss", (0, MAX_WEIGHT))
    strength: float | None = _balance(
        0.5,
        "more of the photo (0) or of the style (1); it means the same for every pair, from which "
        "the style weight follows",
        (0, 1),
    )
    style_weight: float | None = _balance(
        None, "weight β of the style loss itself, instead of strength", (0, MAX_WEIGHT)
    )
    tv_weight: float = _balance(
        0.0, "weight of the total variation loss: smoothness", (0, MAX_WEIGHT)
    )
    gamut_weight: float = _balance(
        0.3,
        "weight of the penalty on values outside of 0-255, so that clipping for the file changes "
        "little; 0: none",
        (0, MAX_WEIGHT),
    )
    palette_weight: float = _balance(
        0.02,
        "weight of the penalty on colours that the style image does not have; 0: none",
        (0, MAX_WEIGHT),
    )
    style_scale: float = _balance(
        1.0,
        "size of the strokes: longer side of the style image relative to the result's",
        (0.01, 100),
    )
    style_blend: tuple[float, ...] = _balance(
        (), "shares of several styles, like 0.7,0.3; by default equal"
    )
    style_layers: Layers = _balance(
        tuple((name, 1.0) for name in STYLE_LAYERS),
        "style layers with weights, like block1_conv1:1,block4_conv1:0.2 (without a weight: 1); "
        "those after block5_conv1 need weights=imagenet or a file",
    )
    content_layers: Layers = _balance(
        (("block4_conv2", 1.0),), "content layers with weights, like block4_conv2:1"
    )
    balance: float = _balance(
        1.0,
        "1: the style losses of layers, and of masks' regions, are rescaled to begin equal; 0: "
        "left as they are; or in between",
        (0, 1),
    )
    color: Color = _balance(
        "style",
        "whose colours: style; luminance (only brightness is painted, the photo's chroma stays); "
        "or the style is first recoloured to the photo's mean and covariance (match: symmetric "
        "root; cholesky) or histogram",
    )
    formula: Formula = _balance(
        "mean",
        "how losses are normalised: mean: means over features; paper: sums as in the 2015 paper; "
        "neural-style: mean, with that program's total variation; crowson: that program's units "
        "and total variation",
    )
    statistics: Statistics = _balance(
        "gram",
        "statistics of the style's features to compare: gram: Gram matrices; w2: means and "
        "covariances, by the Wasserstein-2 distance of Gaussians",
    )

    if TYPE_CHECKING:
        # Accepts wider types than the attributes then have.
        def __init__(self, **settings: Unpack[Settings]) -> None: ...

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, valid(field, getattr(self, field.name)))
        self._check_together()
        check_shipped(self.weights, self.layers[-1])

    def _check_together(self) -> None:
        task, init, absent = self.task, self.init, _ABSENT.get(self.task)
        if isinstance(self.size, tuple) and task != "texture":
            raise ConfigError(
                f"size is {self.size!r}; it must be one number, the longer side in px (two, width "
                "and height, are for task texture)"
            )
        if init == absent or (task == "reconstruct" and init == "content"):
            raise ConfigError(f"init is {init!r}, which task {task} does not have; try init noise")
        if absent and self.color != "style":
            raise ConfigError(
                f"color is {self.color!r}, which needs content and style; task {task} has no "
                f"{absent}"
            )
        if self.strength is None and self.style_weight is None:
            raise ConfigError("strength and style_weight are both None; one must be a number")
        if self.formula == "paper" and self.statistics != "gram":
            raise ConfigError(
                f"statistics is {self.statistics!r}; formula paper is of Gram matrices, so it "
                "must be gram, or the formula mean"
            )
        if not self.layers:
            raise ConfigError(
                "content_weight and style_weight, or all layer weights, are 0: there is nothing "
                "to minimise"
            )

    @classmethod
    def preset(cls, name: str, **overrides: Unpack[Settings]) -> "Config":
        """The settings of a published recipe (see `PRESETS`), with overrides.

        A recipe's `init` "content" is dropped for tasks other than "stylize". `strength` replaces
        the recipe's `style_weight`. A dict of overrides can be annotated as
        `config.choices.Settings`.
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
        if kind == _ABSENT.get(self.task) or getattr(self, f"{kind}_weight") == 0:
            return {}
        return {name: weight for name, weight in getattr(self, f"{kind}_layers") if weight}

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
        """`memory` in bytes; None: what the system says is free."""
        return None if self.memory is None else memory_size(self.memory)

    def to_dict(self) -> dict[str, Any]:
        """The settings that determine the picture, as JSON-serialisable values."""
        recorded = [field.name for field in dataclasses.fields(self) if field.metadata["recorded"]]
        return {name: getattr(self, name) for name in recorded}
