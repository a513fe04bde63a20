"""Files that can't grow, for real: the system itself refuses what is too large for its limit."""

import os
import subprocess

import pytest
from PIL import Image

from commands import command_line, put_pictures

resource = pytest.importorskip("resource", reason="this system has no limits of file sizes")


@pytest.fixture
def limited(small_file, picture, tmp_path):
    """A function: limit of every file in bytes → the command's (status, error lines, folder)."""
    put_pictures(tmp_path, picture, 48, 64)
    (tmp_path / "out.png").write_bytes(b"the picture before, by artistyle_tf")

    def run(limit, *flags):
        command = command_line(tmp_path, small_file, "--size=64", "--iterations=5", *flags)
        done = subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        return done.returncode, done.stderr.splitlines(), tmp_path

    return run


def test_room_for_the_picture_but_not_for_checkpoints(limited):
    status, errors, folder = limited(
        50_000, "--checkpoint_dir=checkpoints", "--save_every=2", "--history=50"
    )
    assert status == 0
    refused = [line for line in errors if "can't write checkpoints in checkpoints" in line]
    assert len(refused) == 2
    assert all(line.endswith("the run continues") for line in refused)
    assert list((folder / "checkpoints").iterdir()) == []
    with Image.open(folder / "out.png") as file:
        assert file.size == (64, 48)
    assert (folder / "out-0002.png").is_file()


def test_room_for_nothing(limited):
    status, errors, folder = limited(1_000, "--save_every=2")
    assert status == 1
    assert errors[-1].startswith(f"artistyle: can't write {folder}/out.png: ")
    assert (folder / "out.png").read_bytes() == b"the picture before, by artistyle_tf"
    left = {path.name for path in folder.iterdir()}
    assert not [name for name in left if name.endswith(".tmp") or "-0002" in name]
    assert not any("Traceback" in line for line in errors)
