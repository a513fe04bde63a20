"""The command `artistyle-video`: flags in, a painted clip and an exit status out."""

import importlib.util
import itertools
import logging
from collections.abc import Sequence

from artistyle_tf import files
from artistyle_tf.cli.console import Console, quiet_import, run_command, showing
from artistyle_tf.cli.devices import on_device
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.text import one_line
from artistyle_tf.video.clip import BrokenClipError
from artistyle_tf.video.film import write_film
from artistyle_tf.video.flags import Options, parse
from artistyle_tf.video.passes import paintings_left
from artistyle_tf.video.progress import ClipProgress
from artistyle_tf.video.session import Session
from artistyle_tf.video.survey import Shot, Survey, surveyed
from artistyle_tf.video.work import Work

__all__ = ["main"]

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

            from artistyle_tf.engine import gpus
            from artistyle_tf.video import painting  # noqa: F401 (loads the rest)

            gpus.let_memory_grow()
            tf.config.list_logical_devices()
        with on_device(options.device), progress:
            _paint(session, progress)
    return 0


def _paint(session: Session, progress: ClipProgress) -> None:
    work = Work(session.options.output, session.identity())
    survey = work.survey
    if survey is None:
        logger.debug("looking for cuts")
        survey = surveyed(session.frames())
        work.keep(survey)
    if survey.broken:
        logger.warning("%s; the frames before it are painted", survey.broken)
    try:
        _paint_shots(session, survey, work, progress)
    except BaseException:
        _write_begun(session, survey, work)
        raise
    _write(session, survey, list(survey.times), work, until_end=not survey.broken)
    where = one_line(session.options.output)
    logger.info("%d frames are in %s", len(survey.times), where)
    work.discard()
    if survey.broken:
        raise BrokenClipError(survey.broken)


def _paint_shots(session: Session, survey: Survey, work: Work, progress: ClipProgress) -> None:
    options = session.options

    def missing(shot: Shot) -> int:
        return paintings_left(shot.numbers, work, options.passes)

    shots = [shot for shot in survey.shots if missing(shot)]
    progress.begin(sum(map(missing, shots)), options.passes)
    if min(options.workers, len(shots)) > 1:
        from artistyle_tf.video.shots import paint_shots

        paint_shots(options, shots, work, lambda: progress.finished(sum(map(missing, shots))))
        return
    for shot in shots:
        for _ in session.paint(shot, work):
            pass


def _write_begun(session: Session, survey: Survey, work: Work) -> None:
    """Writes the clip of the frames that are finished when an error ends the run."""
    passes = session.options.passes
    done = list(itertools.takewhile(work.has, survey.times))
    if done:
        try:
            _write(session, survey, done, work, until_end=False)
        except InputError:  # the error that ended the run is said, and probably the reason
            return
        where = one_line(session.options.output)
        logger.warning("%d frames are in %s; the same command resumes from there", len(done), where)
    elif any(
        paintings_left(shot.numbers, work, passes) < passes * len(shot.numbers)
        for shot in survey.shots
    ):
        logger.warning("the first frame is not finished; the same command resumes the run")


def _write(
    session: Session, survey: Survey, numbers: Sequence[int], work: Work, until_end: bool
) -> None:
    """Writes the clip of these frames."""
    logger.debug("writing the clip")
    pictures = ((survey.times[number], work.read(number)) for number in numbers)
    write_film(session.options.output, session.clip, pictures, until_end=until_end)
