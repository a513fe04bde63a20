#!/usr/bin/env python3
"""Compile every level of a preset for a TPU, on a machine without one.

    scripts/compile_for_tpu.py --preset=fast --size=512
    scripts/compile_for_tpu.py --preset=large --size=2048 --set=history=10 --topology=v5e:2x2

Needs `pip install "artistyle-tf[tpu-check]"`, JAX and Google's TPU compiler. What is compiled is
what runs on a TPU: the loop of iterations with objective, minimiser and preconditioner, with the
network's filters and the targets as arguments. Nothing is run. For each level it prints the
seconds that compiling took, FLOP of an iteration as the compiler counts them, bytes at the peak
and whether they fit into the memory of a core.

A level that doesn't fit whole is compiled again in tiles, the largest first, unless
--set=tile_size=... says how.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artistyle_tf import ArtistyleError, Config, files
from artistyle_tf.cli.parsing import setting
from artistyle_tf.engine.plan import TILES, Level, Plan
from artistyle_tf.engine.schedule import schedule

JAX_SIDE = Path(__file__).resolve().parent / "benchmark" / "jax_side.py"

MEMORY = {
    "TPU v2": 8,
    "TPU v3": 16,
    "TPU v4": 32,
    "TPU v5": 95,
    "TPU v5 lite": 16,
    "TPU v6 lite": 32,
}
"""GiB of HBM that a core has, by the name that the compiler gives it (cloud.google.com/tpu)."""


def settings_of(texts: Sequence[str]) -> dict[str, Any]:
    """Settings as their flags are written, NAME=VALUE."""
    fields = {field.name: field for field in dataclasses.fields(Config)}
    made = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in fields:
            raise ArtistyleError(f"--set={text}: there is no setting {name!r}")
        made[name] = setting(fields[name], [value])
    return made


def compiled(config: Config, level: Level, asked: argparse.Namespace) -> dict[str, Any]:
    """What the compiler says of a level, in a process of its own: TensorFlow is not in it.

    Raises:
      ArtistyleError: it can't be compiled.
    """
    from artistyle_tf.engine.lowering import lower_level
    from artistyle_tf.vgg.weights import load

    weights = load(config.weights, config.layers[-1])
    lowered = lower_level(
        config, weights, level, asked.dtype, kind="TPU", regions=asked.masks, iterations=1
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "step.hlo")
        path.write_bytes(lowered.hlo)
        command = [asked.python, str(JAX_SIDE), "compile", str(path)]
        command.append(f"--topology={asked.topology}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        raise ArtistyleError(f"the compiler failed: {last}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**told, "hlo_bytes": len(lowered.hlo)}


def fits(told: Mapping[str, Any]) -> bool | None:
    """Whether a program fits into a core's memory; None for a core that nobody knows."""
    memory = MEMORY.get(told["device"])
    return None if memory is None else sum(told["bytes"].values()) <= memory * 2**30


def row(level: Level, told: Mapping[str, Any]) -> str:
    height, width = level.size
    tile = f"tiles of {level.plan.tile}" if level.plan.tile else "whole"
    each = {name: count / 2**20 for name, count in told["bytes"].items()}
    inside = {True: "yes", False: "NO", None: "?"}[fits(told)]
    return (
        f"{width:>5}×{height:<5} {tile:<13} {told['seconds']:>7.0f} s {told['flops'] / 1e9:>9.0f} "
        f"{each['arguments']:>9.0f} {each['results']:>8.0f} {each['working']:>8.0f} "
        f"{each['program']:>8.0f} {sum(each.values()):>8.0f}  {inside}"
    )


def run(asked: argparse.Namespace) -> list[dict[str, Any]]:
    given = {"jit_compile": "on", **settings_of(asked.set)}
    config = Config.preset(asked.preset, size=asked.size, **given)
    width, height = (float(side) for side in asked.aspect.split(":"))
    shape = height / max(width, height), width / max(width, height)
    whole = round(shape[0] * asked.size), round(shape[1] * asked.size)
    tiles = [0, *TILES] if config.tile_size == "auto" else [config.tile_size]
    print(f"{asked.preset}, {asked.topology}, {asked.dtype} convolutions; MiB, GFLOP an iteration")
    print(
        f"{'level':^11} {'computed':<13} {'compiled':>9} {'GFLOP':>9} {'arguments':>9} "
        f"{'results':>8} {'working':>8} {'program':>8} {'peak':>8}  fits"
    )
    rows = []
    for size, budget in schedule(config, whole):
        for tile in [tile for tile in tiles if tile < max(size)] or [0]:
            level = Level(size, budget, Plan(tile, config.history, 0))
            told = compiled(config, level, asked)
            print(row(level, told), flush=True)
            rows.append({"size": size, "tile": tile, "fits": fits(told), **told})
            if fits(told) is not False:
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
    add("--python", default=sys.executable, help="which has JAX and libtpu (this one)")
    add("--json", type=Path, help="write all figures here")
    asked = parser.parse_args(argv)
    try:
        rows = run(asked)
        if asked.json:
            told = {"preset": asked.preset, "topology": asked.topology, "levels": rows}
            files.write_bytes(asked.json, (json.dumps(told, indent=2) + "\n").encode())
    except ArtistyleError as error:
        print(f"compile_for_tpu.py: {error}", file=sys.stderr)
        return error.exit_status
    return int(any(each["fits"] is False for each in rows[-1:]))


if __name__ == "__main__":
    sys.exit(main())
