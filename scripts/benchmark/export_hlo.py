#!/usr/bin/env python3
"""Write a level's whole step as StableHLO, to be run where there is JAX and no TensorFlow.

    scripts/benchmark/export_hlo.py --pair=photo.jpg,painting.jpg --size=512 --folder=step
    scripts/benchmark/run_hlo.py step              # there: on a GPU, a TPU or a CPU

The folder then has `step.stablehlo`, the loop of iterations with objective, minimiser and
preconditioner; `arguments.npz`, what it begins with, filters and targets included; `step.json`; and
both pictures and the filters as the PyTorch reference reads them. The objective after --iterations
is computed here, by TensorFlow without XLA, for `run_hlo.py` to compare with.

Needs JAX (the extra tpu-check) for the conversion, in this environment or in that of --python.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_race import h5_file
from measures import exit_status
from PIL import Image

from artistyle_tf import ArtistyleError, Config

JAX_SIDE = Path(__file__).resolve().parent / "jax_side.py"
SAME = {"padding": "zeros", "gamut_weight": 0.0, "levels": 1}
"""What makes the objective that of the reference."""


def config_of(asked: argparse.Namespace) -> Config:
    given: dict[str, Any] = dict(SAME, size=asked.size, weights=asked.weights, init=asked.init)
    given |= {"style_weight": asked.style_weight, "precision": asked.precision}
    return Config.preset(asked.preset, **given, jit_compile="on", iterations=asked.iterations)


def plain(tensor: Any) -> tuple[np.ndarray, str]:
    """(an array that .npz can hold, the tensor's dtype): bfloat16 as the bits of it."""
    array, dtype = tensor.numpy(), tensor.dtype.name
    return (array.view(np.uint16) if dtype == "bfloat16" else array), dtype


def export(asked: argparse.Namespace) -> None:
    import tensorflow as tf

    from artistyle_tf.engine.inputs import read_inputs
    from artistyle_tf.engine.lowering import lower
    from artistyle_tf.engine.plan import Level, Plan
    from artistyle_tf.engine.scene import load_network, make_scene
    from artistyle_tf.engine.solvers import Solvers
    from artistyle_tf.objective.preconditioner import precondition
    from artistyle_tf.vgg.place import compiling_for
    from artistyle_tf.vgg.precision import true_float32

    config = config_of(asked)
    content, style = asked.pair.split(",")
    asked.folder.mkdir(parents=True, exist_ok=True)
    weights = load_network(config)
    scene = make_scene(config, read_inputs(config, content, [style]), None, weights)
    level = Level(scene.canvas, config.iterations, Plan(0, config.history, 0))
    with compiling_for("GPU"), true_float32():
        solver = Solvers(config, weights).of(level, config.precision)
        targets = scene.targets(solver.objective, level.size)
        targets = targets.weighed(scene.weigh(solver.objective, level.size, targets))
        position = precondition(tf.constant(scene.start(level.size)), -config.precondition)
        search = solver.minimizer.start(position, budget=level.budget)
        context = targets, tf.constant(level.size), tf.constant(0.0)
        lowered = lower(solver, search, context, asked.steps)
    hlo = asked.folder / "step.hlo"
    hlo.write_bytes(lowered.hlo)
    command = [asked.python, JAX_SIDE, "convert", hlo, asked.folder / "step.stablehlo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    hlo.unlink()
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        raise ArtistyleError(f"JAX failed: {last}")
    arrays = [plain(tensor) for tensor in lowered.arguments]
    np.savez(asked.folder / "arguments.npz", *(array for array, _ in arrays))
    loose = Solvers(dataclasses.replace(config, jit_compile="off"), weights)
    minimizer = loose.of(level, config.precision).minimizer
    with true_float32():
        after = minimizer.advance(search, context, iterations=asked.iterations)
    told = {
        "config": config.to_dict(),
        "size": level.size,
        "dtypes": [dtype for _, dtype in arrays],
        "state": len(tf.nest.flatten(search)),
        "results": lowered.results,
        "steps": asked.steps,
        "iterations": int(after.iterations),
        "evaluations": int(after.evaluations),
        "objective": float(after.value),
    }
    (asked.folder / "step.json").write_text(json.dumps(told, indent=2) + "\n")
    Image.fromarray(scene.original.round().astype(np.uint8)).save(asked.folder / "content.png")
    Image.open(style).convert("RGB").save(asked.folder / "style.png")
    h5_file(weights, asked.folder)
    print(f"{asked.folder}: {told['objective']:.6g} after {told['iterations']} iterations")


def main(argv: Sequence[str] | None = None) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--pair", required=True, help="CONTENT,STYLE")
    add("--folder", type=Path, required=True, help="where all of it goes")
    add("--preset", default="fast")
    add("--size", type=int, default=512, help="longer side in px (512)")
    add("--style_weight", type=float, default=60.0)
    add("--init", default="content", help="content or noise (content)")
    add("--weights", default="imagenet-8bit")
    add("--precision", default="float32", help="of convolutions: float32 or bfloat16 (float32)")
    add("--iterations", type=int, default=50, help="after which the objective is compared (50)")
    add("--steps", type=int, default=10, help="iterations in one call, at most 64 (10)")
    add("--python", default=sys.executable, help="which has JAX (this one)")
    asked = parser.parse_args(argv)
    return exit_status("export_hlo.py", lambda: export(asked))


if __name__ == "__main__":
    sys.exit(main())
