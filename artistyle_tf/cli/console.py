"""Process-wide setup of the command: streams, signals, messages, a quiet import."""

import contextlib
import gc
import io
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO, TypeVar

from artistyle_tf.callbacks.progress import Progress
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.text import reason

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

Parsed = TypeVar("Parsed")

# Set for the whole process, as a library must not. Values set by the user are kept.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # important errors are raised as exceptions too
    "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1",  # nothing is trained here; see extractor.FROZEN
}


def run_command(
    name: str,
    parse: Callable[[Sequence[str]], Parsed | str],
    run: Callable[[Parsed], int],
    arguments: Sequence[str] | None = None,
) -> int:
    """Runs a command and returns its exit status; an error is one line.

    `parse` gives what to do, or a text to print. `run` does it and returns the status, which is
    that of an `ArtistyleError`, 130 after Ctrl-C and 143 after SIGTERM.
    """
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed, as by `artistyle ... >&-`
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115 (until the end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with _terminable() as terminated:
        try:
            parsed = parse(sys.argv[1:] if arguments is None else arguments)
            if isinstance(parsed, str):
                print(parsed)
                status = 0
            else:
                status = run(parsed)
            sys.stdout.flush()
        except BrokenPipeError:  # what was read is enough for whoever reads, like `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 1
        except ArtistyleError as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = error.exit_status
        except KeyboardInterrupt:
            print(f"{name}: interrupted", file=sys.stderr)
            status = EXIT_INTERRUPTED
    return EXIT_TERMINATED if terminated and status == EXIT_INTERRUPTED else status


@contextlib.contextmanager
def _terminable() -> Iterator[list[int]]:
    """Makes SIGTERM end a run like Ctrl-C; a second one ends the process at once. Yields a list
    that gets the signal."""
    received: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield received
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


class Console(logging.Handler):
    """Shows the package's messages as lines, and debug messages in place of the progress; without a
    progress display only warnings and errors."""

    def __init__(self, progress: Progress | None = None):
        super().__init__(logging.DEBUG if progress else logging.WARNING)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if self.progress is None:
            print(f"artistyle: {text}", file=sys.stderr)
        elif record.levelno >= logging.INFO:
            self.progress.line(f"artistyle: {text}")
        else:
            self.progress.status(text)


@contextlib.contextmanager
def showing(progress: bool) -> Iterator[Console]:
    with contextlib.ExitStack() as stack:
        shown = None
        if progress:
            shown = stack.enter_context(Progress(stack.enter_context(_own_stderr())))
        console = Console(shown)
        logger = logging.getLogger("artistyle_tf")
        before = logger.level, logger.propagate
        logger.addHandler(console)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        try:
            yield console
        finally:
            logger.removeHandler(console)
            logger.setLevel(before[0])
            logger.propagate = before[1]


@contextlib.contextmanager
def _own_stderr() -> Iterator[TextIO]:
    """Standard error on a separate descriptor, unaffected by `quiet_import`."""
    try:
        sys.stderr.flush()
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # a pure Python stream
        yield sys.stderr
        return
    with open(descriptor, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as stream:
        yield stream


@contextlib.contextmanager
def quiet_import(progress: Progress | None = None) -> Iterator[None]:
    """Shows what TensorFlow writes while it loads only if loading fails. Its native code writes to
    the file descriptor before any log level applies."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.stderr.flush()
    saved, collected = os.dup(2), gc.isenabled()
    gc.disable()  # it would go through a million objects of modules again and again
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except ConfigError:  # no such device: the error already says what TensorFlow does
            raise
        except Exception as error:
            if progress:
                progress.close()  # its line would be in the way
            sys.stderr.flush()
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise ArtistyleError(f"TensorFlow can't be loaded: {reason(error)}") from error
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            gc.freeze()  # modules all stay
            if collected:
                gc.enable()
