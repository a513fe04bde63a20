"""The same command gives the same bytes."""

import subprocess

from commands import command_line, put_pictures


def test_the_same_command_gives_the_same_bytes(small_file, picture, tmp_path):
    """Twice, and once with TensorFlow's own promise, which on a CPU changes nothing."""
    put_pictures(tmp_path, picture, 64, 96)
    runs = []
    for name, more in (("a", []), ("b", []), ("c", ["--deterministic"])):
        flags = ["--size=128", "--iterations=12", *more]
        command = command_line(tmp_path, small_file, *flags, output=f"{name}.png")
        runs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors
    first, *others = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert others == [first, first]
