#!/usr/bin/env python3
"""Measure what a result costs, and write the table into README.md and docs/.

    scripts/benchmark/costs.py                  # all cells
    scripts/benchmark/costs.py 256 512          # these sizes only
    scripts/benchmark/costs.py --write          # writes the table anew, measures nothing

Each cell is one run of the command on the sample pictures, in a process of its own: seconds of the
clock from start to end, and the most memory that the process held. What was measured stays in
docs/notes/costs.json as long as the package, the machine and the versions are the same.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import artistyle_tf

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORE = ROOT / "docs" / "notes" / "costs.json"
PAGES = tuple(ROOT / page for page in ("README.md", "docs/index.md", "docs/measurements.md"))
BEGIN, END = "<!-- costs: scripts/benchmark/costs.py -->", "<!-- end of costs -->"
ROWS = {
    "--preset=fast": (256, 512, 1024),
    "--preset=fast --precision=float32": (256, 512),
    "--preset=fast --weights=preview": (256, 512, 1024),
    "no preset": (256,),
}
"""Flags → longer sides, px."""
SIZES = sorted({size for sizes in ROWS.values() for size in sizes})


def identity() -> dict[str, str]:
    """What the figures depend on, and what they are shown with."""
    text = pathlib.Path("/proc/cpuinfo").read_text("utf-8") if sys.platform == "linux" else ""
    model = re.search(r"model name\s*: (.+)", text)
    units = [word for word in ("amx_bf16", "avx512_bf16", "avx512f") if word in text]

    def git(*words: str) -> str:
        return subprocess.check_output(["git", *words], cwd=ROOT, text=True).strip()

    return {
        "machine": f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}, "
        f"{', '.join(units[:1]) or 'no AVX-512'}), no GPU",
        "versions": f"artistyle {artistyle_tf.__version__}, TensorFlow "
        f"{importlib.metadata.version('tensorflow')}",
        "package": git("rev-parse", "HEAD:artistyle_tf"),
        "commit": git("rev-parse", "--short", "HEAD"),
        "date": f"{datetime.date.today():%-d %B %Y}",
        "load": "with other work on the machine" if os.getloadavg()[0] > 1 else "one run each",
    }


def measure(flags: str, size: int) -> tuple[float, float]:
    """(seconds, GB) of one run."""
    samples = ROOT / "artistyle_tf" / "samples"
    with tempfile.TemporaryDirectory() as folder:
        words = [f"--content={samples}/content.jpg", f"--style={samples}/style.jpg", "--quiet"]
        words += [f"--output={folder}/out.png", f"--size={size}"]
        words += flags.split() if flags.startswith("--") else []
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "artistyle_tf", *words], env=environment)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"costs.py: {flags} at {size} px did not end well")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # bytes
    return seconds, peak / 1e9


def table(stored: dict) -> str:
    """The table and what it was measured with, in Markdown."""
    lines = [f"| | {' | '.join(f'{size} px' for size in SIZES)} |", "|---" * (len(SIZES) + 1) + "|"]
    for flags in ROWS:
        cells = [stored["cells"].get(f"{flags} {size}") for size in SIZES]
        if not any(cells):
            continue
        shown = [f"{cell[0]:.0f} s, {cell[1]:.1f} GB" if cell else "" for cell in cells]
        name = f"`{flags}`" if flags.startswith("--") else flags
        lines.append(f"| {name} | {' | '.join(shown)} |")
    lines += [
        "",
        "Seconds from the shell to the saved file, and the peak memory of the process. The sample",
        f"pictures, reflecting padding; {stored['machine']}; {stored['versions']};",
        f"commit {stored['commit']}, {stored['date']}; {stored['load']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure seconds and memory, write the table.")
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES, help="longer sides, px")
    parser.add_argument("--write", action="store_true", help="write the table, measure nothing")
    asked = parser.parse_args()
    stored = json.loads(STORE.read_text("utf-8")) if STORE.exists() else {"cells": {}}
    if not asked.write:
        now = identity()
        same = all(stored.get(name) == now[name] for name in ("machine", "versions", "package"))
        stored = {**now, "cells": stored["cells"] if same else {}}
        for flags, sizes in ROWS.items():
            for size in set(sizes) & set(asked.sizes):
                stored["cells"][f"{flags} {size}"] = cell = measure(flags, size)
                print(f"{flags}, {size} px: {cell[0]:.1f} s, {cell[1]:.2f} GB", flush=True)
                STORE.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    for page in PAGES:
        before, rest = page.read_text("utf-8").split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n{table(stored)}\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
