#!/usr/bin/env python3
"""What JAX does with a module of HLO: makes StableHLO of it, or compiles it for TPUs.

    scripts/benchmark/jax_side.py convert step.hlo step.stablehlo     # or step.mlir, to be read
    scripts/benchmark/jax_side.py compile step.hlo --topology=v5e:2x2

`compile` needs Google's compiler, the package libtpu, and no TPU; it prints JSON. These are
JAX's internals: the extra tpu-check pins the versions that they were tried with. No TensorFlow.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def module_of(hlo: bytes) -> Any:
    """The module of StableHLO, in a context of its own."""
    from jax._src.interpreters import mlir
    from jaxlib import xla_client
    from jaxlib.mlir import ir

    computation = xla_client.XlaComputation(hlo)
    text = xla_client._xla.mlir.xla_computation_to_mlir_module(computation)
    with mlir.make_ir_context(), ir.Location.unknown():
        return ir.Module.parse(text)


def portable(hlo: bytes) -> bytes:
    """The module in StableHLO's portable form, which later versions read too."""
    from jaxlib.mlir.dialects import stablehlo

    module = module_of(hlo)
    with module.context:
        without_copies(module.operation)
        made: bytes = stablehlo.serialize_portable_artifact(module, stablehlo.get_minimum_version())
    return made


def without_copies(operation: Any) -> None:
    """Takes out XLA's copies of results, which StableHLO has no word for."""
    for block in (block for region in operation.regions for block in region.blocks):
        for inner in list(block.operations):
            if inner.operation.name == "mhlo.copy":
                inner.operation.result.replace_all_uses_with(inner.operation.operands[0])
                inner.operation.erase()
            else:
                without_copies(inner.operation)


def compiled_for_tpu(hlo: bytes, topology: str) -> dict[str, Any]:
    """Seconds of compiling for one core of that topology, and what the program needs."""
    from jax._src.interpreters import mlir
    from jax.experimental import topologies
    from jaxlib import xla_client

    described = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    device = described.devices[0]
    module = module_of(hlo)
    with module.context:
        code = mlir.module_to_bytecode(module)
    options = xla_client.CompileOptions()
    options.num_replicas = options.num_partitions = 1
    options.device_assignment = xla_client.DeviceAssignment.create(
        np.array([[device.id]], dtype="int32")
    )
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


def main(argv: Sequence[str] | None = None) -> int:
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # no question to Google's cloud
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # compilers may work side by side
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, helped in (("convert", "write StableHLO"), ("compile", "compile for TPUs")):
        command = commands.add_parser(name, help=helped)
        command.add_argument("hlo", type=Path, help="a serialised HloModuleProto")
        if name == "convert":
            command.add_argument("output", type=Path)
        else:
            command.add_argument("--topology", default="v5e:2x2", help="like v5e:2x2, v4:2x2x1")
    asked = parser.parse_args(argv)
    hlo = asked.hlo.read_bytes()
    if asked.command == "convert":
        made = str(module_of(hlo)).encode() if asked.output.suffix == ".mlir" else portable(hlo)
        asked.output.write_bytes(made)
    else:
        print(json.dumps(compiled_for_tpu(hlo, asked.topology)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
