"""What the command does to its process: streams, signals, messages, a quiet import."""

import contextlib
import io
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.text import reason
from artistyle_tf.watch.progress import Progress

__all__ = ["ENVIRONMENT", "quiet_import", "ready_streams", "showing", "terminable"]

# What the process promises TensorFlow; a library must not. Values that the user set stay.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # what matters is raised as an exception as well
    "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1",  # nothing is trained here; see features.FROZEN
}


@contextlib.contextmanager
def terminable() -> Iterator[list[int]]:
    """SIGTERM ends a run as Ctrl-C does; yields the list that holds it once it came. The second
    one ends the process at once."""
    received: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # no other may set handlers
        yield received
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


def ready_streams() -> None:
    """Makes sure that there is something to print to, and that it takes any character."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it; a file would get its number
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (open to the end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def showing(progress: Progress) -> Iterator[None]:
    """Shows the package's messages as lines, but passing ones (debug) where the progress stands."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.INFO:
                progress.close()
                print(f"artistyle: {record.getMessage()}", file=sys.stderr)
            else:
                progress.status(record.getMessage())

    logger, handler = logging.getLogger("artistyle_tf"), Handler()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Holds back what TensorFlow writes while it loads, and shows it if it fails to load.

    Its native code writes to the file descriptor, before any log level applies.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception as error:
            sys.stderr.flush()
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise ArtistyleError(f"TensorFlow can't be loaded: {reason(error)}") from error
        finally:
            os.dup2(saved, 2)
            os.close(saved)
