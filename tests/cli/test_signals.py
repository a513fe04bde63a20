"""A second signal ends a run at once, whatever it is saving."""

import signal
import subprocess
import sys

import pytest

from commands import HANGING, file_flags, put_pictures

# The first signal comes after the second iteration, the next while the checkpoint is written.
CODE = """
import os, signal, sys
from artistyle_tf.callbacks import progress
from artistyle_tf.cli import main
from artistyle_tf.engine import autosave
number = signal.Signals[sys.argv.pop(1)]
signal.signal(signal.SIGINT, signal.default_int_handler)
def strike(*arguments):
    os.kill(os.getpid(), number)
    for _ in range(10**8):  # until it comes through
        pass
progress.Progress.__call__ = lambda self, step: strike() if step.iteration == 2 else None
autosave.Autosave.save = strike
sys.exit(main.main())
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", -signal.SIGTERM)])
def test_a_second_one_ends_at_once(small_file, picture, tmp_path, name, status):
    put_pictures(tmp_path, picture, 48, 64)
    (tmp_path / "out.png").write_bytes(b"the picture before")
    flags = file_flags(tmp_path, small_file)
    flags += ["--size=64", f"--checkpoint_dir={tmp_path}/run"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, name, *flags],
        capture_output=True,
        text=True,
        timeout=HANGING,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.png").read_bytes() == b"the picture before"
    assert list((tmp_path / "run").iterdir()) == []
