#!/usr/bin/env python3
"""Run a step that `export_hlo.py` wrote, by JAX, and time it; the PyTorch reference beside it.

    scripts/benchmark/run_hlo.py step
    scripts/benchmark/run_hlo.py step --reference=torch_lbfgs.py --reference_python=python

Needs jax, ml_dtypes and numpy, no TensorFlow, and whatever accelerator JAX finds. It says whether
the objective after the exported number of iterations is the CPU's, within --tolerance, and how
many seconds an iteration takes. With the reference, whose evaluations are --evaluations: in what
part of its seconds our objective is as low as its last. Exit status 1 where the objective differs.
"""

import argparse
import dataclasses
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import ml_dtypes
import numpy as np
from jax import export

Row = tuple[int, float, float]
"""(evaluations, seconds, objective) after an iteration."""


def arguments_of(folder: Path, dtypes: Sequence[str]) -> list[np.ndarray]:
    """What the step begins with."""
    with np.load(folder / "arguments.npz") as held:
        arrays = [held[f"arr_{index}"] for index in range(len(dtypes))]
    return [
        array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else array
        for array, dtype in zip(arrays, dtypes, strict=True)
    ]


def step_of(folder: Path, arguments: Sequence[np.ndarray], state: int) -> Callable[..., Any]:
    """The step as a function that JAX compiles; the first `state` arguments are given away.

    The module is put in the place of that of an exported stand-in of the same types, which is
    JAX's public way to call a module.
    """
    made = (folder / "step.stablehlo").read_bytes()
    buffers = [jax.ShapeDtypeStruct([64], kind) for kind in (np.int32, arguments[1].dtype)]
    shapes = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in arguments]

    def stand_in(*given: Any) -> tuple[Any, ...]:
        return (*given[:state], *(jax.numpy.zeros(one.shape, one.dtype) for one in buffers))

    kind = jax.default_backend()
    platforms = ["cuda" if kind == "gpu" else kind]
    stood = export.export(jax.jit(stand_in, keep_unused=True), platforms=platforms)(*shapes)
    exported = dataclasses.replace(stood, mlir_module_serialized=made)
    # What the CPU can't reuse is no matter.
    return jax.jit(exported.call, donate_argnums=tuple(range(state)) if kind != "cpu" else ())


def trace_of(
    step: Callable[..., Any], arguments: Sequence[Any], state: int, steps: int, iterations: int
) -> tuple[list[Row], float]:
    """Rows of a run of so many iterations, and the seconds of its first call, compiling included.

    The clock starts after that call, whose iterations are then done again from the start.
    """
    fixed = [jax.device_put(one) for one in arguments[state:]]

    def called(now: Sequence[Any], until: int) -> Sequence[Any]:
        found: Sequence[Any] = step(*now, np.int32(until), *fixed[1:])
        jax.block_until_ready(found)
        return found

    began = time.perf_counter()
    called([jax.device_put(one) for one in arguments[:state]], min(steps, iterations))
    first = time.perf_counter() - began
    now: Sequence[Any] = [jax.device_put(one) for one in arguments[:state]]
    rows: list[Row] = []
    began = time.perf_counter()
    while len(rows) < iterations:
        until = min(len(rows) + steps, iterations)
        found = called(now, until)
        now, (evaluations, values) = found[:state], found[state:]
        seconds, done = time.perf_counter() - began, until - len(rows)
        last = rows[-1][1] if rows else 0.0
        rows += [
            (int(evaluations[i]), last + (seconds - last) * (i + 1) / done, float(values[i]))
            for i in range(done)
        ]
    return rows, first


def reference(asked: argparse.Namespace, told: dict[str, Any]) -> list[Row]:
    """The trace of the PyTorch reference, on the same pictures, filters and weights."""
    config, folder = told["config"], asked.folder
    device = "cuda" if jax.default_backend() == "gpu" else "cpu"
    with tempfile.TemporaryDirectory() as place:
        trace = Path(place, "trace.json")
        command = [asked.reference_python, asked.reference, "--content", folder / "content.png"]
        command += ["--style", folder / "style.png", "--weights", folder / "vgg19.h5"]
        command += ["--size", str(max(told["size"])), "--evaluations", str(asked.evaluations)]
        command += ["--init", config["init"], "--style_weight", str(config["style_weight"])]
        command += ["--output", Path(place, "out.png"), "--trace", trace, "--device", device]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows: list[Row] = [tuple(row) for row in json.loads(trace.read_text())]
        return rows


def as_low(rows: Sequence[Row], goal: float) -> float | None:
    """Seconds until an objective is no more than that, or None."""
    return next((seconds for _, seconds, value in rows if value <= goal), None)


def run(asked: argparse.Namespace) -> dict[str, Any]:
    told = json.loads((asked.folder / "step.json").read_text())
    arguments, state = arguments_of(asked.folder, told["dtypes"]), told["state"]
    step = step_of(asked.folder, arguments, state)
    iterations = max(told["iterations"], asked.iterations)
    rows, first = trace_of(step, arguments, state, told["steps"], iterations)
    found = rows[told["iterations"] - 1][2]
    made: dict[str, Any] = {
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "machine": platform.machine(),
        "size": told["size"],
        "objective": found,
        "objective_on_cpu": told["objective"],
        "difference": abs(found / told["objective"] - 1),
        "first_call_seconds": first,
        "iterations": iterations,
        "seconds": rows[-1][1],
        "seconds_an_iteration": rows[-1][1] / iterations,
    }
    if asked.reference:
        theirs = reference(asked, told)
        ours = as_low(rows, theirs[-1][2])
        made["reference"] = {
            "evaluations": theirs[-1][0],
            "seconds": theirs[-1][1],
            "objective": theirs[-1][2],
            "our_seconds_to_it": ours,
            "ratio": None if ours is None else ours / theirs[-1][1],
        }
    return made


def main(argv: Sequence[str] | None = None) -> int:
    jax.config.update("jax_enable_x64", True)  # the small system of the pairs is float64
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=Path)
    add("--iterations", type=int, default=0, help="run so many, if they are more than the exported")
    add("--tolerance", type=float, default=0.02, help="of the objective, relative (0.02)")
    add("--reference", type=Path, help="torch_lbfgs.py, to be run beside it")
    add("--reference_python", default=sys.executable, help="which has PyTorch (this one)")
    add("--evaluations", type=int, default=300, help="of the reference (300)")
    add("--json", type=Path, help="write the figures here")
    asked = parser.parse_args(argv)
    made = run(asked)
    text = json.dumps(made, indent=2) + "\n"
    print(text, end="")
    if asked.json:
        asked.json.write_text(text)
    return int(not made["difference"] <= asked.tolerance)


if __name__ == "__main__":
    sys.exit(main())
