#!/usr/bin/env python3
"""Compile every level of a preset for a TPU, on a machine without one.

    scripts/compile_for_tpu.py --preset=fast --size=512
    scripts/compile_for_tpu.py --preset=large --size=2048 --set=history=10 --topology=v5e:2x2

Needs `pip install "artistyle-tf[tpu-check]"`, JAX and Google's TPU compiler. What is compiled is
what runs on a TPU: the loop of iterations with objective, optimizer and preconditioner, with the
network's filters and the targets as arguments. Nothing is run. For each level it prints the
seconds that compiling took, FLOP of an iteration as the compiler counts them, bytes at the peak
and whether they fit into the memory of a core.

A level that doesn't fit whole is compiled again in tiles, the largest first, unless
--set=tile_size=... says how. JAX's internals are used: the extra pins the versions that work.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from artistyle_tf import ArtistyleError, files

MEMORY = {"TPU v2": 8, "TPU v3": 16, "TPU v4": 32, "TPU v5": 95}
MEMORY |= {"TPU v5 lite": 16, "TPU v6 lite": 32}
"""GiB of HBM that a core has, by the name that the compiler gives it (cloud.google.com/tpu)."""


# With JAX, in a process of its own: it and TensorFlow don't go together


def in_own_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` returns in a new process, where TensorFlow is not loaded.

    Raises:
      ArtistyleError: it failed; the message is the last line of its error.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        done, value = pool.submit(_tried, work, *arguments).result()
    if not done:
        raise ArtistyleError(f"the compiler failed: {value}")
    return value


def _tried(work: Callable[..., Any], *arguments: Any) -> tuple[bool, Any]:
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # no question to Google's cloud
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # compilers may work side by side
    try:
        value = work(*arguments)
        return True, value if isinstance(value, dict) else str(value)
    except Exception as error:  # may not survive the way between processes
        return False, (str(error).strip().splitlines() or [type(error).__name__])[-1]


def stablehlo(hlo: bytes) -> Any:
    """A serialised HloModuleProto as a module of StableHLO; `str` of it is its text."""
    from jax._src.interpreters import mlir
    from jaxlib import xla_client
    from jaxlib.mlir import ir

    computation = xla_client.XlaComputation(hlo)
    text = xla_client._xla.mlir.xla_computation_to_mlir_module(computation)
    with mlir.make_ir_context(), ir.Location.unknown():
        return ir.Module.parse(text)


def compiled_for_tpu(hlo: bytes, topology: str) -> dict[str, Any]:
    """Seconds of compiling for one core of that topology, and what the program needs."""
    import numpy as np
    from jax._src.interpreters import mlir
    from jax.experimental import topologies
    from jaxlib import xla_client

    device = topologies.get_topology_desc(platform="tpu", topology_name=topology).devices[0]
    module = stablehlo(hlo)
    with module.context:
        code = mlir.module_to_bytecode(module)
    options = xla_client.CompileOptions()
    options.num_replicas = options.num_partitions = 1
    options.device_assignment = xla_client.DeviceAssignment.create(np.array([[device.id]], "int32"))
    began = time.perf_counter()
    program = device.client.compile(code, xla_client.DeviceList((device,)), options)
    seconds = time.perf_counter() - began
    memory, costs = program.get_compiled_memory_stats(), program.cost_analysis()
    costs = costs[0] if isinstance(costs, list) else costs
    return {
        "device": device.device_kind,
        "seconds": seconds,
        "flops": costs["flops"],
        "bytes": {
            "arguments": memory.argument_size_in_bytes,
            "results": memory.output_size_in_bytes - memory.alias_size_in_bytes,
            "working": memory.temp_size_in_bytes,
            "program": memory.generated_code_size_in_bytes,
        },
    }


# The levels


def row(size: tuple[int, int], tile: int, told: dict[str, Any]) -> str:
    each = {name: count / 2**20 for name, count in told["bytes"].items()}
    fits = {True: "yes", False: "NO", None: "?"}[told["fits"]]
    return (
        f"{size[1]:>5}×{size[0]:<5} {f'tiles of {tile}' if tile else 'whole':<13} "
        f"{told['seconds']:>7.0f} s {told['flops'] / 1e9:>9.0f} {each['arguments']:>9.0f} "
        f"{each['results']:>8.0f} {each['working']:>8.0f} {each['program']:>8.0f} "
        f"{sum(each.values()):>8.0f}  {fits}"
    )


def run(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Compiles and prints level after level; a dict for each try."""
    from artistyle_tf.cli.flags import parse
    from artistyle_tf.engine.export import lower_level
    from artistyle_tf.engine.plan import TILES, Level, Plan, schedule
    from artistyle_tf.vgg.weights import load

    flags = ["--content=a.jpg", "--style=b.jpg", "--output=c.png", "--jit_compile=on"]
    flags += [f"--preset={asked.preset}", f"--size={asked.size}"]
    config = parse([*flags, *(f"--{one}" for one in asked.set)]).config
    width, height = (float(side) for side in asked.aspect.split(":"))
    whole = tuple(round(side / max(width, height) * asked.size) for side in (height, width))
    tiles = [0, *TILES] if config.tile_size == "auto" else [config.tile_size]
    weights = load(config.weights, config.layers[-1])
    print(f"{asked.preset}, {asked.topology}, {asked.dtype} convolutions; MiB, GFLOP an iteration")
    print(
        f"{'level':^11} {'computed':<13} {'compiled':>9} {'GFLOP':>9} {'arguments':>9} "
        f"{'results':>8} {'working':>8} {'program':>8} {'peak':>8}  fits"
    )
    rows = []
    for size, budget in schedule(config, whole):
        for tile in [tile for tile in tiles if tile < max(size)] or [0]:
            level = Level(size, budget, Plan(tile, config.history, 0))
            lowered = lower_level(
                config, weights, level, asked.dtype, kind="TPU", regions=asked.masks
            )
            told = in_own_process(compiled_for_tpu, lowered, asked.topology)
            memory = MEMORY.get(told["device"])
            told["fits"] = memory and sum(told["bytes"].values()) <= memory * 2**30
            print(row(size, tile, told), flush=True)
            rows.append({"size": size, "tile": tile, **told, "hlo_bytes": len(lowered)})
            if told["fits"] is not False:
                break
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--preset", default="fast")
    add("--size", type=int, default=512, help="longer side in px (512)")
    add("--aspect", default="4:3", help="width to height (4:3)")
    add("--topology", default="v5e:2x2", help="like v5e:2x2, v4:2x2x1, v6e:2x2 (v5e:2x2)")
    add("--dtype", default="bfloat16", help="of convolutions: bfloat16 or float32 (bfloat16)")
    add("--masks", type=int, default=0, help="number of masks (0)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, as its flag")
    add("--json", type=Path, help="write all figures here")
    asked = parser.parse_args(argv)
    try:
        rows = run(asked)
        if asked.json:
            files.write_bytes(asked.json, (json.dumps(rows, indent=2) + "\n").encode())
    except ArtistyleError as error:
        print(f"compile_for_tpu.py: {error}", file=sys.stderr)
        return error.exit_status
    return int(any(each["fits"] is False for each in rows[-1:]))


if __name__ == "__main__":
    sys.exit(main())
