"""Compiling for TPUs, and a step that JAX runs: the scripts, at small sizes."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from places import SCRIPTS

SHALLOW = ["--set=style_layers=block1_conv1,block2_conv1", "--set=content_layers=block2_conv1"]


def needs_jax():
    """JAX stays out of this process, where it would warn of every fork."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("the extra tpu-check is not installed")


@pytest.fixture
def compiler(script):
    return script("compile_for_tpu")


@pytest.fixture
def told():
    return {
        "device": "TPU v5 lite",
        "seconds": 1.0,
        "flops": 2e9,
        "bytes": {"arguments": 2**30, "results": 2**29, "working": 2**33, "program": 2**20},
    }


def test_a_level_is_compiled_for_a_tpu(compiler, small_file, tmp_path, capsys):
    pytest.importorskip("libtpu", reason="the extra tpu-check is not installed")
    path = tmp_path / "figures.json"
    given = ["--size=64", f"--set=weights={small_file}", "--set=history=5", f"--json={path}"]
    assert compiler.main([*given, *SHALLOW]) == 0
    (level,) = json.loads(path.read_text())["levels"]
    assert level["size"] == [48, 64]
    assert level["device"] == "TPU v5 lite"
    assert level["fits"] is True
    assert level["flops"] > 1e6
    assert level["bytes"]["working"] > 0
    assert "64×48" in capsys.readouterr().out


def test_what_does_not_fit_is_tried_in_tiles(compiler, told, monkeypatch, capsys):
    tried = []

    def compiled(config, level, asked):
        tried.append((level.size, level.plan.tile))
        working = 2**36 if level.plan.tile in (0, 2048) else 2**20
        return {**told, "bytes": {**told["bytes"], "working": working}}

    monkeypatch.setattr(compiler, "compiled", compiled)
    assert compiler.main(["--size=4096", "--set=levels=1"]) == 0
    assert tried == [((3072, 4096), 0), ((3072, 4096), 2048), ((3072, 4096), 1024)]
    assert capsys.readouterr().out.count("NO") == 2


def test_it_fails_where_nothing_fits(compiler, told, monkeypatch):
    huge = {**told["bytes"], "working": 2**36}
    monkeypatch.setattr(compiler, "compiled", lambda *_: {**told, "bytes": huge})
    assert compiler.main(["--size=512", "--set=levels=1", "--set=tile_size=0"]) == 1


def test_a_device_that_nobody_knows(compiler, told):
    assert compiler.fits(told) is True
    assert compiler.fits({**told, "device": "TPU v99"}) is None


def test_bad_flags_are_one_line(compiler, capsys):
    assert compiler.main(["--set=colour=red"]) == 1
    assert capsys.readouterr().err == (
        "compile_for_tpu.py: --set=colour=red: there is no setting 'colour'\n"
    )


def test_a_compiler_that_fails_is_one_line(compiler, small_file, capsys, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'Traceback' >&2\necho 'No module named jax' >&2\nexit 1\n")
    python.chmod(0o755)
    given = ["--size=32", f"--set=weights={small_file}", f"--python={python}"]
    assert compiler.main([*given, *SHALLOW]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "compile_for_tpu.py: the compiler failed: No module named jax"


def test_jax_runs_the_step_that_was_written(script, small_file, picture, tmp_path):
    needs_jax()
    for name, seed in (("content", 1), ("style", 2)):
        Image.fromarray(picture(32, 48, seed)).save(tmp_path / f"{name}.png")
    folder, figures = tmp_path / "step", tmp_path / "figures.json"
    pair = f"--pair={tmp_path / 'content.png'},{tmp_path / 'style.png'}"
    given = [pair, "--size=48", f"--weights={small_file}", "--iterations=5", "--steps=3"]
    assert script("export_hlo").main([*given, f"--folder={folder}"]) == 0
    exported = json.loads((folder / "step.json").read_text())
    assert exported["size"] == [32, 48]
    command = [sys.executable, SCRIPTS / "benchmark" / "run_hlo.py", folder, "--json", figures]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ran = json.loads(figures.read_text())
    assert ran["objective"] == pytest.approx(exported["objective"], rel=1e-3)
    assert ran["iterations"] == 5
    assert ran["seconds_an_iteration"] > 0
    # And an objective that is not the CPU's is found out.
    exported["objective"] *= 2
    (folder / "step.json").write_text(json.dumps(exported))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


BESIDE = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import run_hlo
here = pathlib.Path(sys.argv[2])
asked = run_hlo.argparse.Namespace(
    folder=here, reference=here / "reference.py", reference_python=sys.executable, evaluations=2
)
told = {"size": [32, 48], "config": {"init": "content", "style_weight": 60.0}}
rows = run_hlo.reference(asked, told)
assert rows == [(1, 2.0, 9.0), (2, 8.0, 5.0)], rows
assert run_hlo.as_low([(1, 1.0, 7.0), (2, 3.0, 5.0)], rows[-1][2]) == 3.0
assert run_hlo.as_low([(1, 1.0, 7.0)], 5.0) is None
print("beside")
"""


def test_the_reference_runs_beside_it(tmp_path):
    needs_jax()
    (tmp_path / "reference.py").write_text(
        "import json, sys\n"
        "given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "assert given['--device'] == 'cpu' and given['--size'] == '48', given\n"
        "json.dump([[1, 2.0, 9.0], [2, 8.0, 5.0]], open(given['--trace'], 'w'))\n"
    )
    command = [sys.executable, "-c", BESIDE, SCRIPTS / "benchmark", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "beside\n", done.stderr


def test_bfloat16_travels_as_its_bits(script):
    import tensorflow as tf

    array, dtype = script("export_hlo").plain(tf.constant([1.5], tf.bfloat16))
    assert (array.dtype, dtype) == (np.uint16, "bfloat16")
    assert array.tolist() == [0x3FC0]
