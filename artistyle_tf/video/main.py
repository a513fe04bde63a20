"""The command `artistyle-video`: flags in, a painted clip and an exit status out."""

import contextlib
import importlib.util
import itertools
import logging
import time
from collections.abc import Collection, Iterator, Sequence

from artistyle_tf import files
from artistyle_tf.cli.console import Console, quiet_import, run_command, showing
from artistyle_tf.cli.devices import on_device
from artistyle_tf.engine.events import Step
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.text import clock, one_line
from artistyle_tf.video.clip import BrokenClipError
from artistyle_tf.video.flags import Options, parse
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.session import Session
from artistyle_tf.video.shots import count_missing
from artistyle_tf.video.survey import Survey, find_shots
from artistyle_tf.video.writer import write_clip

__all__ = ["ClipProgress", "main"]

logger = logging.getLogger("artistyle_tf")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0, 1 bad file, 2 bad flag, 130 interrupted by
    Ctrl-C, 143 by SIGTERM."""
    return run_command("artistyle-video", parse, _show, argv)


def _show(options: Options) -> int:
    with showing(progress=not options.quiet) as console:
        return _run(options, console)


def _run(options: Options, console: Console) -> int:
    if not all(map(importlib.util.find_spec, ("av", "cv2"))):
        raise ArtistyleError(
            "clips need the packages av and opencv-python-headless: pip install "
            "'artistyle-tf[video]'"
        )
    # Before TensorFlow loads, which takes seconds: a file that can't be used is reported at once.
    files.check_folder(options.output)
    progress = ClipProgress()
    session = Session(options, progress)
    for note in session.clip.notes:
        logger.warning("%s", note)
    with holding(options.output) as alone:
        if not alone:
            raise InputError(f"another run is writing {one_line(options.output)}")
        with quiet_import(console.progress):
            import tensorflow as tf

            from artistyle_tf.engine.devices import let_memory_grow
            from artistyle_tf.video import painting  # noqa: F401 (loads the rest)

            let_memory_grow()
            tf.config.list_logical_devices()
        with on_device(options.device), progress.showing_messages_once():
            _paint(session, progress)
    return 0


def _paint(session: Session, progress: "ClipProgress") -> None:
    store = FrameStore.open(session.options.output, session.identity())
    survey = store.read_survey()
    if survey is None:
        logger.debug("looking for cuts")
        survey = find_shots(session.frames())
        store.write_survey(survey)
    if survey.broken:
        logger.warning("%s; the frames before it are painted", survey.broken)
    try:
        _paint_shots(session, survey, store, progress)
    except BaseException:
        _write_finished(session, survey, store)
        raise
    _write(session, survey, list(survey.times), store, until_end=not survey.broken)
    logger.info("%s", _where(survey.times, session))
    store.discard()
    if survey.broken:
        raise BrokenClipError(survey.broken)


def _paint_shots(
    session: Session, survey: Survey, store: FrameStore, progress: "ClipProgress"
) -> None:
    options = session.options

    def missing(numbers: Sequence[int]) -> int:
        return count_missing(numbers, store, options.passes)

    shots = [numbers for numbers in survey.shots if missing(numbers)]
    progress.begin(sum(map(missing, shots)), options.passes)
    if min(options.workers, len(shots)) > 1:
        from artistyle_tf.video.workers import paint_with_workers

        def tell() -> None:
            progress.show_missing(sum(map(missing, shots)))

        paint_with_workers(options, shots, store, tell)
    else:
        for numbers in shots:
            session.paint(numbers, store)


def _write_finished(session: Session, survey: Survey, store: FrameStore) -> None:
    """Writes the clip of the frames that are finished when an error ends the run."""
    passes = session.options.passes
    done = list(itertools.takewhile(store.has, survey.times))
    if done:
        with contextlib.suppress(InputError):  # the error that ended the run is the reason
            _write(session, survey, done, store, until_end=False)
            logger.warning("%s; the same command resumes from there", _where(done, session))
    elif any(
        count_missing(numbers, store, passes) < passes * len(numbers) for numbers in survey.shots
    ):
        logger.warning("the first frame is not finished; the same command resumes the run")


def _write(
    session: Session, survey: Survey, numbers: Sequence[int], store: FrameStore, until_end: bool
) -> None:
    """Writes the clip of these frames."""
    logger.debug("writing the clip")
    paintings = ((survey.times[number], store.read(number)) for number in numbers)
    write_clip(session.options.output, session.clip, paintings, until_end=until_end)


def _where(numbers: Collection[int], session: Session) -> str:
    count, output = len(numbers), one_line(session.options.output)
    return f"1 frame is in {output}" if count == 1 else f"{count} frames are in {output}"


class ClipProgress:
    """A callback of every frame's run, which shows how far the clip is, and the time left."""

    def __init__(self) -> None:
        self._total, self._started, self._what = 0, 0, "frame"
        self._began = time.monotonic()

    def begin(self, missing: int, passes: int) -> None:
        """Painting begins; so many paintings are missing, in all passes."""
        self._total, self._began = missing, time.monotonic()
        self._what = "frame" if passes == 1 else f"painting of {passes} passes,"

    def __call__(self, step: Step) -> None:
        self._started += step.iteration == 1
        iteration = f", iteration {step.iteration} of {step.iterations}"
        self._show(self._started, iteration, self._started - 1)

    def show_missing(self, missing: int) -> None:
        """Shows how far workers are; so many paintings are still missing."""
        done = self._total - missing
        self._show(done, "", done)

    def _show(self, number: int, detail: str, done: int) -> None:
        left = ""
        if done:
            each = (time.monotonic() - self._began) / done
            left = f", about {clock(each * (self._total - done))} left"
        logger.debug("%s %d of %d%s%s", self._what, number, self._total, detail, left)

    @contextlib.contextmanager
    def showing_messages_once(self) -> Iterator[None]:
        """In the block, the package's messages are shown once each: the run of every frame would
        repeat them."""
        told: set[str] = set()

        def is_new(record: logging.LogRecord) -> bool:
            text = record.getMessage()
            first = text not in told
            told.add(text)
            return first or text.startswith(self._what)

        logger.addFilter(is_new)
        try:
            yield
        finally:
            logger.removeFilter(is_new)
