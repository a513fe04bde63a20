"""Estimates the memory that a level needs, and measures what is available. No TensorFlow.

The constants were measured on a CPU with the full VGG19 (figures in docs/tiles.md); estimates are
meant to be within a fifth of the peak.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from artistyle_tf.config.config import Config
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS, contexts, stride

__all__ = ["estimate", "free_bytes", "peak_bytes", "resident_bytes"]

# Bytes per activation kept by an evaluation, by the size of an activation: the activation itself,
# its gradient, float32 copies for Gram matrices; for tiles also the slices cut from it.
WHOLE = {2: 4.3, 4: 6.9, 8: 13.0}
TILED = {2: 6.5, 4: 10.0, 8: 19.0}
GUIDED = 0.6
"""Further float32 activations per style layer for each mask."""
VECTORS = {"lbfgs": 16, "tfp": 20, "adam": 14, "averaged": 16}
"""Image-sized vectors alive at once apart from the correction pairs: position, gradient, the best
ones, trial points, and the buffers of the preconditioner's Fourier transforms."""
COPIES = {"lbfgs": 0.5, "tfp": 2, "adam": 0, "averaged": 0}
"""Copies held of each correction pair, in float32 units: ours are bfloat16, and TensorFlow
Probability copies its pairs to push one."""
BASE = 350 * 2**20
"""Further allocations by TensorFlow: graphs, packed filters, memory its allocator can't reuse."""


def estimate(
    config: Config,
    size: tuple[int, int],
    channels: Mapping[str, int],
    itemsize: int,
    tile: int,
    history: int,
    regions: int = 0,
    states: int = 1,
) -> int:
    """Bytes that a level needs in addition to what the process already holds.

    Args:
      config: for its optimizer and layers.
      size: (height, width) of the level in px.
      channels: layer → number of filters, up to the deepest layer used.
      itemsize: bytes per activation.
      tile: side of the tiles in px; 0: untiled.
      history: L-BFGS history size, in correction pairs.
      regions: number of masks.
      states: minimiser states alive at once, each with its own pairs: two if the device runs
        several iterations per call, since a call takes one state and returns another.
    """
    pixels = size[0] * size[1]
    layers = VGG19_LAYERS[: VGG19_LAYERS.index(config.layers[-1]) + 1]
    each = sum(channels[name] / stride(name) ** 2 for name in layers)
    evaluated, cost = pixels, WHOLE[itemsize]
    if tile:
        halo = contexts(layers[-1])[1]
        sides = (min(side, tile + 2 * halo) for side in size)
        evaluated, cost = next(sides) * next(sides), TILED[itemsize]
    content = sum(channels[name] / stride(name) ** 2 for name in config.layer_weights("content"))
    pairs = 2 * history * COPIES[config.optimizer] * states
    vectors = 3 * 4 * pixels * (VECTORS[config.optimizer] + pairs)
    style = config.layer_weights("style")
    guided = sum(
        (evaluated * channels[name] * GUIDED + pixels) / stride(name) ** 2 for name in style
    )
    return int(
        BASE
        + evaluated * each * cost
        + pixels * content * itemsize
        + vectors
        + 4 * regions * guided
    )


def free_bytes() -> int:
    """Memory that is free on the system and within its control group."""
    group = _group_free()
    system = int(psutil.virtual_memory().available)
    return system if group is None else min(system, group)


def resident_bytes() -> int:
    """This process's current resident memory."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes(status: Path = Path("/proc/self/status")) -> int | None:
    """This process's peak resident memory so far; None if unknown."""
    try:
        # Linux, where getrusage would include the process that this one was forked from.
        found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return getattr(psutil.Process().memory_info(), "peak_wset", None)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _group_free(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory left in the control group (version 2, as in containers), which psutil ignores."""
    try:
        most, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        return max(most - used, 0)
    except (OSError, ValueError):  # "max": no limit
        return None
