"""What the command shows while it works, on a terminal of its own and in this process."""

import io
import logging
import os
import subprocess
import sys

import pytest

from artistyle_tf.cli import console
from commands import command_line, put_pictures

# Stands in for TensorFlow: waits until it is let go, and then can't be loaded.
STUB = """
import os
os.write(2, b"held back")
os.read(0, 1)
raise ImportError("a stub")
"""


@pytest.fixture
def stubbed(tmp_path, picture):
    """A function: standard error, flags → the command as a process whose TensorFlow is the stub."""
    put_pictures(tmp_path, picture, 48, 64)
    (tmp_path / "stub" / "tensorflow").mkdir(parents=True)
    (tmp_path / "stub" / "tensorflow" / "__init__.py").write_text(STUB)
    path = os.pathsep.join([str(tmp_path / "stub"), os.environ.get("PYTHONPATH", "")])

    def start(stderr, *flags):
        return subprocess.Popen(
            command_line(tmp_path, "auto", *flags),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        )

    return start


def test_a_terminal_is_told_before_tensorflow_loads(stubbed):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()

    def read_until(end):
        said = b""
        while end not in said:
            said += os.read(ours, 1000)
        return said

    with stubbed(theirs) as process:
        os.close(theirs)
        said = read_until(b"loading TensorFlow")
        assert said.startswith(b"\rreading the pictures\rloading TensorFlow")
        assert process.poll() is None  # it waits in the stub, or is on its way there
        process.communicate(b"!")
        said = read_until(b"a stub\r\n").decode()
    os.close(ours)
    assert process.returncode == 1
    *_, last = said.strip().split("\r")
    assert last == "held backartistyle: TensorFlow can't be loaded: a stub"


def test_a_quiet_run_shows_only_why_it_failed(stubbed):
    with stubbed(subprocess.PIPE, "--quiet") as process:
        _, said = process.communicate(b"!")
    assert said == b"held backartistyle: TensorFlow can't be loaded: a stub\n"


def test_messages(capfd, monkeypatch):
    monkeypatch.setattr("artistyle_tf.callbacks.progress.QUIET", 0.0)
    logger = logging.getLogger("artistyle_tf")
    before = logger.level, logger.propagate, list(logger.handlers)
    wanted = {
        True: "tracing\nartistyle: a remark\nartistyle: a warning\nartistyle: an error: why\n",
        False: "artistyle: a warning\nartistyle: an error: why\n",
    }
    for progress, shown in wanted.items():
        with console.showing(progress):
            logger.debug("tracing")
            logger.info("a remark")
            logger.warning("a %s", "warning")
            logger.error("an error: why")
        assert capfd.readouterr() == ("", shown)
    assert (logger.level, logger.propagate, logger.handlers) == before


def test_a_standard_error_without_a_descriptor(monkeypatch):
    """As where the command is called from Python."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with console.showing(True):
        logging.getLogger("artistyle_tf").warning("a warning")
    assert stream.getvalue() == "artistyle: a warning\n"


@pytest.mark.skipif(os.name == "nt", reason="needs sh")
def test_closed_streams_are_no_error():
    line = ["sh", "-c", 'exec "$0" -m artistyle_tf --help >&- 2>&-', sys.executable]
    assert subprocess.run(line).returncode == 0


def test_a_reader_that_stops_reading_is_no_error():
    """Like `artistyle --help | head -1`; what fits the pipe's buffer shows at the end only."""
    read, write = os.pipe()
    os.close(read)
    line = [sys.executable, "-m", "artistyle_tf", "--help"]
    done = subprocess.run(line, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
