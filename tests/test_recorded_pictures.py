"""The pictures of all kinds of commands are what they were: see record_pictures.py."""

import json
import subprocess
import sys

import numpy as np
import pytest

import record_pictures
from places import TESTS

FEW = "fast,network,bfloat16,odd,luminance,masked_tiles,texture,resumed,as_jpeg.jpg"
"""One of each kind that has code of its own; all of them take minutes."""
NEAR, ANYWHERE = 4.0, 40.0
"""Grey levels that the fields of a picture may differ on other machines, on the mean and at all."""


@pytest.mark.slow
def test_they_are_what_they_were(tmp_path):
    command = [sys.executable, str(TESTS / "record_pictures.py"), str(tmp_path), f"--only={FEW}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    recorded = json.loads(record_pictures.RECORDED.read_text())
    paths = record_pictures.painted(tmp_path)
    assert len(paths) >= len(FEW.split(","))
    wanted = recorded["machines"].get(record_pictures.machine())
    if wanted is not None:
        found = record_pictures.checksums(paths)
        assert found == {name: wanted[name] for name in found}
        return
    for path in paths:
        differences = np.subtract(record_pictures.fields(path), recorded["fields"][path.name])
        assert np.abs(differences).mean() < NEAR, path.name
        assert np.abs(differences).max() < ANYWHERE, path.name


def test_every_command_is_recorded():
    recorded = json.loads(record_pictures.RECORDED.read_text())
    names = {name if "." in name else f"{name}.png" for name in record_pictures.COMMANDS}
    assert names <= set(recorded["fields"])
    assert all(names <= set(machine) for machine in recorded["machines"].values())
