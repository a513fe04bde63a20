"""Scale a pruned network so that losses by it are as large as its teacher's.

A Gram matrix is divided by the number of channels N and the style's loss is a mean over N²; how
much of it the channels kept have depends on which they are. So it is measured: between pictures,
the teacher's loss over the student's, and the layer is multiplied by the fourth root (content:
the square root, for the loss is of second order), which the next layer's filters undo.
"""

from collections.abc import Mapping

import numpy as np
from prune import Layers, forward

from artistyle_tf.vgg.vgg19 import STYLE_LAYERS

__all__ = ["balanced", "scaled"]

CONTENT_LAYER = "block4_conv2"
Sight = tuple[dict[str, np.ndarray], np.ndarray]
"""Style layer → Gram matrices [n, N, N]; the content layer's activations [n, h, w, N]."""


def balanced(
    student: Layers, teacher: Layers, pictures: np.ndarray, gains: Mapping[str, float]
) -> tuple[Layers, dict[str, float]]:
    """The student with its layers scaled, and by what.

    Args:
      pictures: [n, H, W, 3] float32 BGR, mean subtracted; losses are between neighbours.
      gains: layer → how many times the teacher's loss its own is to be; 1 where none is given.
    """
    ours, theirs = (_losses(*_sight(layers, pictures)) for layers in (student, teacher))
    factors = {
        name: float((gains.get(name, 1) * theirs[name] / ours[name]) ** (1 / order))
        for name, order in [*((layer, 4) for layer in STYLE_LAYERS), (CONTENT_LAYER, 2)]
    }
    return scaled(student, factors), factors


def scaled(layers: Layers, factors: Mapping[str, float]) -> Layers:
    """Activations times the factor of their layer; those of other layers stay as they are."""
    made: Layers = {}
    before = 1.0
    for name, (kernel, bias) in layers.items():
        factor = factors.get(name, 1.0)
        made[name] = (
            (kernel * (factor / before)).astype(np.float32),
            (bias * factor).astype(np.float32),
        )
        before = factor
    return made


def _sight(layers: Layers, pictures: np.ndarray) -> Sight:
    grams: dict[str, np.ndarray] = {}
    content = np.zeros(0)
    for name, maps in forward(layers, pictures):
        if name in STYLE_LAYERS:
            flat = maps.reshape(len(maps), -1, maps.shape[-1])
            grams[name] = np.matmul(flat.transpose(0, 2, 1), flat) / flat[0].size
        elif name == CONTENT_LAYER:
            content = maps
    return grams, content


def _losses(grams: dict[str, np.ndarray], content: np.ndarray) -> dict[str, float]:
    """Between each picture and the next, mean."""
    each = {k: float(np.mean((g - np.roll(g, 1, 0)) ** 2)) for k, g in grams.items()}
    return {**each, CONTENT_LAYER: float(np.mean((content - np.roll(content, 1, 0)) ** 2))}
