"""The race of `benchmark.py`: seconds until ours reaches what the PyTorch reference reached.

Both start from white noise with the same weights and pictures, one after the other. The reference
spends its evaluations at one scale; its best objective is the goal. Ours is scored by the
reference's own objective in float32, on the image before it is rounded and clipped, and stops at
the first score that is as good. Seconds run from the first evaluation on both sides, all of our
coarser levels included and the scoring left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from artistyle_tf.network.weights import Weights
    from artistyle_tf.run.events import Step
    from artistyle_tf.settings.config import Config

NOISE = 60.0  # grey levels up and down, as the reference has it
NEAR = 1.3  # scoring begins when our own objective is that near the goal


def h5_file(weights: Weights, folder: Path) -> str:
    """The weights as the file that the reference reads, in Keras' layout."""
    import h5py

    path = folder / "vgg19.h5"
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in weights.layers.items():
            file[f"{name}/{name}/kernel:0"], file[f"{name}/{name}/bias:0"] = kernel, bias
    return str(path)


def reference(
    arguments: argparse.Namespace, weights: str, size: int, style_weight: float, evaluations: int
) -> dict[str, Any]:
    """The PyTorch script's summary, with its trace of [evaluations, seconds, objective]."""
    from artistyle_tf.errors import ArtistyleError

    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        flags = {"content": arguments.content, "style": arguments.style, "weights": weights}
        flags |= {"size": size, "init": "noise", "seed": 0, "content_weight": 1.0}
        flags |= {"style_weight": style_weight, "evaluations": evaluations, "trace": trace}
        command = [arguments.reference_python, arguments.reference]
        command += [f"--{name}={value}" for name, value in flags.items()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            summary = json.loads(done.stdout.splitlines()[-1])
            return {**summary, "trace": json.loads(trace.read_text())}
        except (OSError, subprocess.CalledProcessError, ValueError, LookupError) as error:
            detail = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
            raise ArtistyleError(f"the reference did not run: {detail}") from error


def scorer(arguments: argparse.Namespace, config: Config) -> Callable[[np.ndarray], float]:
    """The reference's objective in float32: float RGB image → value.

    The reference resizes both pictures by their longer side and leaves them as they are; ours
    mirrors them on to multiples of 16 px. That is the whole difference.
    """
    from artistyle_tf.network.weights import load
    from artistyle_tf.objective.whole import Objective
    from artistyle_tf.pictures.network_scale import BGR_MEAN, to_network

    objective = Objective(config, load(config.weights, config.layers[-1]))
    content, style = (
        to_network(_resized(path, config.size)) for path in (arguments.content, arguments.style)
    )
    targets = objective.targets(content, [style], [1.0])

    def score(rgb: np.ndarray) -> float:
        image = rgb[: content.shape[1], : content.shape[2], ::-1] - np.asarray(BGR_MEAN)
        return float(objective.parts(image[None].astype(np.float32), targets).value)

    return score


def _resized(path: str, longer: int) -> np.ndarray:
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = longer / max(image.size)
    width, height = (max(16, round(side * scale)) for side in image.size)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def ours(
    arguments: argparse.Namespace, config: Config, goal: float, score: Callable[..., float]
) -> dict[str, Any]:
    """A run that ends with the first score at or below the goal."""
    from artistyle_tf import stylize

    found: dict[str, Any] = {"reached": None, "score": None}
    rows, spent = [], 0.0

    def watch(step: Step) -> bool:
        nonlocal spent
        began = time.perf_counter()
        rows.append([step.evaluations, step.seconds - spent, step.objective])
        if step.level == step.levels and step.objective < NEAR * goal:
            found["score"] = score(step.unclipped())
            if found["score"] <= goal:
                found["reached"] = step.seconds - spent
        spent += time.perf_counter() - began
        return found["reached"] is None

    result = stylize(arguments.content, arguments.style, config, callback=watch)
    return {
        **found,
        "seconds": rows[-1][1],
        "evaluations": rows[-1][0],
        "evaluations_per_iteration": rows[-1][0] / len(rows),
        "setup_seconds": result.setup_seconds,
        "convolutions": result.record["convolutions"],
        "trace": rows,
    }


def race(arguments: argparse.Namespace, weights: str) -> list[dict[str, Any]]:
    """Every size with every style weight, `--rounds` times: reference, then each of ours."""
    from artistyle_tf import Config

    heats = []
    for size in arguments.race:
        for style_weight in arguments.style_weights:
            shared = {"weights": weights, "size": size, "style_weight": style_weight}
            shared |= {"init": "noise", "noise_amplitude": NOISE}
            entrants = {name: _entrant(name, **shared) for name in arguments.entrants}
            score = scorer(arguments, Config(**shared, gamut_weight=0.0))
            rounds = []
            for _ in range(arguments.rounds):
                other = reference(
                    arguments, weights, size, style_weight, arguments.race_evaluations
                )
                goal = other["best_objective"]
                best = next(
                    row[1] for row in other["trace"] if row[2] == min(r[2] for r in other["trace"])
                )
                results = {
                    name: ours(arguments, config, goal, score) for name, config in entrants.items()
                }
                rounds.append({"goal": goal, "seconds": best, "reference": other, "ours": results})
            heats.append({"size": size, "style_weight": style_weight, "rounds": rounds})
            show(heats[-1:])
    return heats


ENTRANTS = ("fast", "float32", "tfp")


def _entrant(name: str, **shared: Any) -> Config:
    """fast: the preset; float32: it without bfloat16; tfp: the command's defaults, for longer.

    300 iterations of tfp end a per cent or so above what the reference reaches.
    """
    from artistyle_tf import Config

    if name == "tfp":
        return Config(**shared, iterations=450)
    precision = {"precision": "float32"} if name == "float32" else {}
    return Config.preset("fast", **shared, **precision, iterations=500)  # noise wants more


def show(heats: Sequence[dict[str, Any]]) -> None:
    """The table, in Markdown; of several rounds the median, and the range of the ratios."""
    print("\n| size, β/α | run | seconds | evaluations | ratio to PyTorch | set-up |")
    print("|---|---|---|---|---|---|")
    for heat in heats:
        rounds = heat["rounds"]
        head = f"{heat['size']} px, {heat['style_weight']:g}"
        seconds = statistics.median(one["seconds"] for one in rounds)
        evaluations = rounds[0]["reference"]["evaluations"]
        goal = statistics.median(one["goal"] for one in rounds)
        print(f"| {head} | PyTorch: objective {goal:.4g} | {seconds:.1f} | {evaluations} | 1 | |")
        for name in rounds[0]["ours"]:
            runs = [one["ours"][name] for one in rounds]
            cells = [f"| {head} | {name}"]
            cells.append(f"{statistics.median(run['seconds'] for run in runs):.1f}")
            cells.append(f"{statistics.median(run['evaluations'] for run in runs):.0f}")
            if all(run["reached"] for run in runs):
                ratios = [
                    run["reached"] / one["seconds"] for run, one in zip(runs, rounds, strict=True)
                ]
                spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else ""
                cells.append(f"{statistics.median(ratios):.2f}{spread}")
            else:
                cells.append(f"not reached: {runs[0]['score'] or float('inf'):.4g}")
            cells.append(f"{statistics.median(run['setup_seconds'] for run in runs):.1f} |")
            print(" | ".join(cells))


def plot(heats: Sequence[dict[str, Any]], path: Path) -> None:
    """Objective against seconds, log-log; coarse levels as they come, each with its own targets."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(heats), figsize=(5 * len(heats), 4), squeeze=False, layout="constrained"
    )
    for axis, heat in zip(axes[0], heats, strict=True):
        one = heat["rounds"][0]
        for name, run in {"PyTorch": one["reference"], **one["ours"]}.items():
            _, seconds, values = zip(*run["trace"], strict=True)
            axis.loglog(seconds, values, label=name, linewidth=1.2)
        axis.axhline(one["goal"], color="grey", linewidth=0.6)
        axis.set(title=f"{heat['size']} px, β/α = {heat['style_weight']:g}", xlabel="seconds")
        axis.set_ylim(0.8 * one["goal"], 60 * one["goal"])
    axes[0][0].set_ylabel("objective")
    axes[0][0].legend(fontsize=8)
    figure.savefig(path)
    pyplot.close(figure)
