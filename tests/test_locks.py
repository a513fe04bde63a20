"""Locks by name: one holder, and nothing left behind."""

import errno
import os
import subprocess
import sys
import tempfile
import threading

import pytest

from artistyle_tf.locks import hold, holding
from commands import children

fcntl = pytest.importorskip("fcntl", reason="locks by another system call")


def test_a_lock_goes_with_its_process(tmp_path):
    code = "import sys; from artistyle_tf.locks import hold; f = hold(sys.argv[1]);"
    code += "print(f is not None, flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with children() as start:
        process = start([sys.executable, "-c", code, str(tmp_path / "x")], text=True, **pipes)
        assert process.stdout.readline() == "True\n"
        with holding(str(tmp_path / "x")) as alone:
            assert not alone
        with holding(str(tmp_path / "y")) as alone:
            assert alone
    with holding(str(tmp_path / "x")) as alone:
        assert alone


def test_a_released_lock_leaves_no_file(tmp_path, monkeypatch):
    """Whatever thread releases it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    locks = [hold("x"), hold("y")]
    assert len(list(tmp_path.iterdir())) == 2
    for lock in locks:
        thread = threading.Thread(target=lock.release)
        thread.start()
        thread.join()
    assert not list(tmp_path.iterdir())


def test_a_lock_that_goes_while_another_opens_it_is_taken_anew(tmp_path, monkeypatch):
    """Locking what is no longer at its path would let a third one in."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    flock, removed = fcntl.flock, []

    def late(file, how):
        if not removed:
            removed.extend(tmp_path.iterdir())
            os.remove(removed[0])
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with holding("x") as alone:
        assert alone
        assert list(tmp_path.iterdir()) == removed
        with holding("x") as alone_too:
            assert not alone_too


@pytest.mark.parametrize("missing", ["folder", "locks"])
def test_where_nothing_can_be_locked_everybody_goes_on(tmp_path, monkeypatch, missing):
    def flock(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    folder = tmp_path / "absent" if missing == "folder" else tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    if missing == "locks":
        monkeypatch.setattr(fcntl, "flock", flock)
    with holding("x") as alone, holding("x") as other:
        assert alone
        assert other
