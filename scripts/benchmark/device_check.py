#!/usr/bin/env python3
"""What a machine with an accelerator should show, in some ten minutes, from a clone; CPUs do too.

    scripts/demo                                             # makes .venv
    .venv/bin/pip install "tensorflow[and-cuda]"             # for NVIDIA's cards on Linux
    .venv/bin/python scripts/benchmark/device_check.py       # device-check.json and .md

`fast` from the shell; the gradient against float64; the same picture as on the CPU; seconds of one
evaluation; and of runs with and without XLA, with one and eight steps a call, and their memory.
TF32 is TensorFlow's switch, which runs turn off: only single evaluations are timed in it. What
fails is written down, and the rest goes on.
"""

import argparse
import contextlib
import datetime
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import artistyle_tf
from artistyle_tf import Config, samples

PAIR = str(samples.content()), str(samples.style())
GRADIENT = 1e-3  # the most that float32's gradient may be off, relative to float64's
APART = 2.0  # the most that pictures of 10 iterations may be apart, grey levels in the mean
PRECISIONS = ("float32", "TF32", "bfloat16")
RUNS = [("float32", "off", 1), *itertools.product(["bfloat16"], ["off", "on"], [1, 8])]
"""Precision, jit_compile, steps_per_execution."""
Row = dict[str, Any]


def shell(asked: argparse.Namespace) -> Row:
    """Before TensorFlow is loaded here: two processes may want the same memory."""
    with tempfile.TemporaryDirectory() as folder:
        flags = {"content": PAIR[0], "style": PAIR[1], "output": f"{folder}/out.png"}
        flags |= {"preset": "fast", "size": asked.sizes[0], "weights": asked.weights}
        flags |= {"iterations": asked.iterations} if asked.iterations else {}
        words = [f"--{name}={value}" for name, value in flags.items()]
        began = time.perf_counter()
        command = [sys.executable, "-m", "artistyle_tf", *words, "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
    return {"s": time.perf_counter() - began, "status": done.returncode, "said": done.stderr[-500:]}


def machine() -> Row:
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(card) for card in cards]
    return {
        "date": datetime.date.today().isoformat(),
        "artistyle_tf": artistyle_tf.__version__,
        "TensorFlow": tf.__version__,
        "CUDA": tf.sysconfig.get_build_info().get("cuda_version"),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "GPUs": [(one.get("device_name"), one.get("compute_capability")) for one in details],
        "cores": os.cpu_count(),
    }


@contextlib.contextmanager
def objective_in(precision: str, asked: argparse.Namespace, size: int) -> Any:
    """The objective of the sample pictures, in a block that computes in that precision."""
    from artistyle_tf.precision import true_float32

    with contextlib.nullcontext() if precision == "TF32" else true_float32():
        convolutions = "bfloat16" if precision == "bfloat16" else "float32"
        config = Config(size=size, weights=asked.weights, precision=convolutions)
        yield artistyle_tf.build_objective(*PAIR, config)


def gradient(asked: argparse.Namespace, precision: str) -> Row:
    """How far value and gradient are from the CPU's in float64, relative."""
    import tensorflow as tf

    from artistyle_tf.objective.whole import Objective
    from artistyle_tf.vgg.weights import load

    with objective_in(precision, asked, asked.small) as ours:
        image = np.random.default_rng(0).uniform(-60, 60, (1, *ours.size, 3))
        value, slope = (one.numpy() for one in ours(image.astype(np.float32)))
    with tf.device("CPU:0"), objective_in("float32", asked, asked.small) as same:
        config = same.objective.config
        exact = Objective(config, load(asked.weights, config.layers[-1]), dtype="float64")
        targets = tf.nest.map_structure(lambda one: tf.cast(one, "float64"), same.targets)
        wanted, true = (one.numpy() for one in exact.value_and_gradient(image, targets))
    off = float(np.linalg.norm(slope - true) / np.linalg.norm(true))
    row = {"value off": float(abs(value / wanted - 1)), "gradient off": off}
    return row | ({"passed": off <= GRADIENT} if precision == "float32" else {})


def picture(asked: argparse.Namespace) -> Row:
    """A short run in float32, here and on the CPU."""
    import tensorflow as tf

    given = {"size": asked.small, "iterations": 10, "weights": asked.weights}
    config = Config.preset("fast", precision="float32", **given)
    here = artistyle_tf.stylize(*PAIR, config)
    with tf.device("CPU:0"):
        there = artistyle_tf.stylize(*PAIR, config)
    apart = float(np.abs(here.image.astype(float) - there.image).mean())
    ratio = here.objective / there.objective
    return {"grey levels apart": apart, "objective ratio": ratio, "passed": apart <= APART}


def evaluation(asked: argparse.Namespace, size: int, precision: str) -> Row:
    with objective_in(precision, asked, size) as objective:
        image, times = np.zeros((1, *objective.size, 3), np.float32), []
        for _ in range(8):
            began = time.perf_counter()
            objective(image)[0].numpy()
            times.append(time.perf_counter() - began)
    return {"s": statistics.median(times[1:]), "first s": times[0]}


def run(asked: argparse.Namespace, size: int, precision: str, jit: str, steps: int) -> Row:
    """Seconds per evaluation within a run, after what is traced or compiled first; memory."""
    import tensorflow as tf

    from artistyle_tf.engine.plan import peak_bytes

    card = bool(tf.config.list_physical_devices("GPU"))
    if card:
        tf.config.experimental.reset_memory_stats("GPU:0")
    given = {"size": size, "levels": 1, "weights": asked.weights, "precision": precision}
    given |= {"jit_compile": jit, "steps_per_execution": steps}
    began = time.perf_counter()
    config = Config.preset("fast", iterations=asked.iterations or 32, **given)
    result = artistyle_tf.stylize(*PAIR, config)
    total, rows = time.perf_counter() - began, result.trace
    before, last = rows[min(7, len(rows) - 2)], rows[-1]  # from the end of the first call on
    used = tf.config.experimental.get_memory_info("GPU:0")["peak"] if card else peak_bytes()
    return {
        "s": (last[1] - before[1]) / (last[0] - before[0]),
        "whole run s": total,
        "planned GB": max(result.planned_memory) / 1e9,
        "used GB": (used or 0) / 1e9,
    }


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, ["---"] * len(names)]
    for row in rows:
        cells = [row.get(name, "") for name in names]
        lines.append([f"{one:.4g}" if isinstance(one, float) else str(one) for one in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--weights", default="auto", help="as of artistyle (auto)")
    add("--sizes", default="512,1024,2048", help="longer sides, px (512,1024,2048)")
    add("--iterations", type=int, help="of every run (as many as it takes)")
    add("--minutes", type=float, default=10, help="after which nothing more is begun (10)")
    add("--output", default="device-check", help="path of .json and .md (device-check)")
    asked = parser.parse_args(argv)
    asked.sizes = [int(size) for size in asked.sizes.split(",")]
    asked.small = min(256, asked.sizes[0])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    began, report, path = time.monotonic(), {}, Path(asked.output)

    def note(title: str, work: Callable[..., Row], *given: Any, **names: Any) -> None:
        try:
            late = time.monotonic() - began > 60 * asked.minutes
            row = {"error": "no time was left"} if late else work(*given, *names.values())
        except Exception as error:
            row = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        report.setdefault(title, []).append(names | row)
        print(f"{time.monotonic() - began:4.0f} s  {title}: {names | row}", flush=True)
        path.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        tables = [f"## {title}\n\n{table(rows)}\n" for title, rows in report.items()]
        path.with_suffix(".md").write_text("\n".join(tables), "utf-8")

    note(f"`fast` at {asked.sizes[0]} px from the shell", shell, asked)
    note("Machine", machine)
    for precision in PRECISIONS:
        note("Against float64", gradient, asked, precision=precision)
    note("The picture, here and on the CPU", picture, asked)
    for size in asked.sizes:
        for precision in PRECISIONS:
            note("One evaluation", evaluation, asked, size=size, precision=precision)
        for precision, jit, steps in RUNS:
            names = {"size": size, "precision": precision, "jit": jit, "steps": steps}
            note("In a run, per evaluation", run, asked, **names)
    rows = itertools.chain.from_iterable(report.values())
    bad = [row for row in rows if "error" in row or row.get("status") or row.get("passed") is False]
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
