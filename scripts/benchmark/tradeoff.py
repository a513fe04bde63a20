#!/usr/bin/env python3
"""How much painting for how much photo: closed against content error, for several weights β.

    scripts/benchmark/tradeoff.py --pair=photo.jpg,painting.jpg --seconds=60 --figure=tradeoff.png

Each method paints the pair with β times its own balance of α and β at 60: `fast` with Gram
matrices, `fast` with --statistics=w2, and `crowson`, whose content weight is divided instead. What
closed, content error and grain are is said in judge.py. The better method's curve is the higher
one, if its pictures are: the picture decides.

With --seconds each run gets as many iterations as that time allows at the pace of a short run of
the same settings, `crowson` at all its levels in proportion; without, --iterations. It goes on
where it was stopped if --folder is the same.
"""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from judge import plain, slug
from measures import Figures, Pair, exit_status, network, read_pairs

from artistyle_tf import Config, files, stylize
from artistyle_tf.images import write
from artistyle_tf.images.read import read, read_record

NEUTRAL = 60.0
"""The β at which `crowson` has its own content weight: near its 1 / 0.015."""
METHODS = ("gram", "w2", "crowson")
TRIAL = 6
"""Iterations of the run that the pace is taken from."""


def config_of(method: str, beta: float, given: Mapping[str, Any]) -> Config:
    """The settings of a method at a weight."""
    if method == "crowson":
        usual = Config.preset("crowson")
        weight = usual.content_weight * NEUTRAL / beta
        return Config.preset("crowson", content_weight=weight, **given)
    plain = {"balance": 0.0, "palette_weight": 0.0}
    return Config.preset("fast", statistics=method, style_weight=beta, **plain, **given)


def with_iterations(config: Config, count: int) -> Config:
    """So many at the first level and, where later ones have their own, as many in proportion."""
    finer = round(config.finer_iterations * count / config.iterations)
    if config.finer_iterations:
        finer = max(1, finer)
    return dataclasses.replace(config, iterations=count, finer_iterations=finer)


def within(seconds: float, pair: Pair, config: Config) -> Config:
    """The settings with as many iterations as fit into that time at the pace of a short run."""
    trial = stylize(*map(str, pair.paths), with_iterations(config, TRIAL))
    rows = trial.trace
    spent = (rows[-1][1] - rows[0][1]) * len(rows) / (len(rows) - 1)
    return with_iterations(config, max(1, round(TRIAL * seconds / spent)))


def painted(pair: Pair, method: str, beta: float, target: Path, asked: Any) -> Figures:
    """Paints to `target` unless that was done; seconds and evaluations of the run."""
    if not target.exists():
        given = {"size": asked.size, "weights": asked.weights, "precision": asked.precision}
        config = config_of(method, beta, given)
        if asked.seconds:
            config = within(asked.seconds, pair, config)
        else:
            config = with_iterations(config, asked.iterations)
        result = stylize(*map(str, pair.paths), config)
        if result.stop_reason == "interrupted":
            raise KeyboardInterrupt
        write.write(target, result.image, record={**result.record, "seconds": result.seconds})
    record = read_record(target) or {}
    return {
        "seconds": record.get("seconds"),
        "evaluations": record.get("outcome", {}).get("evaluations"),
        "iterations": record.get("outcome", {}).get("iterations"),
    }


def draw(curves: Mapping[str, Sequence[Figures]], title: str, path: Path) -> None:
    """The figure: a curve for each method, its points named by β."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5), dpi=120)
    for method, points in curves.items():
        errors, ways = ([point[key] for point in points] for key in ("content_error", "closed"))
        axes.plot(errors, ways, marker="o", label=method)
        for point, error, way in zip(points, errors, ways, strict=True):
            axes.annotate(f"{point['beta']:g}", (error, way), (4, -10), textcoords="offset points")
    axes.set(xlabel="content error", ylabel="closed (Gram matrices)", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def run(asked: argparse.Namespace) -> None:
    for path in filter(None, (asked.json, asked.figure)):
        files.check_folder(path)
    asked.folder.mkdir(parents=True, exist_ok=True)
    (pair,) = read_pairs([asked.pair])

    from artistyle_tf.vgg.weights import load

    weights = load(asked.weights)
    see, curves = network(weights), {}
    for method in asked.methods.split(","):
        curves[method] = []
        for beta in sorted(map(float, asked.betas.split(","))):
            target = asked.folder / f"{slug(pair.name)}--{method}-{beta:g}.png"
            print(f"tradeoff.py: {method}, {beta:g}", file=sys.stderr, flush=True)
            own = painted(pair, method, beta, target, asked)
            found = pair.judge(read(target).rgb, see, 1.0, NEUTRAL)
            kept = {key: found[key] for key in ("closed", "content_error", "grain")}
            curves[method].append({"beta": beta, **kept, **own})
    told = {
        "pair": pair.name,
        "size": asked.size,
        "seconds": asked.seconds,
        "weights": weights.name,
        "curves": plain(curves),
    }
    text = json.dumps(told, indent=2) + "\n"
    print(text, end="")
    if asked.json:
        files.write_bytes(asked.json, text.encode())
    if asked.figure:
        each = f"{asked.seconds:g} s" if asked.seconds else f"{asked.iterations} iterations"
        draw(curves, f"{pair.name}, {asked.size} px, {each} each", asked.figure)


def main(argv: Sequence[str] | None = None) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--pair", required=True, help="CONTENT,STYLE")
    add("--methods", default=",".join(METHODS), help="of gram, w2, crowson (all)")
    add("--betas", default="1,3,10,30,100,300,1000", help="weights of the style (1 to 1000)")
    add("--size", type=int, default=256, help="longer side in px (256)")
    add("--seconds", type=float, help="that each run may take, setting up left out")
    add("--iterations", type=int, default=200, help="of each run without --seconds (200)")
    add("--weights", default="auto", help="painter and judge, as of artistyle (auto)")
    add("--precision", default="auto", help="as of artistyle (auto)")
    add("--folder", type=Path, required=True, help="where the pictures stay")
    add("--json", type=Path, help="write all figures here")
    add("--figure", type=Path, help="draw the curves here: .png or .svg")
    arguments = parser.parse_args(argv)
    return exit_status("tradeoff.py", lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
