"""What the tests start ends with them."""

import subprocess
import sys

import pytest

from commands import children

PIPES = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)


def test_no_child_outlives_its_block_whatever_happens():
    started = []

    def fail():
        with children() as start:
            started.extend(start([sys.executable, "-c", "input()"], **PIPES) for _ in range(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(started) == 2
    for child in started:
        assert child.returncode is not None
        assert all(getattr(child, name).closed for name in PIPES)
