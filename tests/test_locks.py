"""Locks by name: one holder, and nothing left behind."""

import errno
import os
import subprocess
import sys
import tempfile

import pytest

from artistyle_tf.locks import holding
from commands import children

fcntl = pytest.importorskip("fcntl")


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
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with holding("x") as alone, holding("y") as other:
        assert alone
        assert other
        assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())


def test_a_lock_that_goes_while_another_opens_it_is_taken_anew(tmp_path, monkeypatch):
    """Locking what is no longer at its path would let a third one in."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    flock, removed = fcntl.flock, []

    def late(file, how):
        if not removed:
            removed.append(file.name)
            os.remove(file.name)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with holding("x") as alone:
        assert alone
        assert [str(path) for path in tmp_path.iterdir()] == removed
        with holding("x") as alone_too:
            assert not alone_too


def test_where_nothing_can_be_locked_everybody_goes_on(tmp_path, monkeypatch):
    def flock(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with holding(str(tmp_path / "x")) as alone, holding(str(tmp_path / "x")) as other:
        assert alone
        assert other
