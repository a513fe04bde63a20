"""The command `artistyle`: flags in, a picture and an exit status out."""

import contextlib
import logging
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from artistyle_tf import files
from artistyle_tf.callbacks.previews import Previews
from artistyle_tf.callbacks.progress import Progress
from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.callbacks.tensorboard import TensorBoard, check_tensorboard
from artistyle_tf.cli.console import EXIT_INTERRUPTED, quiet_import, run_command, showing
from artistyle_tf.cli.devices import check_memory, is_chief, make_strategy, on_device
from artistyle_tf.cli.flags import Command, parse
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.inputs import Inputs, read_inputs, read_start
from artistyle_tf.engine.provenance import kinds_of
from artistyle_tf.engine.results import INTERRUPTED, Callback
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images import write
from artistyle_tf.locks import holding
from artistyle_tf.report.page import check_report
from artistyle_tf.text import one_line

if TYPE_CHECKING:
    from artistyle_tf.engine.results import Result

logger = logging.getLogger("artistyle_tf")

# Lines of TensorFlow's messages that only locate the error: headings, stacks, nodes.
_WHERE = re.compile(r"\s|$|Graph execution error:|Detected at |<stack traces |File \"|\[\[")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which --help explains."""
    return run_command("artistyle", parse, _run, argv)


def _run(command: Command) -> int:
    chief = is_chief(command.strategy)  # the others compute but write nothing
    if chief:
        write.check_output(command.output, depth=command.depth)
        if command.tensorboard_dir is not None:
            check_tensorboard()
        if command.report:
            check_report(command.report)
        for path in filter(None, (command.output, command.report)):
            files.check_overwrite(path, command.overwrite)
    log = ReportLog() if chief and command.report else None
    with contextlib.ExitStack() as stack:
        console = stack.enter_context(showing(progress=chief and not command.quiet))
        # Before TensorFlow loads, which takes seconds, so that bad pictures are reported at once.
        inputs = _read(command)
        check_memory(command.config, inputs.size, command.device, command.strategy)
        if chief:
            write.check_output(command.output, inputs.size, command.depth)
            if not stack.enter_context(holding(command.output)):
                logger.warning(
                    "another run writes %s too; the last one wins", one_line(command.output)
                )
        slow = command.preset == "artistyle" and command.config.optimizer == "tfp"
        if slow and not command.rerun:
            logger.info("--preset=fast takes a quarter of the time, for a crisper picture")
        result = _paint(command, inputs, chief, console.progress, log)
        interrupted = result.stop_reason == INTERRUPTED
        if interrupted and not result.trace:
            raise KeyboardInterrupt  # nothing is painted yet: keep any existing file
    done = EXIT_INTERRUPTED if interrupted else int(result.error is not None)
    return _finish(command, result, log, done) if chief else done


def _read(command: Command) -> Inputs:
    logger.debug("reading the pictures")
    inputs = read_inputs(
        command.config,
        command.content,
        command.styles,
        command.content_masks,
        command.style_masks,
    )
    start = read_start(command.config)
    if command.rerun:
        differences = command.rerun.differences(
            kinds_of(inputs.content, inputs.styles, start, inputs.masks)
        )
        for line in differences:
            logger.warning("%s", line)
    return inputs


def _paint(
    command: Command, inputs: Inputs, chief: bool, progress: Progress | None, log: ReportLog | None
) -> "Result":
    """Runs the painter. ArtistyleError: TensorFlow can't run it; nothing is painted."""
    checkpoints = None
    # Existing checkpoints are at risk from the chief only; the others need them to resume.
    if command.checkpoint_dir is not None and (chief or command.resume):
        checkpoints = Checkpoints(
            command.checkpoint_dir, every=command.save_every, resume=command.resume
        )
    logger.debug("loading TensorFlow")
    with quiet_import(progress):
        import tensorflow as tf

        from artistyle_tf.engine import painter, solvers

        solvers.let_memory_grow()  # before devices are initialised, which would reserve all memory
        solvers.minimizer_class(command.config)  # may import a package
        strategy = make_strategy(command.strategy)  # some must come before anything else
        if command.deterministic:
            tf.config.experimental.enable_op_determinism()
        tf.config.list_logical_devices()  # initialising devices writes messages too
    try:
        with on_device(command.device), contextlib.ExitStack() as stack:
            watchers = list(_watchers(command, progress, stack)) if chief else []
            watchers += [log] if log is not None else []
            return painter.stylize(
                inputs.content,
                inputs.styles,
                command.config,
                content_masks=inputs.masks.content,
                style_masks=inputs.masks.styles,
                callback=watchers,
                strategy=strategy,
                checkpoints=checkpoints,
            )
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise ArtistyleError("there is not enough memory; a smaller --size needs less") from error
    except tf.errors.OpError as error:
        raise ArtistyleError(f"TensorFlow failed: {_why(error)}") from error


def _finish(command: Command, result: "Result", log: ReportLog | None, status: int) -> int:
    """Writes the run's results; returns the exit status."""
    saved = _save(result, command.output, command.depth)
    height, width = result.image.shape[:2]
    if not command.quiet:
        known = math.isfinite(result.saved_objective)
        held = f" ({result.saved_objective:.4g} as saved)" if known else ""
        print(
            f"{one_line(saved)}: {width}×{height} px, {result.seconds:.0f} s "
            f"after {result.setup_seconds:.0f} s of setting up, {result.stop_reason}, "
            f"objective {result.objective:.4g}{held}"
        )
    if command.report:
        result.report(command.report, log or ())
    return status or int(saved != command.output)


def _save(result: "Result", path: str, depth: int) -> str:
    """Saves the picture, elsewhere if the intended path fails; returns the actual path."""
    try:
        result.save(path, depth)
    except InputError as error:
        name = f"artistyle-{os.getpid()}-{os.path.basename(path)}"
        for folder in (os.getcwd(), tempfile.gettempdir(), os.path.expanduser("~")):
            fallback = os.path.join(folder, name)
            with contextlib.suppress(InputError):
                result.save(fallback, depth)
                print(f"artistyle: {error}; it is in {one_line(fallback)}", file=sys.stderr)
                return fallback
        raise
    return path


def _watchers(
    command: Command, progress: Progress | None, stack: contextlib.ExitStack
) -> Iterator[Callback]:
    """The callbacks of the run, closed with the stack."""
    if progress:
        yield progress
    if command.save_every:
        yield Previews(command.output, command.save_every, overwrite=command.overwrite)
    if command.tensorboard_dir is not None:
        board = TensorBoard(command.tensorboard_dir)
        stack.callback(board.close)
        yield board


def _why(error: Exception) -> str:
    """TensorFlow's reason, without positions in its graph and names of nodes."""
    text = re.sub(r"\{\{.*?\}\}\s*", "", str(error))
    lines = [line.strip() for line in text.splitlines() if not _WHERE.match(line)]
    return one_line(": ".join((type(error).__name__, *lines[:1])))[:200]
