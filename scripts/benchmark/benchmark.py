#!/usr/bin/env python3
"""A race: seconds until our saved file is as good as that of torch_race.py, in PyTorch.

    scripts/benchmark/benchmark.py --race=256 --plot=race.svg --reference_python=torch/bin/python

Both begin at the same start, the content or white noise, with the same weights and pictures, one
after the other. PyTorch spends its evaluations at one scale and saves its picture; what that file
is worth, by its own objective in float32, is the goal. Ours is scored likewise, rounded and clipped
as a file holds it, and stops at the first score that is as good. The traces have the scores over
time. Seconds run from the first evaluation on both sides, all of our coarser levels included and
the scoring left out. Our borders are zeros there, as the reference's are. For the time of single
evaluations and of runs on this machine see device_check.py.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import artistyle_tf
from artistyle_tf import ArtistyleError, Config, samples

NOISE = 60.0  # grey levels up and down, as the reference has it
TORCH = Path(__file__).with_name("torch_race.py")
PLAIN = {"balance": 0.0, "palette_weight": 0.0, "padding": "zeros"}
"""What the reference has not."""
Figures = dict[str, Any]


class Case(NamedTuple):
    """What both do."""

    content: str
    style: str
    size: int
    style_weight: float
    init: str


def h5_file(weights: Any, folder: str) -> str:
    """The weights as the file that the reference reads, in Keras' layout."""
    import h5py

    path = f"{folder}/vgg19.h5"
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in weights.layers.items():
            file[f"{name}/{name}/kernel:0"], file[f"{name}/{name}/bias:0"] = kernel, bias
    return path


def reference(
    asked: argparse.Namespace, weights: str, case: Case, evaluations: int
) -> tuple[list[list[float]], np.ndarray]:
    """The PyTorch script's trace, whose rows end with the saved file's score, and that file."""
    with tempfile.TemporaryDirectory() as folder:
        trace, output = Path(folder, "trace.json"), Path(folder, "saved.png")
        flags = {**case._asdict(), "weights": weights, "seed": 0, "content_weight": 1.0}
        flags |= {"evaluations": evaluations, "trace": trace, "output": output}
        command = [asked.reference_python, asked.reference]
        command += [f"--{name}={value}" for name, value in flags.items()]
        try:
            subprocess.run(command, capture_output=True, text=True, check=True)
            return json.loads(trace.read_text()), np.asarray(Image.open(output).convert("RGB"))
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
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

    def resized(path: str) -> np.ndarray:
        image = Image.open(path).convert("RGB")
        sides = [max(16, round(side * case.size / max(image.size))) for side in image.size]
        return np.asarray(image.resize(sides, Image.Resampling.LANCZOS))

    objective = Objective(config, load(config.weights, config.layers[-1]))
    content, style = (to_network(resized(path)) for path in case[:2])
    targets = objective.targets(content, [objective.statistics(style)], [1.0])

    def score(rgb: np.ndarray) -> float:
        image = to_network(rgb[: content.shape[1], : content.shape[2]])
        return float(objective.parts(image, targets).value)

    return score


def ours(
    case: Case, config: Config, goal: float, score: Callable[[np.ndarray], float]
) -> tuple[list[list[float]], bool]:
    """The finest level's trace, to the first score at or below the goal; whether one was."""
    rows, reached, scoring = [], False, 0.0

    def watch(step: Any) -> bool:
        nonlocal reached, scoring
        began = time.perf_counter()
        row = [step.evaluations, step.seconds - scoring, step.objective]
        if step.level == step.levels:
            rows.append([*row, score(step.image())])
            reached = rows[-1][-1] <= goal
        scoring += time.perf_counter() - began
        return not reached

    artistyle_tf.stylize(case.content, case.style, config, callback=watch)
    return rows, reached


def race(asked: argparse.Namespace, weights: str) -> list[Figures]:
    """Every case: the reference, then each of ours."""
    print("\n| race | entrant | seconds | evaluations | ratio |\n|---|---|---|---|---|")
    heats = []
    for pair, *rest in itertools.product(
        asked.pairs, asked.race, asked.style_weights, asked.inits.split(",")
    ):
        case = Case(*pair, *rest)
        shared = {"weights": weights, "size": case.size, "style_weight": case.style_weight}
        shared |= {"init": case.init, "noise_amplitude": NOISE, **PLAIN}
        score = scorer(case, Config(**shared, gamut_weight=0.0))
        theirs, saved = reference(asked, weights, case, asked.race_evaluations)
        goal, (count, seconds, *_) = score(saved), theirs[-1]
        name = f"{Path(pair[0]).stem} × {Path(pair[1]).stem}, " + ", ".join(map(str, rest))
        print(f"| {name} | PyTorch: saved {goal:.4g} | {seconds:.1f} | {count} | 1 |", flush=True)
        heat = {**case._asdict(), "name": name, "goal": goal, "reference": theirs, "ours": {}}
        for each in asked.entrants.split(","):
            # More than by default: noise wants it, and tfp from the content.
            config = Config.preset(each, **shared, precision=asked.precision, iterations=500)
            heat["ours"][each], reached = ours(case, config, goal, score)
            count, spent, *_ = heat["ours"][each][-1]
            ratio = f"{spent / seconds:.2f}" if reached else "not reached"
            print(f"| {name} | {each} | {spent:.1f} | {count} | {ratio} |", flush=True)
        heats.append(heat)
    return heats


def plot(heats: Sequence[Figures], path: Path) -> None:
    """What the saved file is worth against seconds, log-log, from our finest level on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(heats), 4), layout="constrained")
    for axis, heat in zip(figure.subplots(1, len(heats), squeeze=False)[0], heats, strict=True):
        for name, trace in {"PyTorch": heat["reference"], **heat["ours"]}.items():
            axis.loglog([row[1] for row in trace], [row[-1] for row in trace], label=name)
        axis.axhline(heat["goal"], color="grey")
        axis.set(title=heat["name"], xlabel="seconds", ylabel="objective of the file")
        axis.set_ylim(0.8 * heat["goal"], 60 * heat["goal"])
        axis.legend()
    figure.savefig(path)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return sorted({int(one) for one in text.split(",")})

    def pair(text: str) -> tuple[str, str]:
        content, style = text.split(",")
        return content, style

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--weights", default="auto", help="as of artistyle (auto)")
    add("--precision", default="float32", help="of our convolutions (float32)")
    add("--json", type=Path, help="write all figures here")
    add("--reference", default=TORCH, help="another such script to race against (torch_race.py)")
    add("--reference_python", default=sys.executable, help="the Python that has PyTorch")
    add("--race", type=numbers, default="256", help="sizes to race at, px (256)")
    add("--pair", type=pair, action="append", dest="pairs", help="CONTENT,STYLE; may be repeated")
    add("--inits", default="content,noise", help="what races start from (content,noise)")
    add("--race_evaluations", type=int, default=300, help="that set the goal (300)")
    add("--style_weights", type=numbers, default="60,1000", help="β, α being 1 (60,1000)")
    add("--entrants", default="fast,artistyle", help="presets of ours (fast,artistyle)")
    add("--plot", type=Path, help="files over time, by matplotlib: .svg or .png")
    asked = parser.parse_args(argv)
    asked.pairs = asked.pairs or [(str(samples.content()), str(samples.style()))]
    return asked


def main(argv: Sequence[str] | None = None) -> int:
    asked = parse(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")  # as the command says it
    try:
        from artistyle_tf.vgg.weights import load

        weights = load(asked.weights, Config().layers[-1])
        with tempfile.TemporaryDirectory() as folder:
            heats = race(asked, h5_file(weights, folder))
        if asked.plot:
            plot(heats, asked.plot)
    except ArtistyleError as error:
        print(f"benchmark.py: {error}", file=sys.stderr)
        return error.exit_status
    if asked.json:
        asked.json.write_text(json.dumps(heats, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
