#!/usr/bin/env python3
"""Pack VGG19's filters for --weights: each kernel as at most 256 values and a byte for each number.

    scripts/pack_weights.py SOURCE OUTPUT [--deepest=block5_conv1]

SOURCE is what --weights takes: imagenet, or an .h5 or .npz file. OUTPUT is an .npz file, for each
layer `index` uint8 [3, 3, in, out], `codebook` float32 [at most 256] and `bias` float32 [out]; the
same source gives the same bytes every time (with the same zlib).

A kernel of at most 256 different values is packed without loss. Others are clustered by k-means in
one dimension: exactly up to 65,536 numbers; beyond that no clustering is better whose bounds lie
within 128 numbers of those found. Seconds and little memory for the largest layer. Biases are kept.

artistyle_tf/data/vgg19_8bit.npz was made in this way, without loss, from a file whose kernels had
256 values already: see NOTICE.
"""

import argparse
import hashlib
import io
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.files import check_folder, write_bytes
from artistyle_tf.vgg.weights import Weights, load

VALUES = 256  # that a byte can tell apart
GRID = 1 << 16  # places that bounds of clusters may have, as long as all are looked at together


def pack(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """(index, codebook in ascending order, whether codebook[index] is the kernel to the bit)."""
    codebook = np.unique(kernel)
    lossless = codebook.size <= VALUES
    if not lossless:
        codebook = k_means(kernel, VALUES)
    # The nearest value: numbers in the middle go up.
    middles = (codebook[1:].astype(np.float64) + codebook[:-1]) / 2
    index = np.searchsorted(middles, kernel, side="right").astype(np.uint8)
    return index, codebook, lossless


def k_means(numbers: np.ndarray, count: int, grid: int = GRID) -> np.ndarray:
    """The `count` float32 values, ascending, with the least squared distance to the numbers.

    Clusters are runs of the numbers in their order. With more than `grid` of these, the bounds are
    sought among places even in value and even in rank, and then near the last bounds found until
    they stay.
    """
    ordered = np.sort(numbers, axis=None).astype(np.float64)
    total = ordered.size
    sums = [np.concatenate([[0.0], np.cumsum(powers)]) for powers in (ordered, ordered**2)]
    cuts = np.arange(total + 1)
    if total > grid:
        by_value = np.searchsorted(ordered, np.linspace(ordered[0], ordered[-1], grid // 2))
        cuts = np.union1d(by_value, np.linspace(0, total, grid // 2).astype(int))
    bounds = _best_bounds(sums, cuts, count)
    reach = grid // (2 * count)
    near = np.arange(-reach, reach + 1)
    while total > grid:
        before, cuts = bounds, np.clip(bounds[:, None] + near, 0, total)
        bounds = _best_bounds(sums, np.unique(cuts), count)
        if np.array_equal(bounds, before):
            break
    means = np.diff(sums[0][bounds]) / np.diff(bounds)
    return np.unique(means.astype(np.float32))


def _best_bounds(sums: list[np.ndarray], cuts: np.ndarray, count: int) -> np.ndarray:
    """The bounds, among `cuts`, of the runs with the least squared distance to their means.

    Dynamic programming: least[j] is the cost of the numbers before cut j in as many runs as there
    are so far, and start[j] the cut where the last of them begins. It grows with j, so that those
    of every second cut confine those between.
    """
    sum1, sum2 = sums[0][cuts], sums[1][cuts]
    last = cuts.size - 1

    def cost(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return sum2[j] - sum2[i] - (sum1[j] - sum1[i]) ** 2 / (cuts[j] - cuts[i])

    every = np.arange(1, last + 1)
    least = np.concatenate([[0.0], cost(np.zeros_like(every), every)])
    starts = []
    for _ in range(1, count):
        start, new = np.zeros(last + 1, np.int64), np.zeros(last + 1)
        step = 1 << (last.bit_length() - 1)
        while step:
            j = np.arange(step, last + 1, 2 * step)
            above = np.where(j + step <= last, start[np.minimum(j + step, last)], last)
            low, high = start[j - step], np.minimum(above, j - 1)
            sizes = high - low + 1
            firsts = np.cumsum(sizes) - sizes
            i = np.arange(sizes.sum()) - np.repeat(firsts - low, sizes)  # low … high for each j
            costs = least[i] + cost(i, np.repeat(j, sizes))
            new[j] = np.minimum.reduceat(costs, firsts)
            reached = np.flatnonzero(costs == np.repeat(new[j], sizes))
            start[j] = i[reached[np.searchsorted(reached, firsts)]]
            step //= 2
        least = new
        starts.append(start)
    bounds = [last]
    for start in reversed(starts):
        bounds.append(int(start[bounds[-1]]))
    return cuts[np.unique([0, *bounds])]


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> int:
    """Add an array, with nothing in its entry that depends on time or system; bytes it takes."""
    held = io.BytesIO()
    np.lib.format.write_array(held, array, version=(1, 0), allow_pickle=False)
    info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o100644 << 16
    archive.writestr(info, held.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return info.compress_size


def packed(weights: Weights) -> bytes:
    """The file; a line for each layer is printed."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for layer, (kernel, bias) in weights.layers.items():
            index, codebook, lossless = pack(kernel)
            arrays = {
                "index": index,
                "codebook": codebook.astype("<f4"),
                "bias": bias.astype("<f4"),
            }
            size = sum(_put(archive, f"{layer}/{role}", a) for role, a in arrays.items())
            apart = np.linalg.norm(codebook[index] - kernel.astype(np.float64))
            told = "lossless" if lossless else f"error {apart / np.linalg.norm(kernel):.3%}"
            print(f"{layer}  {codebook.size} values  {told}  {size:,} bytes", flush=True)
    return whole.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="imagenet, or an .h5 or .npz file")
    parser.add_argument("output", type=Path, help="the .npz file to write")
    parser.add_argument("--deepest", default="block5_conv1", help="the last layer (block5_conv1)")
    arguments = parser.parse_args(argv)
    source, deepest = arguments.source, arguments.deepest
    return exit_status("pack_weights.py", arguments.output, lambda: packed(load(source, deepest)))


def exit_status(name: str, output: Path, make: Callable[[], bytes]) -> int:
    """Of the script of that name, after writing what it makes; what went wrong is one line."""
    try:
        if output.suffix.lower() != ".npz":
            raise ConfigError(f"the output {output} must end in .npz")
        check_folder(output)
        data = make()
        write_bytes(output, data)
    except ArtistyleError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_status
    print(f"{len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
