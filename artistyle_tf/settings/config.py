"""Every setting, its default, its bounds and its help text. No TensorFlow here.

The command's flags, the record in a finished picture and the Python arguments all come from the
one dataclass below.
"""

import dataclasses
import os
from typing import Any, Literal, get_args

from artistyle_tf.errors import ConfigError
from artistyle_tf.network.vgg19 import VGG19_LAYERS
from artistyle_tf.network.weights import check_name, check_shipped
from artistyle_tf.settings.presets import PRESETS, STYLE_LAYERS, style_weight_of
from artistyle_tf.settings.validation import (
    MAX_WEIGHT,
    Layers,
    blend,
    check_strength,
    integer,
    number,
    one_of,
    weighted_layers,
)

__all__ = ["INITS", "Config"]

MIN_SIZE = 16
MAX_SIZE = 65536
MIN_TILE = 32
INITS = ("noise", "content", "style", "grey")
"""What `init` can be beside a picture file."""

Task = Literal["stylize", "texture", "reconstruct"]
Optimizer = Literal["tfp", "lbfgs", "adam"]
Pooling = Literal["max", "avg"]
Formula = Literal["mean", "paper", "neural-style"]
Color = Literal["style", "luminance", "match", "cholesky", "histogram"]
Balance = Literal["weights", "equal"]
Precision = Literal["auto", "float32", "bfloat16"]


def _setting(default: Any, group: str, help: str, choices: Any = None) -> Any:
    metadata = {"group": group, "help": help, "choices": get_args(choices)}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What to do with two pictures. Immutable; a wrong value raises `ConfigError` at once.

    >>> Config(size=384, style_layers={"block1_conv1": 1, "block4_conv1": 0.2}).style_layers
    (('block1_conv1', 1.0), ('block4_conv1', 0.2))
    >>> Config.preset("fast", size=256).optimizer
    'lbfgs'
    """

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
    iterations: int = _setting(300, "Run", "iterations of the minimiser, all levels together")
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
    finest: float = _setting(
        0.7,
        "Run",
        "share of the iterations that the finest level gets, the others sharing the rest",
    )
    optimizer: Optimizer = _setting(
        "tfp",
        "Minimiser",
        "tfp: TensorFlow Probability's L-BFGS; lbfgs: our own, one evaluation a step; adam",
        Optimizer,
    )
    history: int = _setting(50, "Minimiser", "correction pairs that L-BFGS keeps")
    learning_rate: float = _setting(10.0, "Minimiser", "adam's first step, in grey levels")
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
    precision: Precision = _setting(
        "auto",
        "Network",
        "what convolutions compute in, losses being float32 always; auto: bfloat16 on CPUs with "
        "tiles for it (AMX), float32 elsewhere",
        Precision,
    )
    tile_size: int | Literal["auto"] = _setting(
        "auto",
        "Network",
        "side of the tiles that large pictures are computed in, px, a multiple of 16; 0: whole "
        "pictures; auto: tiles where memory demands them",
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
        "that program's total variation",
        Formula,
    )

    strength: dataclasses.InitVar[float | None] = None
    """How much painting, 0 to 1, instead of `style_weight`: see `presets.style_weight_of`."""

    def __post_init__(self, strength: float | None) -> None:
        for name in ("style_layers", "content_layers"):
            object.__setattr__(self, name, weighted_layers(name, getattr(self, name)))
        object.__setattr__(self, "style_blend", blend(self.style_blend))
        for field in dataclasses.fields(self):
            choices, value = field.metadata["choices"], getattr(self, field.name)
            if choices and value not in choices:
                raise ConfigError(f"{field.name} is {value!r}; it must be {one_of(choices)}")
        self._check_task()
        self._whole("iterations", 1, 10**7)
        self._whole("seed", 0, 2**63 - 1)
        self._whole("history", 1, 1000)
        self._whole("coarsest", MIN_SIZE, MAX_SIZE)
        if self.levels != "auto":
            self._whole("levels", 1, 16, " or auto")
        if self.tile_size != "auto":
            self._whole("tile_size", 0, MAX_SIZE, " or auto")
            if self.tile_size % 16 or 0 < self.tile_size < MIN_TILE:
                raise ConfigError(
                    f"tile_size is {self.tile_size}; it must be 0, auto or a multiple of 16 px, "
                    f"{MIN_TILE} or more"
                )
        for name in ("content_weight", "style_weight", "tv_weight", "gamut_weight"):
            self._real(name, 0, MAX_WEIGHT)
        if strength is not None:
            if self.formula == "paper":
                raise ConfigError("strength is of the formula mean; with paper set style_weight")
            weight = style_weight_of(strength) * (self.content_weight or 1)
            object.__setattr__(self, "style_weight", weight)
        self._real("learning_rate", 1e-6, 1e6)
        self._real("precondition", 0, 2)
        self._real("style_scale", 0.01, 100)
        self._real("init_noise", 0, 1)
        self._real("noise_amplitude", 0, 255)
        self._real("finest", 0.01, 0.99)
        if isinstance(self.init, os.PathLike):
            object.__setattr__(self, "init", os.fspath(self.init))
        # A word alone is rather a slip of the pen than a file: no error then waits for its opening.
        if not isinstance(self.init, str) or (
            self.init not in INITS and not os.path.splitext(self.init)[1]
        ):
            raise ConfigError(
                f"init is {self.init!r}; it must be {one_of(INITS)}, or a picture file like a.png"
            )
        if isinstance(self.weights, os.PathLike):
            object.__setattr__(self, "weights", os.fspath(self.weights))
        check_name(self.weights)
        for kind in ("content", "style"):
            for layer, weight in self.layer_weights(kind).items():
                product = getattr(self, f"{kind}_weight") * weight
                number(f"{kind}_weight times that of {layer}", product, 0, MAX_WEIGHT)
        if not self.layers:
            raise ConfigError(
                "content_weight and style_weight, or all layer weights, are 0: "
                "there is nothing to minimise"
            )
        check_shipped(self.weights, self.layers[-1])

    def _check_task(self) -> None:
        if isinstance(self.size, tuple | list):
            if self.task != "texture" or len(self.size) != 2:
                raise ConfigError(
                    f"size is {self.size!r}; it must be one number, the longer side in px (two, "
                    "width and height, are for task texture)"
                )
            sides = tuple(integer("size", side, MIN_SIZE, MAX_SIZE) for side in self.size)
            object.__setattr__(self, "size", sides)
        else:
            self._whole("size", 0, MAX_SIZE, ", or two like 640x480 for task texture")
            if 0 < self.size < MIN_SIZE:
                raise ConfigError(f"size is {self.size}; it must be 0 or at least {MIN_SIZE} px")
        absent = {"texture": "content", "reconstruct": "style"}.get(self.task)
        if absent and self.init == absent:
            raise ConfigError(f"init is {absent!r}, and task {self.task} has none; try init noise")
        if self.task == "reconstruct" and self.init == "content":
            raise ConfigError(
                "init is 'content', which task reconstruct is to find; try init noise"
            )
        if absent and self.color != "style":
            raise ConfigError(
                f"color is {self.color!r}, which needs content and style; task {self.task} has "
                f"no {absent}"
            )

    def _whole(self, name: str, low: int, high: int, otherwise: str = "") -> None:
        object.__setattr__(self, name, integer(name, getattr(self, name), low, high, otherwise))

    def _real(self, name: str, low: float, high: float) -> None:
        object.__setattr__(self, name, number(name, getattr(self, name), low, high))

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> "Config":
        """A published recipe by name (see `PRESETS`), with single settings replaced.

        Only task "stylize" starts from the content unasked. `strength` replaces the recipe's own
        `style_weight`.
        """
        if name not in PRESETS:
            raise ConfigError(f"preset is {name!r}; it must be {one_of(PRESETS)}")
        unknown = set(overrides) - {field.name for field in dataclasses.fields(cls)} - {"strength"}
        if unknown:
            raise ConfigError(f"there is no setting {min(unknown)!r}")
        settings = dict(PRESETS[name])
        if overrides.get("task", cls.task) != "stylize" and settings.get("init") == "content":
            del settings["init"]  # a texture has no content, a reconstruction has to find it
        check_strength(overrides)
        return cls(**{**settings, **overrides})

    def layer_weights(self, kind: Literal["content", "style"] | str) -> dict[str, float]:
        """Layer → weight, for the layers of this kind that count; the kind's weight not applied.

        A texture has no content, and a reconstruction no style.
        """
        absent = {"texture": "content", "reconstruct": "style"}.get(self.task)
        if kind == absent or not getattr(self, f"{kind}_weight"):
            return {}
        return {name: weight for name, weight in getattr(self, f"{kind}_layers") if weight}

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers that the losses look at, in the network's order."""
        used = {**self.layer_weights("content"), **self.layer_weights("style")}
        return tuple(name for name in VGG19_LAYERS if name in used)

    def shares(self, count: int) -> list[float]:
        """The share of each of `count` styles, summing to 1."""
        if not count:
            raise ConfigError("no style is given; name at least one picture")
        if self.style_blend and len(self.style_blend) != count:
            raise ConfigError(
                f"style_blend is {self.style_blend}; it must have one share for each style: {count}"
            )
        shares = self.style_blend or (1.0,) * count
        return [share / sum(shares) for share in shares]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)
