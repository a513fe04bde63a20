#!/usr/bin/env python3
"""Measure this machine: setting up, one evaluation at several sizes, memory, a race.

    scripts/benchmark/benchmark.py
    scripts/benchmark/benchmark.py --weights=imagenet --json=figures.json
    scripts/benchmark/benchmark.py --race=256 --plot=race.svg --reference_python=torch/bin/python

An evaluation is the objective's value and its gradient with respect to the picture. Its work is
counted from the shapes of the filters. Layer l has kernels [k, k, in, out] and H_l W_l positions:

    FLOP = 2 * sum over layers of (2 * k * k * in * out * H_l * W_l)

The inner 2 is a multiplication and an addition; the outer one is the way back, for the picture
alone, which costs as much. Gram matrices, ReLU and pooling are left out. The rate is FLOP over the
fastest repeat; the share is that rate over the best of a large matrix product of the same dtype.

--race measures the seconds until our saved file is as good as that of torch_race.py, in PyTorch.
Both begin at the same start, the content or white noise, with the same weights and pictures, one
after the other. PyTorch spends its evaluations at one scale and saves its picture; what that file
is worth, by its own objective in float32, is the goal. Ours is scored likewise, rounded and clipped
as a file holds it, and stops at the first score that is as good. The traces have the scores over
time. Seconds run from the first evaluation on both sides, all of our coarser levels included and
the scoring left out. Our borders are zeros there, as the reference's are.
"""

import argparse
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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


# One evaluation


def timed(work: Callable[[], Any]) -> float:
    """Seconds until `work` is done and its first result is on the host."""
    began = time.perf_counter()
    work()[0].numpy()
    return time.perf_counter() - began


def peak_rss() -> float:
    """The most memory this process has held so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def matmul_rate(side: int, dtype: str) -> float:
    """GFLOP/s of a matrix product in what convolutions compute in, the best of five."""
    import tensorflow as tf

    left, right = (tf.cast(tf.random.normal([side, side]), dtype) for _ in range(2))
    product = tf.function(lambda: [tf.reduce_sum(tf.matmul(left, right))])
    product()
    return 2 * side**3 / min(timed(product) for _ in range(5)) / 1e9


def gflop(layers: Mapping[str, Any], size: tuple[int, int]) -> float:
    """Work of one evaluation at (height, width), by the formula above."""
    from artistyle_tf.vgg.vgg19 import stride

    positions = {name: size[0] // stride(name) * (size[1] // stride(name)) for name in layers}
    return sum(4 * kernel.size * positions[name] for name, (kernel, _) in layers.items()) / 1e9


def evaluations(asked: argparse.Namespace, weights: Any) -> Figures:
    """Setting up, and the time of one evaluation at each size, small to large."""
    import tensorflow as tf

    from artistyle_tf.precision import true_float32

    rows, rates, rng = [], [], np.random.default_rng(0)
    with true_float32():
        for longer in asked.sizes:
            rates.append(matmul_rate(asked.matmul, asked.precision))
            given = {"size": longer, "weights": asked.weights, "precision": asked.precision}
            config = Config(style_weight=60.0, levels=1, **given, **PLAIN)
            began = time.perf_counter()
            objective = artistyle_tf.build_objective(asked.content, asked.style, config)
            noise = rng.uniform(-NOISE, NOISE, (1, *objective.size, 3)).astype(np.float32)
            evaluate = partial(objective, tf.constant(noise))
            evaluate()
            first = time.perf_counter() - began
            seconds = [timed(evaluate) for _ in range(asked.repeats)]
            work = gflop(weights.layers, objective.size)
            rows.append(
                {
                    "height": objective.size[0],
                    "width": objective.size[1],
                    "gflop": work,
                    "setup_seconds": first,
                    "seconds": statistics.median(seconds),
                    "best_seconds": min(seconds),
                    "gflops": work / min(seconds),
                    "peak_rss_mib": peak_rss(),
                }
            )
        rates.append(matmul_rate(asked.matmul, asked.precision))
    for row in rows:
        row["share"] = row["gflops"] / max(rates)
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "architecture": platform.machine(),
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "tensorflow": tf.__version__,
        "weights": weights.name,
        "convolutions": asked.precision,
        "matmul_gflops": max(rates),
        "evaluations": rows,
    }


def show(report: Figures) -> None:
    print(
        f"\n{report['cores']} cores {report['architecture']} ({', '.join(report['devices'])}), "
        f"TensorFlow {report['tensorflow']}, weights {report['weights']}\n"
        f"matrix product in {report['convolutions']}: {report['matmul_gflops']:.0f} GFLOP/s\n\n"
        "| size | GFLOP | seconds (best) | share | set-up (s) | peak MiB |\n"
        "|---|---|---|---|---|---|"
    )
    for row in report["evaluations"]:
        print(
            f"| {row['width']}×{row['height']} | {row['gflop']:.1f} | {row['seconds']:.3f} "
            f"({row['best_seconds']:.3f}) | {row['share']:.0%} "
            f"| {row['setup_seconds']:.1f} | {row['peak_rss_mib']:.0f} |"
        )


# The race


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
    add("--content", default=str(samples.content()), help="(samples/content.jpg)")
    add("--style", default=str(samples.style()), help="(samples/style.jpg)")
    add("--sizes", type=numbers, default="96,256,512", help="longer sides, px (96,256,512)")
    add("--repeats", type=int, default=7, help="timed evaluations at each size (7)")
    add("--matmul", type=int, default=2048, help="side of the matrices multiplied (2048)")
    add("--precision", default="float32", help="of convolutions: float32 or bfloat16 (float32)")
    add("--json", type=Path, help="write all figures here")
    add("--reference", default=TORCH, help="another such script to race against (torch_race.py)")
    add("--reference_python", default=sys.executable, help="the Python that has PyTorch")
    add("--race", type=numbers, default=[], help="sizes to race at, px, like 256,384 (none)")
    add("--pair", type=pair, action="append", dest="pairs", help="CONTENT,STYLE; may be repeated")
    add("--inits", default="content,noise", help="what races start from (content,noise)")
    add("--race_evaluations", type=int, default=300, help="that set the goal (300)")
    add("--style_weights", type=numbers, default="60,1000", help="β, α being 1 (60,1000)")
    add("--entrants", default="fast,artistyle", help="presets of ours (fast,artistyle)")
    add("--plot", type=Path, help="files over time, by matplotlib: .svg or .png")
    asked = parser.parse_args(argv)
    asked.pairs = asked.pairs or [(asked.content, asked.style)]
    return asked


def main(argv: Sequence[str] | None = None) -> int:
    asked = parse(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")  # as the command says it
    try:
        from artistyle_tf.vgg.weights import load

        weights = load(asked.weights, Config().layers[-1])
        report = evaluations(asked, weights)
        show(report)
        if asked.race:
            with tempfile.TemporaryDirectory() as folder:
                report["race"] = race(asked, h5_file(weights, folder))
        if asked.plot and asked.race:
            plot(report["race"], asked.plot)
    except ArtistyleError as error:
        print(f"benchmark.py: {error}", file=sys.stderr)
        return error.exit_status
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
