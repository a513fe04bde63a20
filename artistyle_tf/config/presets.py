"""Published recipes by name, as settings that differ from the defaults of `Config`."""

from collections.abc import Mapping
from typing import Any

from artistyle_tf.vgg.vgg19 import STYLE_LAYERS

_AS_PUBLISHED: Mapping[str, Any] = {
    "padding": "zeros",
    "precision": "float32",
    "precondition": 0.0,
    "gamut_weight": 0.0,
    "palette_weight": 0.0,
    "balance": 0.0,
}
"""Our additions switched off: no published program has them."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "artistyle": {},
    "fast": {"optimizer": "lbfgs", "init": "content", "iterations": 200},
    # Coarse to fine as in Gatys et al. 2017 (arXiv:1611.07865, sec. 6): the finest size costs most.
    "large": {
        "size": 4096,
        "optimizer": "lbfgs",
        "init": "content",
        "iterations": 300,
        "finest": 0.1,
        "settle": 1.0,
        "history": 10,
    },
    # Gatys, Ecker, Bethge 2015: eq. 1-7, α/β = 1e-3, w_l = 1/5, average pooling, one scale.
    "paper": {
        **_AS_PUBLISHED,
        "formula": "paper",
        "pooling": "avg",
        "levels": 1,
        "content_weight": 1.0,
        "style_weight": 1000.0,
        "style_layers": tuple((name, 0.2) for name in STYLE_LAYERS),
    },
    # leongatys/PytorchNeuralStyleTransfer: Gram / (H W), weights 1000 / N², mean squared errors.
    "gatys-pytorch": {
        **_AS_PUBLISHED,
        "init": "content",
        "iterations": 500,
        "levels": 1,
        "optimizer": "lbfgs",
        "history": 100,
        "style_weight": 1000.0,
    },
    # jcjohnson/neural-style, neural_style.lua and its defaults.
    "neural-style": {
        **_AS_PUBLISHED,
        "init": "grey",
        "iterations": 1000,
        "levels": 1,
        "optimizer": "lbfgs",
        "history": 100,
        "content_weight": 5.0,
        "style_weight": 100.0,
        "tv_weight": 1e-3,
        "formula": "neural-style",
    },
    # crowsonkb/style-transfer-pytorch, StyleTransfer.stylize and its defaults.
    "crowson": {
        **_AS_PUBLISHED,
        "init": "content",
        "iterations": 1000,
        "finer_iterations": 500,
        "coarsest": 128,
        "carry": "picture",
        "level_step": 1.4142,
        "optimizer": "averaged",
        "learning_rate": 5.1,  # 0.02 of 255
        "padding": "replicate-first",
        "content_weight": 0.015,
        "style_weight": 1.0,
        "tv_weight": 2.0,
        # 256, 64, 16, 4 and 1 over their sum.
        "style_layers": tuple(
            zip(
                STYLE_LAYERS,
                (0.7507331, 0.1876833, 0.04692082, 0.01173021, 0.002932551),
                strict=True,
            )
        ),
        "formula": "crowson",
        "statistics": "w2",
    },
}
"""Preset name → the settings in which it differs from the defaults of `Config`."""

_EVEN, _STEPS, _QUIETER, _LOUDER, _FULL, _QUIETEST = 13.0, 2e5, 1.0, 2.5, 5.0, 0.1


def style_ratio(strength: float, loudness: float) -> float:
    """r = β S / (α P) for a strength from 0 to 1, so that it looks the same on every pair.

    S is the photo's style loss before β, P the mean square of its content features. Equal steps of
    the strength multiply r by equal factors. At equal r, a style whose features are stronger than
    the photo's changes it more, so r falls with the `loudness`, the mean square activation of the
    style over the photo's. Above 1.6, in a smooth photo or a style of strong contrasts, it rises:
    strokes cost as much content loss as the style's features are large, however small P is, and
    for less there is only a fine grid. How it was found: docs/notes/defaults.md.

    >>> [round(style_ratio(share, 1), 2) for share in (0, 0.25, 0.5, 0.75, 1)]
    [0.03, 0.61, 13.0, 274.92, 5813.78]
    >>> [round(style_ratio(0.5, loudness), 2) for loudness in (0.5, 1.5, 3, 6)]
    [26.0, 4.72, 7.8, 15.6]
    """
    loud = max(loudness, _QUIETEST)
    falling = min(loud**-_QUIETER, loud**-_LOUDER)
    return _EVEN * _STEPS ** (strength - 0.5) * max(falling, loud / _FULL)
