#!/usr/bin/env python3
"""Measure this machine: one evaluation at several sizes, setting up, memory, short runs.

    scripts/benchmark/benchmark.py
    scripts/benchmark/benchmark.py --weights=imagenet --json=figures.json
    scripts/benchmark/benchmark.py --reference=torch_lbfgs.py --race=256 --plot=race.svg

An evaluation is the objective's value and its gradient with respect to the picture. Its work is
counted from the shapes of the filters. Layer l has kernels [k, k, in, out] and H_l W_l positions:

    FLOP = 2 * sum over layers of (2 * k * k * in * out * H_l * W_l)

The inner 2 is a multiplication and an addition; the outer one is the way back, for the picture
alone, which costs as much. Gram matrices, ReLU and pooling are left out. The rate is FLOP over the
fastest repeat; the share is that rate over the best of a large matrix product of the same dtype.

A run from noise goes on until it has spent --evaluations. `tfp`, `lbfgs` and `adam` stay at one
scale; `fast` is the preset, coarse to fine, so its evaluations cost less and its objective is only
the finest level's. --reference times evaluations of a PyTorch script as well and, with --race,
runs against it to the same objective: see benchmark_race.py.
"""

import argparse
import functools
import itertools
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark_race import ENTRANTS, INITS, NOISE, Case, h5_file, plot, race, reference

if TYPE_CHECKING:
    from artistyle_tf.config.config import Config
    from artistyle_tf.vgg.weights import Weights

SAMPLES = Path(__file__).resolve().parents[2] / "artistyle_tf" / "samples"
FROZEN = "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"  # as the command says it; see extractor.FROZEN


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ[FROZEN] = "1"
    began = time.perf_counter()
    from artistyle_tf.config.config import Config
    from artistyle_tf.engine import painter  # noqa: F401 (what is measured)
    from artistyle_tf.errors import ArtistyleError
    from artistyle_tf.vgg.precision import true_float32
    from artistyle_tf.vgg.weights import load

    imported = time.perf_counter() - began
    plain = {"style_weight": 60.0, "balance": 0.0, "palette_weight": 0.0}
    config = Config(weights=arguments.weights, size=arguments.run_size, levels=1, **plain)
    try:
        weights = load(config.weights, config.layers[-1])
        with true_float32():
            report: dict[str, Any] = {
                "machine": machine(),
                "weights": {"kind": weights.kind, "name": weights.name},
                **evaluations(arguments, config, weights, imported),
            }
        show_evaluations(report)
        report["runs"] = [] if arguments.no_runs else runs(arguments, config)
        if arguments.reference:
            with tempfile.TemporaryDirectory() as folder:
                file = h5_file(weights, Path(folder))
                medians = reference_evaluations(arguments, file)
                for row, seconds in zip(report["evaluations"], medians, strict=True):
                    row["reference_seconds"] = seconds
                show_evaluations(report)
                report["race"] = race(arguments, file)
            if arguments.plot:
                plot(report["race"], arguments.plot)
    except ArtistyleError as error:
        print(f"benchmark.py: {error}", file=sys.stderr)
        return error.exit_status
    report["peak_rss_mib"] = peak_rss()
    show_runs(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--weights", default="auto", help="as of artistyle (auto)")
    add("--content", default=str(SAMPLES / "content.jpg"), help="(samples/content.jpg)")
    add("--style", default=str(SAMPLES / "style.jpg"), help="(samples/style.jpg)")
    add("--sizes", default="96,256,512", help="longer sides to evaluate at, px (96,256,512)")
    add("--repeats", type=int, default=7, help="timed evaluations at each size (7)")
    add("--matmul", type=int, default=2048, help="side of the matrices multiplied (2048)")
    add("--run_size", type=int, default=256, help="longer side of the short runs, px (256)")
    add("--evaluations", type=int, default=100, help="what each short run may spend (100)")
    add("--no_runs", action="store_true", help="leave the short runs out")
    add("--json", type=Path, help="write all figures here")
    add("--precision", default="auto", help="float32, bfloat16 or auto, for the evaluations (auto)")
    add("--reference", help="the PyTorch script to run beside")
    add("--reference_python", default=sys.executable, help="the Python that has PyTorch")
    add("--race", default="", help="sizes to race at, px, like 256,384 (none)")
    add("--pair", action="append", dest="pairs", help="CONTENT,STYLE to race with; may be repeated")
    add("--inits", default="content,noise", help="what races start from (content,noise)")
    add("--race_evaluations", type=int, default=300, help="that set the goal (300)")
    add("--style_weights", default="60,1000", help="β of the races, α being 1 (60,1000)")
    add("--entrants", default=",".join(ENTRANTS), help="of ours (fast,float32,tfp)")
    add("--rounds", type=int, default=1, help="of every race (1)")
    add("--plot", type=Path, help="objective against seconds, by matplotlib: .svg or .png")
    arguments = parser.parse_args(argv)
    try:
        arguments.sizes = sorted({int(size) for size in arguments.sizes.split(",")})
        arguments.race = [int(size) for size in arguments.race.split(",") if size]
        arguments.style_weights = [float(one) for one in arguments.style_weights.split(",")]
    except ValueError:
        parser.error("--sizes, --race and --style_weights take numbers like 96,256")
    arguments.inits = arguments.inits.split(",")
    if not set(arguments.inits) <= set(INITS):
        parser.error(f"--inits takes {', '.join(INITS)}")
    arguments.pairs = [tuple(pair.split(",")) for pair in arguments.pairs or ()]
    if any(len(pair) != 2 for pair in arguments.pairs):
        parser.error("--pair takes two files, like photo.jpg,painting.jpg")
    counts = ("repeats", "matmul", "evaluations", "race_evaluations", "rounds")
    if min(getattr(arguments, name) for name in counts) < 1:
        parser.error(f"{', '.join(counts)} must be 1 or more")
    arguments.entrants = arguments.entrants.split(",")
    if not set(arguments.entrants) <= set(ENTRANTS):
        parser.error(f"--entrants takes {', '.join(ENTRANTS)}")
    if arguments.race and not arguments.reference:
        parser.error("--race needs --reference")
    return arguments


def machine() -> dict[str, Any]:
    """What the figures belong to. No host or user name."""
    import tensorflow as tf

    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "architecture": platform.machine(),
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
    }


def peak_rss() -> float:
    """The most memory this process has held so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def timed(work: Callable[[], Any]) -> float:
    """Seconds until `work` is done and its first result is on the host."""
    began = time.perf_counter()
    work()[0].numpy()
    return time.perf_counter() - began


def matmul_rate(side: int, dtype: str) -> float:
    """GFLOP/s of a matrix product in what convolutions compute in, the best of five."""
    import tensorflow as tf

    left, right = (tf.cast(tf.random.normal([side, side]), dtype) for _ in range(2))
    product = tf.function(lambda: [tf.reduce_sum(tf.matmul(left, right))])
    product()
    return 2 * side**3 / min(timed(product) for _ in range(5)) / 1e9


def gflop(layers: Mapping[str, Any], size: tuple[int, int]) -> float:
    """Work of one evaluation at (height, width), by the formula above."""
    from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

    total, (height, width), block = 0, size, "block1"
    for name in (name for name in VGG19_LAYERS if name in layers):
        if not name.startswith(block):
            height, width, block = height // 2, width // 2, name.split("_")[0]
        kernel, _ = layers[name]
        total += 2 * kernel.size * height * width
    return 2 * total / 1e9


def evaluations(
    arguments: argparse.Namespace, config: "Config", weights: "Weights", imported: float
) -> dict[str, Any]:
    """Set-up and the time of one evaluation at each size, small to large."""
    import tensorflow as tf

    from artistyle_tf.engine.devices import gpus_used
    from artistyle_tf.engine.inputs import white_noise
    from artistyle_tf.engine.problem import level_targets
    from artistyle_tf.images import read
    from artistyle_tf.images.sizes import scale_to, whole_cells
    from artistyle_tf.objective.whole import Objective
    from artistyle_tf.vgg.precision import convolution_dtype

    content, style = read.read(arguments.content).rgb, read.read(arguments.style).rgb
    began = time.perf_counter()
    gpus = [gpu.capability for gpu in gpus_used()]
    convolutions = convolution_dtype(arguments.precision, gpus)
    objective = Objective(config, weights, convolutions=convolutions)
    objective.value_and_gradient.get_concrete_function()
    setup = {"import_seconds": imported, "tracing_seconds": time.perf_counter() - began}
    rows, rates = [], []
    for longer in arguments.sizes:
        rates.append(matmul_rate(arguments.matmul, convolutions))
        size = whole_cells(scale_to(content.shape[:2], longer))
        targets = level_targets(objective, content, [style], size)
        image = tf.constant(white_noise(size, config.seed, NOISE))
        evaluate = functools.partial(objective.value_and_gradient, image, targets)
        setup.setdefault("first_evaluation_seconds", timed(evaluate))
        start = float(evaluate()[0])
        seconds = [timed(evaluate) for _ in range(arguments.repeats)]
        work = gflop(weights.layers, size)
        rows.append(
            {
                "height": size[0],
                "width": size[1],
                "gflop": work,
                "seconds": statistics.median(seconds),
                "best_seconds": min(seconds),
                "gflops": work / min(seconds),
                "objective_of_noise": start,
                "peak_rss_mib": peak_rss(),
            }
        )
    rate = max(*rates, matmul_rate(arguments.matmul, convolutions))
    for row in rows:
        row["share"] = row["gflops"] / rate
    report = {"setup": setup, "matmul_gflops": rate, "evaluations": rows}
    return {"convolutions": convolutions, **report}


def runs(arguments: argparse.Namespace, config: "Config") -> list[dict[str, Any]]:
    """Short runs from the same noise, each until it has spent the evaluations."""
    from artistyle_tf import Config, stylize

    budget = arguments.evaluations

    def watch(step: Any) -> bool:
        return step.evaluations < budget

    shared = {"weights": config.weights, "size": config.size, "init": "noise"}
    shared["precision"] = arguments.precision
    single = {**shared, "levels": 1, "iterations": 10 * budget}  # the callback ends it
    asked = {
        "tfp": Config(**single, optimizer="tfp"),
        "lbfgs": Config(**single, optimizer="lbfgs"),
        "adam": Config(**{**single, "iterations": budget}, optimizer="adam"),
        # Levels share out the iterations, so it gets a count of them instead.
        "fast": Config.preset("fast", **shared, iterations=budget),
    }
    rows = []
    for name, settings in asked.items():
        stop = watch if name in ("tfp", "lbfgs") else None
        result = stylize(arguments.content, arguments.style, settings, callback=stop)
        spent, seconds = result.trace[-1][:2]
        rows.append(
            {
                "name": name,
                "levels": len(result.record["levels"]),
                "iterations": len(result.trace),
                "evaluations": spent,
                "evaluations_per_iteration": spent / len(result.trace),
                "seconds": seconds,
                "setup_seconds": result.setup_seconds,
                "objective": result.record["outcome"]["objective"]["value"],
            }
        )
    return rows


def reference_evaluations(arguments: argparse.Namespace, file: str) -> list[float]:
    """Median seconds of one evaluation of the PyTorch script at each of --sizes."""
    medians = []
    for longer in arguments.sizes:
        case = Case(arguments.content, arguments.style, longer, 60.0, "noise")
        trace = reference(arguments, file, case, arguments.repeats + 3)["trace"]
        seconds = [row[1] for row in trace[2:]]
        medians.append(statistics.median(b - a for a, b in itertools.pairwise(seconds)))
    return medians


def show_evaluations(report: Mapping[str, Any]) -> None:
    host, setup, rate = report["machine"], report["setup"], report["matmul_gflops"]
    print(
        f"\n{host['cores']} cores {host['architecture']} ({', '.join(host['devices'])}), "
        f"TensorFlow {host['tensorflow']}, weights {report['weights']['name']}, "
        f"convolutions in {report['convolutions']}\n"
        f"matrix product in it: {rate:.0f} GFLOP/s\n"
        f"set-up: import {setup['import_seconds']:.1f} s, network and tracing "
        f"{setup['tracing_seconds']:.1f} s, first evaluation "
        f"{setup['first_evaluation_seconds']:.2f} s\n\n"
        "| size | GFLOP | seconds (best) | GFLOP/s | share | PyTorch (s) | ratio | peak MiB |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for row in report["evaluations"]:
        other = row.get("reference_seconds")
        beside = f"{other:.3f} | {row['seconds'] / other:.2f}" if other else " | "
        print(
            f"| {row['width']}×{row['height']} | {row['gflop']:.1f} | {row['seconds']:.3f} "
            f"({row['best_seconds']:.3f}) | {row['gflops']:.0f} | {row['share']:.0%} | {beside} | "
            f"{row['peak_rss_mib']:.0f} |"
        )


def show_runs(report: Mapping[str, Any]) -> None:
    if report["runs"]:
        print(
            "\n| run | levels | iterations | evaluations | an iteration | seconds | objective |\n"
            "|---|---|---|---|---|---|---|"
        )
    for row in report["runs"]:
        print(
            f"| {row['name']} | {row['levels']} | {row['iterations']} | {row['evaluations']} | "
            f"{row['evaluations_per_iteration']:.2f} | {row['seconds']:.1f} | "
            f"{row['objective']:.4g} |"
        )
    print(f"\npeak memory: {report['peak_rss_mib']:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
