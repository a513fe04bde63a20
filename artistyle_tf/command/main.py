"""The command `artistyle`: flags in, a picture and an exit status out; the rest is called."""

import contextlib
import io
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from artistyle_tf import files
from artistyle_tf.command.devices import is_chief, make_strategy, on_device
from artistyle_tf.command.flags import Command, parse
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.pictures import write
from artistyle_tf.run.checkpoints import Checkpoints
from artistyle_tf.run.events import Callback
from artistyle_tf.scene.inputs import read_inputs
from artistyle_tf.scene.start import read_start
from artistyle_tf.text import one_line, reason
from artistyle_tf.watch.previews import Previews
from artistyle_tf.watch.progress import Progress
from artistyle_tf.watch.tensorboard import TensorBoard, check_tensorboard

if TYPE_CHECKING:
    from artistyle_tf.run.result import Result

__all__ = ["main"]

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

# What the process promises TensorFlow; a library must not. Values that the user set stay.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # what matters is raised as an exception as well
    "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1",  # nothing is trained here; see features.FROZEN
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0, 1 bad file, 2 bad flag, 130 interrupted by
    Ctrl-C, 143 by SIGTERM."""
    _ready_streams()
    with _terminable() as terminated:
        status = _status(argv)
    return EXIT_TERMINATED if terminated and status == EXIT_INTERRUPTED else status


def _status(argv: Sequence[str] | None) -> int:
    try:
        command = parse(sys.argv[1:] if argv is None else argv)
        if isinstance(command, str):
            print(command)
            return 0
        return _run(command)
    except ArtistyleError as error:
        print(f"artistyle: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("artistyle: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(command: Command) -> int:
    write.check_output(command.output)
    if command.tensorboard_dir is not None:
        check_tensorboard()
    if command.trace:
        files.check_folder(command.trace)
    # Before TensorFlow loads, which takes seconds: what is wrong with a picture is said at once.
    inputs = read_inputs(
        command.config,
        command.content,
        command.styles,
        command.content_masks,
        command.style_masks,
    )
    content, styles, masks, size = inputs
    start = read_start(command.config)
    if command.rerun:
        for line in command.rerun.differences(content, styles, start, masks):
            print(f"artistyle: {line}", file=sys.stderr)
    write.check_output(command.output, size)
    checkpoints = None
    if command.checkpoint_dir is not None:
        checkpoints = Checkpoints(
            command.checkpoint_dir, every=command.save_every, resume=command.resume
        )
    progress = Progress()
    with _console(progress), holding(command.output) as alone:
        if not alone:
            print(
                f"artistyle: another run writes {one_line(command.output)} too; the last one wins",
                file=sys.stderr,
            )
        with _quiet_import():
            import tensorflow as tf

            from artistyle_tf.run import painter, recovery

            strategy = make_strategy(command.strategy)  # which some need before anything else
            if command.deterministic:
                tf.config.experimental.enable_op_determinism()
            tf.config.list_logical_devices()  # the devices too have something to say
        try:
            with on_device(command.device), contextlib.ExitStack() as stack:
                callbacks: list[Callback] = [progress, *_watchers(command, stack)]
                result = painter.stylize(
                    content,
                    styles,
                    command.config,
                    content_masks=masks.content,
                    style_masks=masks.styles,
                    callback=callbacks,
                    strategy=strategy,
                    checkpoints=checkpoints,
                )
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            raise ArtistyleError(
                "there is not enough memory; a smaller --size needs less"
            ) from error
        finally:
            progress.close()
    interrupted = result.stop_reason == recovery.INTERRUPTED
    if interrupted and not result.trace:
        raise KeyboardInterrupt  # nothing is painted yet: whatever the file holds is worth more
    if not is_chief(command.strategy):
        return EXIT_INTERRUPTED if interrupted else int(result.error is not None)
    saved = _save(result, command.output)
    if command.trace:
        rows = json.dumps([list(row) for row in result.trace])
        files.write_bytes(command.trace, rows.encode())
    height, width = result.image.shape[:2]
    done = EXIT_INTERRUPTED if interrupted else int(bool(result.error) or saved != command.output)
    print(
        f"{one_line(saved)}: {width}×{height} px, {result.seconds:.0f} s "
        f"after {result.setup_seconds:.0f} s of setting up, {result.stop_reason}, "
        f"objective {result.objective:.4g} ({result.saved_objective:.4g} as saved)"
    )
    return done


def _save(result: "Result", path: str) -> str:
    """Saves the picture, elsewhere if it can't be where it was meant to be; where it is now."""
    try:
        result.save(path)
    except InputError as error:
        name = f"artistyle-{os.getpid()}-{os.path.basename(path)}"
        for folder in (os.getcwd(), tempfile.gettempdir(), os.path.expanduser("~")):
            fallback = os.path.join(folder, name)
            with contextlib.suppress(InputError):
                result.save(fallback)
                print(f"artistyle: {error}; it is in {one_line(fallback)}", file=sys.stderr)
                return fallback
        raise
    return path


def _watchers(command: Command, stack: contextlib.ExitStack) -> Iterator[Callback]:
    """What looks on beside the progress line, closed with the stack."""
    if command.save_every:
        yield Previews(command.output, command.save_every)
    if command.tensorboard_dir is not None:
        board = TensorBoard(command.tensorboard_dir)
        stack.callback(board.close)
        yield board


@contextlib.contextmanager
def _terminable() -> Iterator[list[int]]:
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


def _ready_streams() -> None:
    """Makes sure that there is something to print to, and that it takes any character."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it; a file would get its number
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (open to the end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _console(progress: Progress) -> Iterator[None]:
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
def _quiet_import() -> Iterator[None]:
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
