"""Settings from the record in a finished picture. The record is untrusted input."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf.config.config import INITS, Config
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read_record
from artistyle_tf.text import one_line
from artistyle_tf.vgg.weights import NAMES

__all__ = ["Rerun", "read_rerun"]

# File names: never taken from a record. All other settings are numbers or fixed choices.
_FILES = ("weights", "init")
_LONGEST = 300


@dataclasses.dataclass(frozen=True)
class Rerun:
    """The settings and sources given in a record."""

    config: Config
    name: str
    """The finished picture's base name."""
    digests: Mapping[str, Sequence[str]]
    """"content", "style", "start", "content_mask" and "style_mask" → SHA-256 of the pictures it was
    made from."""

    def differences(
        self,
        content: Picture | None,
        styles: Sequence[Picture],
        start: Picture | None,
        masks: Masks,
    ) -> list[str]:
        """A line for each kind of picture that differs from what the finished one was made from."""
        given = {
            "content": [content] if content else [],
            "style": styles,
            "start": [start] if start else [],
            "content_mask": masks.content,
            "style_mask": masks.styles,
        }
        lines = []
        for kind, pictures in given.items():
            if [picture.digest for picture in pictures] != list(self.digests[kind]):
                nothing = self.config.init if kind == "start" else "none"
                names = ", ".join(picture.name for picture in pictures) or nothing
                lines.append(f"{names}: not the {kind} that {self.name} was made from")
        return lines


def read_rerun(path: str | os.PathLike[str], **overrides: Any) -> Rerun:
    """The settings that the picture at `path` was made with, some of them overridden.

    Only settings of `Config` are read, and they are validated as usual. `weights` is the network
    actually used if it has a name (like imagenet-8bit), and `init` is taken if it is not a file;
    a run that used files of its own must be given them again.

    Raises:
      InputError: the picture is unreadable, or has no record or one with invalid settings.
      ConfigError: invalid overrides, or a weights or start file that must be given again.
    """
    shown = one_line(os.fsdecode(path))
    record = read_record(path)
    settings = (record or {}).get("config")
    if not isinstance(settings, dict):
        raise InputError(f"{shown} has no record of the settings that it was made with")
    assert record is not None
    recorded = Config().to_dict().keys() - {*_FILES}
    taken = {name: settings[name] for name in recorded if name in settings}
    kind = _mapping(record, "weights").get("kind")
    given_again = []
    if kind in NAMES:
        taken["weights"] = kind
    else:
        given_again.append("weights")
    if settings.get("init") in INITS:
        taken["init"] = settings["init"]
    else:
        given_again.append("init")
    try:
        Config(**taken)
    except (ConfigError, TypeError, OverflowError) as error:
        fault = one_line(str(error))[:_LONGEST]
        raise InputError(f"{shown}: its record can't be used: {fault}") from error
    for name in given_again:
        if name not in overrides:
            raise ConfigError(f"{name} was a file for {shown}; it must be given again")
    digests = {
        "content": _digests([record.get("content")] if record.get("content") else []),
        "style": _digests(record.get("styles")),
        "start": _digests([record.get("start")] if record.get("start") else []),
        "content_mask": _digests(record.get("content_masks")),
        "style_mask": _digests(record.get("style_masks")),
    }
    name = one_line(os.path.basename(os.fsdecode(path)))
    return Rerun(Config.overridden(taken, overrides), name, digests)


def _mapping(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _digests(pictures: Any) -> list[str]:
    pictures = pictures if isinstance(pictures, list) else []
    return [str(picture.get("sha256")) if isinstance(picture, dict) else "" for picture in pictures]
