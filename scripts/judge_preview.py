#!/usr/bin/env python3
"""Judge the preview weights: paint pairs of pictures with them and with full VGG19, and compare.

    scripts/judge_preview.py --weights=imagenet [--pair=CONTENT,STYLE ...] [--sheet=FILE]

The judge is blocks 1 to 3 of the weights given by --weights. With G the normalised Gram matrices,

    d(x)   = mean over conv1_1, conv2_1, conv3_1 of |G(x) - G(style)| / |G(style)|
    closed = 1 - d(result) / d(content)

is the share of the way from content to style that a picture has gone. SSIM of the luminance to the
content tells how much of the content can still be read. The goal for the preview weights is 0.90 of
what the full weights close, with an SSIM at most 0.05 below theirs. Needs scikit-image, which also
has the photographs among the pairs that are judged without --pair.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
JUDGES = ("block1_conv1", "block2_conv1", "block3_conv1")
Grams = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one set of weights made of one pair."""

    weights: str
    closed: float
    ssim: float
    distances: dict[str, float]
    """d of each judging layer."""


def default_pairs() -> list[tuple[Path, Path]]:
    """Pictures that may be published: ours, and public-domain or CC0 ones in scikit-image."""
    import skimage

    photographs, samples = Path(skimage.__file__).parent / "data", ROOT / "samples"
    town, night = samples / "content.jpg", samples / "style.jpg"
    return [
        (town, night),
        (photographs / "chelsea.png", photographs / "ihc.png"),
        (photographs / "astronaut.png", night),
        (photographs / "coffee.png", photographs / "retina.jpg"),
        (photographs / "rocket.jpg", photographs / "ihc.png"),
    ]


def judge(weights: str) -> Callable[[np.ndarray], Grams]:
    """uint8 RGB [H, W, 3] → normalised Gram matrices by layer."""
    import tensorflow as tf

    from artistyle_tf.color import to_network
    from artistyle_tf.features import build_feature_extractor
    from artistyle_tf.losses import gram_matrix

    extractor = build_feature_extractor(weights, JUDGES)
    traced = tf.function(
        lambda image: {name: gram_matrix(seen)[0] for name, seen in extractor(image).items()},
        input_signature=[tf.TensorSpec([1, None, None, 3])],
    )
    return lambda rgb: {k: v.numpy() for k, v in traced(tf.constant(to_network(rgb))).items()}


def distances(grams: Grams, target: Grams) -> dict[str, float]:
    """|G - T| / |T| by layer (Frobenius norms)."""
    return {k: float(np.linalg.norm(grams[k] - t) / np.linalg.norm(t)) for k, t in target.items()}


def closed(result: dict[str, float], content: dict[str, float]) -> float:
    """1 - d(result) / d(content): 1 for the style's own statistics, 0 for the content's."""
    return 1 - sum(result.values()) / sum(content.values())


def similarity(picture: np.ndarray, content: np.ndarray) -> float:
    """SSIM of the luminance of two uint8 RGB pictures of one shape."""
    from skimage.metrics import structural_similarity

    grey = [np.asarray(Image.fromarray(one).convert("L")) for one in (picture, content)]
    return float(structural_similarity(*grey, data_range=255))


def resized(path: Path, size: int) -> np.ndarray:
    """uint8 RGB with that longer side."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = size / max(image.size)
    width, height = (round(side * scale) for side in image.size)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def compare(
    pair: tuple[Path, Path],
    kinds: Iterable[str],
    settings: dict[str, Any],
    grams: Callable[[np.ndarray], Grams],
) -> tuple[list[Verdict], list[np.ndarray]]:
    """Verdicts and pictures [content, style, results ...] of one pair."""
    from artistyle_tf import Config, stylize

    pictures = [resized(path, settings["size"]) for path in pair]
    target = grams(pictures[1])
    start = distances(grams(pictures[0]), target)
    verdicts = []
    for kind in kinds:
        config = Config.preset("fast", weights=kind, **settings)
        picture = stylize(str(pair[0]), str(pair[1]), config).image
        way = distances(grams(picture), target)
        ssim = similarity(picture, pictures[0])
        verdicts.append(Verdict(Path(kind).name, closed(way, start), ssim, way))
        pictures.append(picture)
    return verdicts, pictures


def show(rows: Sequence[tuple[str, Sequence[Verdict]]]) -> None:
    """The table, in Markdown."""
    print("| pair | closed, full | closed, preview | ratio | SSIM, full | SSIM, preview |")
    print("|---|---|---|---|---|---|")
    for name, (preview, full) in rows:
        print(
            f"| {name} | {full.closed:.3f} | {preview.closed:.3f} | "
            f"{preview.closed / full.closed:.2f} | {full.ssim:.3f} | {preview.ssim:.3f} |"
        )
    ratios = [preview.closed / full.closed for _, (preview, full) in rows]
    lost = [preview.ssim - full.ssim for _, (preview, full) in rows]
    print(f"| mean | | | {np.mean(ratios):.2f} | | {np.mean(lost):+.3f} to full |")


def make_sheet(rows: Sequence[Sequence[np.ndarray]], names: Sequence[str]) -> Image.Image:
    """Pairs below each other, with names over the columns."""
    from make_sheet import make_sheet as make_row

    strips = []
    for row in rows:
        # Squares, so that pictures of all shapes stand in columns.
        squares = [Image.new("RGB", (256, 256), "white") for _ in row]
        for square, pixels in zip(squares, row, strict=True):
            image = Image.fromarray(pixels)
            image.thumbnail(square.size, Image.Resampling.LANCZOS)
            square.paste(image, ((256 - image.width) // 2, (256 - image.height) // 2))
        strips.append(make_row(squares, names, 256))
    width = max(strip.width for strip in strips)
    sheet = Image.new("RGB", (width, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--weights", required=True, help="the full weights and the judge: imagenet or a file")
    add("--preview", default="preview", help="the weights to judge (the shipped ones)")
    add("--pair", action="append", default=[], help="CONTENT,STYLE; may be repeated")
    add("--size", type=int, default=256, help="longer side, px (256)")
    add("--iterations", type=int, default=300)
    add("--json", type=Path, help="write all figures here")
    add("--sheet", type=Path, help="write the pictures here, side by side")
    arguments = parser.parse_args(argv)
    pairs = [tuple(map(Path, pair.split(","))) for pair in arguments.pair] or default_pairs()
    if any(len(pair) != 2 for pair in pairs):
        parser.error("--pair takes two files: CONTENT,STYLE")

    from artistyle_tf.errors import ArtistyleError

    settings = {"size": arguments.size, "iterations": arguments.iterations}
    kinds = (arguments.preview, arguments.weights)
    rows, pictures = [], []
    try:
        grams = judge(arguments.weights)
        for pair in pairs:
            verdicts, made = compare(pair, kinds, settings, grams)
            rows.append((f"{pair[0].stem} × {pair[1].stem}", verdicts))
            pictures.append(made)
            told = ", ".join(f"{v.weights} closed {v.closed:.3f}" for v in verdicts)
            print(f"{rows[-1][0]}: {told}", file=sys.stderr, flush=True)
    except (ArtistyleError, OSError) as error:
        print(f"judge_preview.py: {error}", file=sys.stderr)
        return 1
    show(rows)
    if arguments.json:
        plain = {name: [dataclasses.asdict(one) for one in both] for name, both in rows}
        arguments.json.write_text(json.dumps(plain, indent=2) + "\n", "utf-8")
    if arguments.sheet:
        names = ("content", "style", "preview", "full VGG19")
        make_sheet(pictures, names).save(arguments.sheet, quality=88)
    return 0


if __name__ == "__main__":
    sys.exit(main())
