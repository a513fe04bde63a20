"""The settings object: `fields`, validated and frozen, with what is derived from them."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from artistyle_tf.config.checking import checked, layer_weights
from artistyle_tf.config.choices import INITS, Settings
from artistyle_tf.config.fields import Fields
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.config.validation import memory_size, one_of
from artistyle_tf.errors import ConfigError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import check_shipped

__all__ = ["INITS", "Config"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Fields):
    """All settings of a run. Immutable; an invalid value raises `ConfigError` at once.

    >>> Config(size=384, style_layers={"block1_conv1": 1, "block4_conv1": 0.2}).style_layers
    (('block1_conv1', 1.0), ('block4_conv1', 0.2))
    >>> Config.preset("fast", size=256).optimizer
    'lbfgs'
    """

    if TYPE_CHECKING:
        # Accepts wider types than the attributes then have.
        def __init__(self, **settings: Unpack[Settings]) -> None: ...

    def __post_init__(self) -> None:
        fields = dataclasses.fields(self)
        given = {field.name: getattr(self, field.name) for field in fields}
        choices = {f.name: f.metadata["choices"] for f in fields if f.metadata["choices"]}
        for name, value in checked(given, choices).items():
            object.__setattr__(self, name, value)
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
