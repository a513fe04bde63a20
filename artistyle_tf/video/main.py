"""The command `artistyle-video`: flags in, a painted video and an exit status out."""

import contextlib
import importlib.util
import itertools
import logging
import math
from collections.abc import Iterator, Sequence

from artistyle_tf import files
from artistyle_tf.cli.console import Console, quiet_import, run_command, showing
from artistyle_tf.cli.devices import on_device
from artistyle_tf.engine.results import Step, TimeLeft
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.text import clock, one_line
from artistyle_tf.video.flags import Options, parse
from artistyle_tf.video.frame_store import FrameStore, Survey, find_shots
from artistyle_tf.video.reader import BrokenVideoError
from artistyle_tf.video.session import Session, paint_with_workers
from artistyle_tf.video.writer import write_video

logger = logging.getLogger("artistyle_tf")

LEAST = 3  # Frames painted before the time left is told.


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which --help explains."""
    return run_command("artistyle-video", parse, _run, argv)


def _run(options: Options) -> int:
    if not all(map(importlib.util.find_spec, ("av", "cv2"))):
        raise ArtistyleError(
            "a video needs av and opencv-python-headless, not both installed here: "
            'pip install "artistyle-tf[video]"'
        )
    with showing(progress=not options.quiet) as console:
        _paint(options, console)
    return 0


def _paint(options: Options, console: Console) -> None:
    # Before TensorFlow loads, which takes seconds: a file that can't be used is reported at once.
    files.check_folder(options.output)
    files.check_overwrite(options.output, options.overwrite)
    progress = VideoProgress()
    session = Session(options, progress)
    with holding(options.output) as alone:
        if not alone:
            raise InputError(f"another run is writing {one_line(options.output)}")
        with quiet_import(console.progress):
            import tensorflow as tf

            from artistyle_tf.engine.solvers import let_memory_grow
            from artistyle_tf.video import painting  # noqa: F401 (loads the rest)

            let_memory_grow()
            tf.config.list_logical_devices()
        with on_device(options.device), progress.showing_messages_once():
            _paint_and_write(session, progress)


def _paint_and_write(session: Session, progress: "VideoProgress") -> None:
    """Paints and writes the video; if an error ends the run, the frames finished until then."""
    store = FrameStore.open(session.options.output, session.identity())
    logger.debug("looking for cuts")
    survey = find_shots(session.frames())
    if survey.broken:
        logger.warning("%s; the frames before it are painted", survey.broken)
    try:
        _paint_shots(session, survey.shots, store, progress)
    except BaseException:
        finished = list(itertools.takewhile(store.has, survey.times))
        if not finished:
            logger.warning("the first frame is not finished; the same command resumes the run")
            raise
        with contextlib.suppress(InputError):  # the error that ended the run is the reason
            where = _write(session, survey, finished, store, until_end=False)
            logger.warning("%s; the same command resumes from there", where)
        raise
    logger.info(_write(session, survey, list(survey.times), store, until_end=not survey.broken))
    store.discard()
    if survey.broken:
        raise BrokenVideoError(survey.broken)


def _paint_shots(
    session: Session, shots: Sequence[Sequence[int]], store: FrameStore, progress: "VideoProgress"
) -> None:
    shots = [numbers for numbers in shots if not all(map(store.has, numbers))]

    missing = sum(not store.has(number) for numbers in shots for number in numbers)
    progress.begin(store, missing)
    if min(session.options.workers, len(shots)) > 1:
        paint_with_workers(session.options, shots, store, progress.show)
    else:
        for numbers in shots:
            session.paint(numbers, store)


def _write(
    session: Session, survey: Survey, numbers: Sequence[int], store: FrameStore, until_end: bool
) -> str:
    """Writes these frames as a video; returns a sentence that says so."""
    logger.debug("writing the video")
    paintings = ((survey.times[number], store.read(number)) for number in numbers)
    write_video(session.options.output, session.video, paintings, until_end=until_end)
    frames = "1 frame is" if len(numbers) == 1 else f"{len(numbers)} frames are"
    return f"{frames} in {one_line(session.options.output)}"


class VideoProgress:
    """A callback for every frame's run: shows how much of the video is done, and the time left."""

    def __init__(self) -> None:
        self._store: FrameStore | None = None
        self._before, self._total = 0, 0
        self._time = TimeLeft()

    def begin(self, store: FrameStore, missing: int) -> None:
        """So many frames are missing in the store."""
        self._store, self._before, self._total = store, store.count(), missing

    def __call__(self, step: Step) -> None:
        self.show(f", iteration {step.iteration} of {step.iterations}")

    def show(self, detail: str = "") -> None:
        assert self._store is not None
        done, told = self._store.count() - self._before, ""
        # The first frame of a shot takes much longer than others, and so does one painted ahead.
        left = self._time.seconds(done, self._total - done) if done else math.nan
        if done >= LEAST:
            told = f", about {clock(left)} left"
        logger.debug("frame %d of %d%s%s", min(done + 1, self._total), self._total, detail, told)

    @contextlib.contextmanager
    def showing_messages_once(self) -> Iterator[None]:
        """Hides repeated messages in the block, since every frame's run would repeat them."""
        told: set[str] = set()

        def is_new(record: logging.LogRecord) -> bool:
            text = record.getMessage()
            new = text not in told or text.startswith("frame ")
            told.add(text)
            return new

        logger.addFilter(is_new)
        try:
            yield
        finally:
            logger.removeFilter(is_new)
