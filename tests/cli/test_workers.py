"""Several workers on one machine with the same command: only the first one writes, and tells."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from artistyle_tf.cli import main
from commands import command_line, put_pictures


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def roles(count):
    """TF_CONFIG for each worker."""
    workers = [f"127.0.0.1:{free_port()}" for _ in range(count)]
    for index in range(count):
        task = {"type": "worker", "index": index}
        yield json.dumps({"cluster": {"worker": workers}, "task": task})


# What each worker opens to write, by the interpreter's own account. Its stderr is the test's.
WATCHED = """
import os, sys
folder = sys.argv.pop(1)
written = set()
def look(event, details):
    if event == "open" and isinstance(details[0], str) and details[0].startswith(folder):
        flags = details[2]
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.add(details[0])
    elif event in ("os.mkdir", "os.rename", "os.remove") and str(details[0]).startswith(folder):
        written.add(str(details[0]))
sys.addaudithook(look)
from artistyle_tf.cli.main import main
status = main()
print(len(written), "places written to")
sys.exit(status)
"""


@pytest.mark.slow
def test_two_workers_with_one_command(small_file, picture, tmp_path):
    put_pictures(tmp_path, picture, 96, 128)
    line = command_line(
        tmp_path,
        small_file,
        "--size=128",
        "--iterations=4",
        "--levels=2",
        "--precision=float32",
        "--strategy=multiworker",
        "--save_every=2",
        f"--trace={tmp_path}/trace.json",
        f"--checkpoint_dir={tmp_path}/run",
        f"--tensorboard_dir={tmp_path}/board",
    )
    start = [sys.executable, "-c", WATCHED, str(tmp_path)]
    processes = [
        subprocess.Popen(
            [*start, *line[line.index("artistyle_tf") + 1 :]],
            env={**os.environ, "TF_CONFIG": role, "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for role in roles(2)
    ]
    try:
        told = [process.communicate(timeout=280) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], told
    (out, err), (other_out, other_err) = told
    assert "out.png: 128×96 px" in out
    assert "loading TensorFlow\n" in err
    assert other_out == "0 places written to\n"
    lines = [text for text in other_err.splitlines() if text.startswith("artistyle: ")]
    assert not [text for text in lines if "is computed in tiles" not in text]
    assert "loading TensorFlow" not in other_err
    assert "iteration" not in other_err
    assert not [text for text in err.splitlines() if "another run" in text]
    assert len(json.loads((tmp_path / "trace.json").read_text())) == 4
    assert {"out.png", "out-0002.png", "out-0004.png"} <= {path.name for path in tmp_path.iterdir()}
    assert len(list((tmp_path / "board").iterdir())) == 1
    assert list((tmp_path / "run").iterdir())
    with Image.open(tmp_path / "out.png") as image:
        assert np.asarray(image).shape == (96, 128, 3)


def test_another_worker_refuses_nothing_that_it_does_not_write(
    small_file, picture, tmp_path, monkeypatch, capsys
):
    """Up to where TensorFlow loads: the output and the checkpoints are the first one's affair."""
    put_pictures(tmp_path, picture, 48, 64)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "artistyle-00000002.npz").touch()
    line = command_line(
        tmp_path,
        small_file,
        "--strategy=multiworker",
        f"--trace={tmp_path}/nowhere/trace.json",
        f"--checkpoint_dir={tmp_path}/run",
        output="nowhere/out.png",
    )
    flags = line[line.index("artistyle_tf") + 1 :]
    seen = []

    def loaded(*arguments):
        seen.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "quiet_import", loaded)
    first, second = roles(2)
    monkeypatch.setenv("TF_CONFIG", second)
    assert main.main(flags) == 130
    assert capsys.readouterr().err == "artistyle: interrupted\n"
    assert seen == [(None,)]
    monkeypatch.setenv("TF_CONFIG", first)
    assert main.main(flags) == 1
    assert "there is no folder" in capsys.readouterr().err
    (tmp_path / "nowhere").mkdir()
    assert main.main(flags) == 1
    assert "artistyle-00000002.npz exists already" in capsys.readouterr().err
