"""The command `artistyle`: flags in, a picture and an exit status out; the rest is called."""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from artistyle_tf import files
from artistyle_tf.command.console import quiet_import, ready_streams, showing, terminable
from artistyle_tf.command.devices import is_chief, make_strategy, on_device
from artistyle_tf.command.flags import Command, parse
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.pictures import write
from artistyle_tf.run.checkpoints import Checkpoints
from artistyle_tf.run.events import Callback
from artistyle_tf.scene.inputs import read_inputs
from artistyle_tf.scene.start import read_start
from artistyle_tf.text import one_line
from artistyle_tf.watch.previews import Previews
from artistyle_tf.watch.progress import Progress
from artistyle_tf.watch.tensorboard import TensorBoard, check_tensorboard

if TYPE_CHECKING:
    from artistyle_tf.run.result import Result

__all__ = ["main"]

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0, 1 bad file, 2 bad flag, 130 interrupted by
    Ctrl-C, 143 by SIGTERM."""
    ready_streams()
    with terminable() as terminated:
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
    with showing(progress), holding(command.output) as alone:
        if not alone:
            print(
                f"artistyle: another run writes {one_line(command.output)} too; the last one wins",
                file=sys.stderr,
            )
        with quiet_import():
            import tensorflow as tf

            from artistyle_tf.run import transfer

            strategy = make_strategy(command.strategy)  # which some need before anything else
            if command.deterministic:
                tf.config.experimental.enable_op_determinism()
            tf.config.list_logical_devices()  # the devices too have something to say
        try:
            with on_device(command.device), contextlib.ExitStack() as stack:
                callbacks: list[Callback] = [progress, *_watchers(command, stack)]
                result = transfer.stylize(
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
    interrupted = result.stop_reason == transfer.INTERRUPTED
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
