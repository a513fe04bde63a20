#!/usr/bin/env python3
"""What 8 bits cost: VGG19's filters as they are beside filters of 256 values a kernel.

    scripts/benchmark/compare_weights.py --original=FILE [--packed=imagenet-8bit]
        [--deepest=block5_conv1] [--pair=CONTENT,STYLE ...]
        [--size=256] [--iterations=150] [--json=FILE]

Both are what --weights takes; --deepest is the last layer of which the original filters are known.
Prints tables in Markdown:

- by layer: |packed - original| / |original| of the kernel, and of activations and Gram matrices
  (Euclidean and Frobenius norms), mean over the pictures;
- of the objective at the photo, at faint white noise and at a painted picture: the relative
  difference of the value, the relative error of the gradient, and its cosine with the original one;
- of pictures painted with each from the same start, by --preset=fast: the root mean square of their
  differences in grey levels, and the share of the way from content to style that each closes, as
  the original filters see it; beside that, what another seed of the noise does.

Style layers are block1_conv1 to block5_conv1 as far as --deepest goes, the content's is
block4_conv2 or else block3_conv2. All is float32: nothing but the filters differs.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measures import Pair, closed, exit_status, read_pairs

from artistyle_tf import Config, InputError
from artistyle_tf.config.presets import STYLE_LAYERS
from artistyle_tf.files import check_folder, write_bytes
from artistyle_tf.images.sizes import resize, scale_to
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import Weights, load

Row = dict[str, Any]
Network = Callable[[np.ndarray], tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """|found - expected| / |expected|; 0 where both are nought."""
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    away = float(np.linalg.norm(found - expected))
    return away / float(np.linalg.norm(expected)) if away else 0.0


def layers_for(deepest: str) -> tuple[list[str], str]:
    """Style layers and the content layer of a network that ends there."""
    known = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    content = next(layer for layer in ("block4_conv2", "block3_conv2", deepest) if layer in known)
    return [layer for layer in STYLE_LAYERS if layer in known], content


def settings(arguments: argparse.Namespace, weights: str, **more: Any) -> Config:
    style, content = layers_for(arguments.deepest)
    return Config.preset(
        "fast",
        weights=weights,
        size=arguments.size,
        iterations=arguments.iterations,
        style_layers=dict.fromkeys(style, 1.0),
        content_layers={content: 1.0},
        precision="float32",
        **more,
    )


# By layer


def network(weights: Weights) -> Network:
    """uint8 RGB [H, W, 3] → (activations, Gram matrices), each by layer."""
    import tensorflow as tf

    from artistyle_tf import build_feature_extractor, gram_matrix
    from artistyle_tf.images.network_scale import to_network
    from artistyle_tf.vgg.precision import true_float32

    extractor = build_feature_extractor(weights, weights.layers)

    def see(rgb: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        with true_float32():
            seen = extractor(tf.constant(to_network(rgb)))
            grams = {layer: gram_matrix(features)[0].numpy() for layer, features in seen.items()}
        return {layer: features.numpy() for layer, features in seen.items()}, grams

    return see


def by_layer(
    original: Weights, packed: Weights, networks: Sequence[Network], pictures: list[np.ndarray]
) -> list[Row]:
    each: list[list[tuple[float, float]]] = []
    for picture in pictures:
        (features, grams), (other, other_grams) = (see(picture) for see in networks)
        each.append(
            [(error(other[k], features[k]), error(other_grams[k], grams[k])) for k in grams]
        )
    rows = []
    for layer, seen in zip(original.layers, np.mean(each, axis=0), strict=True):
        kernel = error(packed.layers[layer][0], original.layers[layer][0])
        rows.append(
            {"layer": layer, "kernel": kernel, "activations": seen[0], "Gram matrix": seen[1]}
        )
    return rows


# The objective


def of_objectives(
    pair: Pair, make: Callable[..., Config], names: Sequence[str], painted: np.ndarray
) -> list[Row]:
    """A row for each of three points: photo, noise, painted picture."""
    from artistyle_tf import build_objective
    from artistyle_tf.engine.problem import canvas
    from artistyle_tf.images.network_scale import to_network
    from artistyle_tf.vgg.precision import true_float32

    rows = []
    with true_float32():
        objectives = [build_objective(*pair.pictures, make(name)) for name in names]
        size = objectives[0].size
        points = {
            "photo": to_network(canvas(pair.pictures[0].rgb, painted.shape[:2])),
            "noise": np.random.default_rng(0).uniform(-1, 1, (1, *size, 3)).astype(np.float32),
            "painting": to_network(canvas(painted, painted.shape[:2])),
        }
        for name, point in points.items():
            (value, gradient), (other, turned) = (
                [found.numpy().astype(np.float64) for found in objective(point)]
                for objective in objectives
            )
            lengths = float(np.linalg.norm(gradient) * np.linalg.norm(turned))
            rows.append(
                {
                    "pair": pair.name,
                    "at": name,
                    "value": float(value),
                    "value, 8 bits": error(other, value),
                    "gradient, 8 bits": error(turned, gradient),
                    "cosine": float(np.vdot(gradient, turned)) / lengths if lengths else 1.0,
                }
            )
    return rows


# Pictures


def of_pictures(
    pair: Pair, make: Callable[..., Config], names: Sequence[str], see: Network
) -> tuple[list[Row], np.ndarray]:
    """A row for each start, and what the original filters paint from the photo."""
    from artistyle_tf import stylize

    original, packed = names

    def paint(weights: str, **more: Any) -> np.ndarray:
        told = ", ".join([pair.name, weights, *(f"{key} {more[key]}" for key in more)])
        print(f"compare_weights.py: {told}", file=sys.stderr, flush=True)
        result = stylize(*pair.pictures, make(weights, **more))
        if result.stop_reason == "interrupted":
            raise KeyboardInterrupt
        return result.image

    plain = paint(original, init="content")
    size = plain.shape[:2]
    content, style = (picture.rgb for picture in pair.pictures)
    ends = resize(content, size), resize(style, scale_to(style.shape[:2], max(size)))
    style_layers = make(original).layer_weights("style")

    def grams_of(rgb: np.ndarray) -> dict[str, np.ndarray]:
        found = see(rgb)[1]
        return {layer: found[layer] for layer in style_layers}

    grams = [grams_of(end) for end in ends]

    def row(start: str, one: np.ndarray, others: dict[str, np.ndarray]) -> Row:
        found: Row = {"pair": pair.name, "start": start}
        for name, picture in {"float32": one, **others}.items():
            if name in others:
                apart = np.mean((picture.astype(np.float64) - one) ** 2)
                found[f"{name}: grey levels apart"] = float(np.sqrt(apart))
            way = closed(grams_of(picture), *grams)
            found[f"{name}: closed"] = float(np.mean(list(way.values())))
        return found

    noisy = paint(original, init="noise", seed=0)
    others = {
        "8 bits": paint(packed, init="noise", seed=0),
        "another seed": paint(original, init="noise", seed=1),
    }
    return [
        row("photo", plain, {"8 bits": paint(packed, init="content")}),
        row("noise", noisy, others),
    ], plain


# Output


def table(rows: Sequence[Row]) -> str:
    """Markdown, with the columns that any row has."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    lines += [f"| {' | '.join(cell(key, row.get(key)) for key in columns)} |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(column: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if column == "value":
        return f"{value:.4g}"
    if column == "cosine":
        return f"{value:.6f}"
    if column.endswith("apart"):
        return f"{value:.2f}"
    return f"{value:.4f}" if column.endswith("closed") else f"{100 * value:.3f} %"


def run(arguments: argparse.Namespace) -> None:
    if arguments.json:
        check_folder(arguments.json)
    pairs, names = read_pairs(arguments.pair, most=2), (arguments.original, arguments.packed)
    original, packed = weights = [load(name, arguments.deepest) for name in names]
    for layer, (kernel, _) in original.layers.items():
        if kernel.shape != packed.layers[layer][0].shape:
            raise InputError(f"{packed.name} is of other widths than {original.name} at {layer}")
    networks = [network(one) for one in weights]
    make = partial(settings, arguments)
    for one in weights:
        print(f"{one.name}, SHA-256 {one.digest}")
    seen = [picture.rgb for pair in pairs for picture in pair.pictures]
    different = {p.tobytes(): resize(p, scale_to(p.shape[:2], arguments.size)) for p in seen}
    rows = by_layer(original, packed, networks, list(different.values()))
    told: dict[str, list[Row]] = {"layers": rows}
    print(f"\n{table(rows)}", flush=True)
    told |= {"objective": [], "pictures": []}
    for pair in pairs:
        rows, painted = of_pictures(pair, make, names, networks[0])
        told["pictures"] += rows
        told["objective"] += of_objectives(pair, make, names, painted)
    print(f"{table(told['objective'])}\n{table(told['pictures'])}", end="")
    if arguments.json:
        write_bytes(arguments.json, (json.dumps(told, indent=2) + "\n").encode())


def main(argv: Sequence[str] | None = None) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--original", required=True, help="the filters in float32: imagenet or a file")
    add("--packed", default="imagenet-8bit", help="the filters to judge (imagenet-8bit)")
    add("--deepest", default="block5_conv1", help="the last layer to compare (block5_conv1)")
    add("--pair", action="append", default=[], help="CONTENT,STYLE; may be repeated")
    add("--size", type=int, default=256, help="longer side, px (256)")
    add("--iterations", type=int, default=150, help="for each picture (150)")
    add("--json", type=Path, help="write all figures here")
    arguments = parser.parse_args(argv)
    return exit_status("compare_weights.py", lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
