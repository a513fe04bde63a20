"""What a level of a run takes of memory, and what there is of it. No TensorFlow.

The constants were measured on a CPU with the full VGG19 (docs/tiles.md has the figures); an
estimate is meant to be within a fifth of the peak.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from artistyle_tf.network.vgg19 import VGG19_LAYERS, contexts, stride
from artistyle_tf.settings.config import Config

__all__ = ["estimate", "free_bytes", "peak_bytes", "resident_bytes"]

# Bytes of each activation that an evaluation keeps, by the size of an activation: itself, its
# gradient, float32 copies for Gram matrices; for tiles also the parts that are cut out of it.
WHOLE = {2: 4.3, 4: 6.9, 8: 13.0}
TILED = {2: 6.5, 4: 10.0, 8: 19.0}
GUIDED = 0.6
"""float32 activations of each style layer that a mask adds."""
VECTORS = {"lbfgs": 16, "tfp": 20, "adam": 14, "averaged": 16}
"""Vectors as large as the image that are alive at once beside the pairs: position, gradient, the
best ones, trials, and what the preconditioner's Fourier transforms take."""
COPIES = {"lbfgs": 0.5, "tfp": 2, "adam": 0, "averaged": 0}
"""How often each pair is held, in float32: ours are bfloat16, and TensorFlow Probability's are
copied to push one."""
BASE = 350 * 2**20
"""What TensorFlow allocates beside: graphs, packed filters, what its allocator does not reuse."""


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
    """Bytes that a level takes beside what the process holds before it.

    Args:
      config: its optimizer and layers.
      size: (height, width) of the level in px.
      channels: layer → number of filters, up to the deepest layer used.
      itemsize: bytes of an activation.
      tile: side of the tiles in px; 0: the whole image at once.
      history: correction pairs of L-BFGS.
      regions: number of masks.
      states: how many states of the minimiser there are at once, each with pairs of its own: two
        where the device takes several iterations in a call, which begins with one and makes one.
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
    """Memory that is free on the system and in its control group."""
    group = _group_free()
    system = int(psutil.virtual_memory().available)
    return system if group is None else min(system, group)


def resident_bytes() -> int:
    """What this process holds of memory now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes(status: Path = Path("/proc/self/status")) -> int | None:
    """The most that this process has held of memory so far; None if nobody knows."""
    try:
        # Linux: getrusage would count what the process was forked from as well.
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
    """What a control group (version 2, as containers have) leaves, which psutil doesn't know."""
    try:
        most, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        return max(most - used, 0)
    except (OSError, ValueError):  # "max": no limit
        return None
