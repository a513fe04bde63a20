"""The record of a run: everything that determines the pixels, and how the run ended. No timings, so
that equal runs give equal files; base names only, no full paths."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from typing import Any

from artistyle_tf.engine.scene import Scene, Sources
from artistyle_tf.engine.state import State
from artistyle_tf.images.picture import Picture

__all__ = ["make_identity", "make_record"]

MODULES = ("artistyle_tf", "tensorflow", "tensorflow_probability", "keras", "numpy", "PIL")
LAZY = {"tensorflow_probability": "tensorflow-probability"}
"""Modules not loaded by every run → their distributions, whose versions are recorded regardless, so
that equal runs have equal records whatever the process did before."""


def make_identity(sources: Sources, convolutions: str) -> dict[str, Any]:
    """What must match for a run to resume from a checkpoint, including the convolutions' dtype."""
    settings = sources.config.to_dict()
    settings["weights"] = settings["init"] = None  # compared by digest
    return {
        "versions": _versions(),
        "config": settings,
        "content": sources.content.digest if sources.content else None,
        "styles": [style.digest for style in sources.styles],
        "start": sources.start.digest if sources.start else sources.config.init,
        "masks": [[mask.digest for mask in kind] for kind in sources.masks],
        "weights": sources.weights.digest,
        "convolutions": convolutions,
    }


def make_record(scene: Scene, state: State, outcome: Mapping[str, Any]) -> dict[str, Any]:
    """The record as plain values for JSON.

    Args:
      scene: provides all settings, with paths cut to base names; names and digests of the pictures
        and weights; and the notes shown to the user.
      state: provides the progress of the run, its levels, and how they were computed.
      outcome: stop reason, counts and final losses.
    """
    sources = scene.sources
    config, weights, masks = sources.config, sources.weights, sources.masks
    settings = config.to_dict()
    settings["weights"] = os.path.basename(config.weights)
    settings["init"] = os.path.basename(config.init)
    if state.weighing:  # the number that followed from strength, which a rerun keeps
        settings["style_weight"] = state.weighing.style_weight
    return {
        "program": "artistyle_tf",
        "versions": {"python": platform.python_version(), **_versions()},
        "config": settings,
        "content": _named(sources.content) if sources.content else None,
        "styles": [_named(style) for style in sources.styles],
        "start": _named(sources.start) if sources.start else None,
        "content_masks": [_named(mask) for mask in masks.content],
        "style_masks": [_named(mask) for mask in masks.styles],
        "weights": {
            "kind": weights.kind,
            "name": weights.name,
            "sha256": weights.digest,
            "credit": weights.credit,
        },
        "convolutions": state.convolutions,
        "levels": [
            [*level.size, done] for level, done in zip(state.levels, state.done, strict=False)
        ],
        "plans": [
            {"tile": level.plan.tile, "history": level.plan.history} for level in state.levels
        ],
        "outcome": dict(outcome),
        "notes": list(scene.notes),
    }


def _named(picture: Picture) -> dict[str, str]:
    return {"name": picture.name, "sha256": picture.digest}


def _versions() -> dict[str, str]:
    """Versions of the packages involved, without importing any."""
    return {
        name: importlib.metadata.version(LAZY[name])
        if name in LAZY
        else sys.modules[name].__version__
        for name in MODULES
        if name in LAZY or name in sys.modules
    }
