"""What determines a picture, and its record: checkpoints, reruns, batches and videos compare it.

No TensorFlow. A record holds no timings, so that equal runs give equal files, and base names only.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf.config.choices import INITS
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read_record
from artistyle_tf.text import one_line
from artistyle_tf.vgg.weights import NAMES, Weights

MODULES = ("artistyle_tf", "tensorflow", "tensorflow_probability", "keras", "numpy", "PIL")
LAZY = {"tensorflow_probability": "tensorflow-probability"}
"""Modules not loaded by every run → their distributions, whose versions are recorded regardless."""

RECORDED = {
    "content": "content",
    "style": "styles",
    "start": "start",
    "content_mask": "content_masks",
    "style_mask": "style_masks",
}
"""Kind of picture → its name in the record, where content and start are single ones or null."""
SINGLE = ("content", "start")
_LONGEST = 300


def kinds_of(
    content: Picture | None, styles: Sequence[Picture], start: Picture | None, masks: Masks
) -> dict[str, Sequence[Picture]]:
    """The pictures of a run by kind, as in `RECORDED`."""
    return {
        "content": [content] if content else [],
        "style": styles,
        "start": [start] if start else [],
        "content_mask": masks.content,
        "style_mask": masks.styles,
    }


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What determines a picture's pixels, on the same machine and versions."""

    config: Mapping[str, Any]  # plain values, files by base name
    pictures: Mapping[str, Sequence[Mapping[str, str]]]  # kind → "name", "sha256" of each
    weights: Mapping[str, str | None]  # "kind", "name", "sha256", "credit"

    @classmethod
    def of(
        cls, config: Config, pictures: Mapping[str, Sequence[Picture]], weights: Weights
    ) -> "Provenance":
        return cls(
            _plain(config),
            {
                kind: [{"name": one.name, "sha256": one.digest} for one in each]
                for kind, each in pictures.items()
            },
            {
                "kind": weights.kind,
                "name": weights.name,
                "sha256": weights.digest,
                "credit": weights.credit,
            },
        )

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Provenance":
        """That in the record of a picture, which is untrusted: what is malformed counts as none."""

        def mappings(value: Any) -> list[Mapping[str, Any]]:
            each = value if isinstance(value, list) else [] if value is None else [value]
            return [one if isinstance(one, dict) else {} for one in each]

        def mapping(name: str) -> Mapping[str, Any]:
            return next(iter(mappings(record.get(name))), {})

        pictures = {kind: mappings(record.get(name)) for kind, name in RECORDED.items()}
        return cls(mapping("config"), pictures, mapping("weights"))

    def digests(self, kind: str) -> list[str]:
        return [str(one.get("sha256")) for one in self.pictures[kind]]

    def changed_settings(self, config: Config) -> list[str]:
        """The settings that differ in `config`; a style weight found from the strength is none."""
        wanted = json.loads(json.dumps(_plain(config)))
        if config.style_weight is None:
            del wanted["style_weight"]
        return [name for name, value in wanted.items() if self.config.get(name) != value]

    def changed_pictures(self, digests: Mapping[str, Sequence[str]]) -> list[str]:
        """The kinds of pictures, of those given, whose digests are others."""
        return [kind for kind, each in digests.items() if list(each) != self.digests(kind)]

    def identity(self) -> dict[str, Any]:
        """What must match for a run to resume from another's state: plain values for JSON."""
        init = None if self.pictures["start"] else self.config["init"]
        return {
            "versions": _versions(),
            "config": {**self.config, "weights": None, "init": init},  # files by their digests
            **{name: self.digests(kind) for kind, name in RECORDED.items()},
            "weights": self.weights["sha256"],
        }

    def record(self) -> dict[str, Any]:
        """The beginning of a picture's record, as plain values for JSON."""
        pictures: dict[str, Any] = {
            name: list(self.pictures[kind]) for kind, name in RECORDED.items()
        }
        for name in SINGLE:
            pictures[name] = next(iter(pictures[name]), None)
        return {
            "program": "artistyle_tf",
            "versions": {"python": platform.python_version(), **_versions()},
            "config": dict(self.config),
            **pictures,
            "weights": dict(self.weights),
        }


def _plain(config: Config) -> dict[str, Any]:
    """The settings that determine the picture, files by base name."""
    settings = config.to_dict()
    for name in ("weights", "init"):
        settings[name] = os.path.basename(settings[name])
    return settings


def _versions() -> dict[str, str]:
    """Versions of the packages involved, without importing any."""
    return {
        name: importlib.metadata.version(LAZY[name])
        if name in LAZY
        else sys.modules[name].__version__
        for name in MODULES
        if name in LAZY or name in sys.modules
    }


@dataclasses.dataclass(frozen=True)
class Rerun:
    config: Config
    name: str  # the finished picture's base name
    provenance: Provenance

    def differences(self, pictures: Mapping[str, Sequence[Picture]]) -> list[str]:
        """A line for each kind of picture that differs from what the finished one was made from."""
        lines = []
        digests = {kind: [one.digest for one in each] for kind, each in pictures.items()}
        for kind in self.provenance.changed_pictures(digests):
            nothing = self.config.init if kind == "start" else "none"
            names = ", ".join(picture.name for picture in pictures[kind]) or nothing
            lines.append(f"{names}: not the {kind} that {self.name} was made from")
        return lines


def read_rerun(path: str | os.PathLike[str], **overrides: Any) -> Rerun:
    """The settings that the picture at `path` was made with, some of them overridden.

    Files are never taken from a record: a run that used its own weights or start must be given them
    again (ConfigError). An unreadable picture or invalid record is an InputError.
    """
    shown = one_line(os.fsdecode(path))
    provenance = Provenance.of_record(read_record(path) or {})
    settings = provenance.config
    if not settings:
        raise InputError(f"{shown} has no record of the settings that it was made with")
    taken = {name: settings[name] for name in Config().to_dict() if name in settings}
    taken["weights"] = provenance.weights.get("kind")
    known = {"weights": NAMES, "init": INITS}
    files = {name: str(taken.get(name)) not in names for name, names in known.items()}
    for name in [name for name, is_file in files.items() if is_file]:
        taken.pop(name, None)  # a file name is never taken from a record
    try:
        Config(**taken)
    except (ConfigError, TypeError, OverflowError) as error:
        fault = one_line(str(error))[:_LONGEST]
        raise InputError(f"{shown}: its record can't be used: {fault}") from error
    for name, is_file in files.items():
        if is_file and name not in overrides:
            raise ConfigError(f"{name} was a file for {shown}; it must be given again")
    name = one_line(os.path.basename(os.fsdecode(path)))
    return Rerun(Config.overridden(taken, overrides), name, provenance)
