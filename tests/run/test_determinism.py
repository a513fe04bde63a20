"""The same command gives the same bytes."""

import subprocess

from commands import children, command_line, put_pictures


def test_the_same_command_gives_the_same_bytes(small_file, picture, tmp_path):
    """Twice, and once with TensorFlow's own promise, which on a CPU changes nothing."""
    put_pictures(tmp_path, picture, 64, 96)
    with children() as start:
        runs = []
        for name, more in (("a", []), ("b", []), ("c", ["--deterministic"])):
            flags = ["--size=128", "--iterations=8", *more]
            command = command_line(tmp_path, small_file, *flags, output=f"{name}.png")
            runs.append(start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        for run in runs:
            _, errors = run.communicate()
            assert run.returncode == 0, errors
    first, *others = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert others == [first, first]
