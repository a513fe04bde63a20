"""Locks by name: one holder, and none where there are no locks."""

import errno
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


def test_any_thread_releases_it(tmp_path):
    lock = hold(str(tmp_path / "x"))
    assert hold(str(tmp_path / "x")) is None
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    with holding(str(tmp_path / "x")) as alone:
        assert alone


@pytest.mark.parametrize("missing", ["folder", "locks"])
def test_where_nothing_can_be_locked_everybody_goes_on(tmp_path, monkeypatch, missing):
    def flock(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    (tmp_path / "file").touch()
    folder = tmp_path / "file" if missing == "folder" else tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    if missing == "locks":
        monkeypatch.setattr(fcntl, "flock", flock)
    with holding("x") as alone, holding("x") as other:
        assert alone
        assert other
