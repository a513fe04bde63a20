"""The race of `benchmark.py`: seconds until ours reaches what the PyTorch reference reached.

Both begin at the same start, the content or white noise, with the same weights and pictures, one
after the other. The reference spends its evaluations at one scale and saves its picture; what that
file is worth, by the reference's own objective in float32, is the goal. Ours is scored likewise,
rounded and clipped as a file holds it, and stops at the first score that is as good. Seconds run
from the first evaluation on both sides, all of our coarser levels included and the scoring left
out. Our borders are zeros there, as the reference's are: it is one objective.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from artistyle_tf.config.config import Config
    from artistyle_tf.engine.events import Step
    from artistyle_tf.vgg.weights import Weights

NOISE = 60.0  # grey levels up and down, as the reference has it
NEAR = 1.3  # scoring begins when our own objective is that near the goal
INITS = ("content", "noise")


class Case(NamedTuple):
    """What both do."""

    content: str
    style: str
    size: int
    style_weight: float
    init: str

    @property
    def name(self) -> str:
        pair = f"{Path(self.content).stem} × {Path(self.style).stem}"
        return f"{pair}, {self.size} px, {self.style_weight:g}, {self.init}"


def h5_file(weights: Weights, folder: Path) -> str:
    """The weights as the file that the reference reads, in Keras' layout."""
    import h5py

    path = folder / "vgg19.h5"
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in weights.layers.items():
            file[f"{name}/{name}/kernel:0"], file[f"{name}/{name}/bias:0"] = kernel, bias
    return str(path)


def reference(
    arguments: argparse.Namespace,
    weights: str,
    case: Case,
    evaluations: int,
    output: Path | None = None,
) -> dict[str, Any]:
    """The PyTorch script's summary, with its trace of [evaluations, seconds, objective]."""
    from artistyle_tf.errors import ArtistyleError

    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        flags = {**case._asdict(), "weights": weights, "seed": 0, "content_weight": 1.0}
        flags |= {"evaluations": evaluations, "trace": trace}
        flags |= {"output": output} if output else {}
        command = [arguments.reference_python, arguments.reference]
        command += [f"--{name}={value}" for name, value in flags.items()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            summary = json.loads(done.stdout.splitlines()[-1])
            return {**summary, "trace": json.loads(trace.read_text())}
        except (OSError, subprocess.CalledProcessError, ValueError, LookupError) as error:
            detail = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
            raise ArtistyleError(f"the reference did not run: {detail}") from error


def scorer(case: Case, config: Config) -> Callable[[np.ndarray], float]:
    """The reference's objective in float32: RGB image as a file holds it → value.

    The reference resizes both pictures by their longer side and leaves them as they are; ours
    mirrors them on to multiples of 16 px. That is the whole difference.
    """
    from artistyle_tf.images.network_scale import to_network
    from artistyle_tf.objective.whole import Objective
    from artistyle_tf.vgg.weights import load

    objective = Objective(config, load(config.weights, config.layers[-1]))
    content, style = (to_network(_resized(path, case.size)) for path in case[:2])
    targets = objective.targets(content, [style], [1.0])

    def score(rgb: np.ndarray) -> float:
        image = to_network(rgb[: content.shape[1], : content.shape[2]])
        return float(objective.parts(image, targets).value)

    return score


def _resized(path: str, longer: int) -> np.ndarray:
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = longer / max(image.size)
    width, height = (max(16, round(side * scale)) for side in image.size)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def ours(case: Case, config: Config, goal: float, score: Callable[..., float]) -> dict[str, Any]:
    """A run that ends with the first score at or below the goal."""
    from artistyle_tf import stylize

    found: dict[str, Any] = {"reached": None, "score": None}
    rows, spent = [], 0.0

    def watch(step: Step) -> bool:
        nonlocal spent
        began = time.perf_counter()
        rows.append([step.evaluations, step.seconds - spent, step.objective])
        if step.level == step.levels and step.objective < NEAR * goal:
            found["score"] = score(step.image())
            if found["score"] <= goal:
                found["reached"] = step.seconds - spent
        spent += time.perf_counter() - began
        return found["reached"] is None

    result = stylize(case.content, case.style, config, callback=watch)
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
    """Every case, `--rounds` times: reference, then each of ours."""
    from artistyle_tf import Config

    pairs = arguments.pairs or [(arguments.content, arguments.style)]
    wanted = itertools.product(pairs, arguments.race, arguments.style_weights, arguments.inits)
    heats: list[dict[str, Any]] = []
    for pair, *rest in wanted:
        case = Case(*pair, *rest)
        shared = {"weights": weights, "size": case.size, "style_weight": case.style_weight}
        shared |= {"init": case.init, "noise_amplitude": NOISE, "padding": "zeros"}
        shared |= {"balance": 0.0, "palette_weight": 0.0}  # as the reference
        entrants = {name: _entrant(name, **shared) for name in arguments.entrants}
        score = scorer(case, Config(**shared, gamut_weight=0.0))
        heats.append({**case._asdict(), "name": case.name, "rounds": []})
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as folder:
                saved = Path(folder) / "saved.png"
                other = reference(arguments, weights, case, arguments.race_evaluations, saved)
                goal = score(np.asarray(Image.open(saved).convert("RGB")))
            results = {name: ours(case, config, goal, score) for name, config in entrants.items()}
            seconds = other["trace"][-1][1]
            one = {"goal": goal, "seconds": seconds, "reference": other, "ours": results}
            heats[-1]["rounds"].append(one)
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
    print("\n| case | run | seconds | evaluations | ratio to PyTorch | set-up |")
    print("|---|---|---|---|---|---|")
    for heat in heats:
        rounds, head = heat["rounds"], heat["name"]
        seconds = statistics.median(one["seconds"] for one in rounds)
        evaluations = rounds[0]["reference"]["evaluations"]
        goal = statistics.median(one["goal"] for one in rounds)
        print(f"| {head} | PyTorch: saved {goal:.4g} | {seconds:.1f} | {evaluations} | 1 | |")
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
            print(" | ".join(cells), flush=True)


def plot(heats: Sequence[dict[str, Any]], path: Path) -> None:
    """Objective against seconds, log-log; coarse levels as they come, each with its own targets.

    Lines are of what the minimisers have, before it is clipped; the goal is the saved picture's.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(3, len(heats))
    rows = -(-len(heats) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(5 * columns, 4 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(heats) :]:
        axis.set_axis_off()
    for axis, heat in zip(axes.flat, heats, strict=False):
        one = heat["rounds"][0]
        for name, run in {"PyTorch": one["reference"], **one["ours"]}.items():
            _, seconds, values = zip(*run["trace"], strict=True)
            axis.loglog(seconds, values, label=name, linewidth=1.2)
        axis.axhline(one["goal"], color="grey", linewidth=0.6)
        axis.set(title=heat["name"], xlabel="seconds")
        axis.set_ylim(0.8 * one["goal"], 60 * one["goal"])
    axes[0][0].set_ylabel("objective")
    axes[0][0].legend(fontsize=8)
    figure.savefig(path)
    pyplot.close(figure)
