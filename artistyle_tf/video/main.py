"""The command `artistyle-video`: flags in, a painted clip and an exit status out."""

import importlib.util
import itertools
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any

from artistyle_tf import files
from artistyle_tf.command.console import Console, exit_status, quiet_import, showing
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.locks import holding
from artistyle_tf.pictures.picture import Picture
from artistyle_tf.pictures.read import read
from artistyle_tf.pictures.sizes import output_size
from artistyle_tf.scene.start import read_start
from artistyle_tf.text import clock, one_line
from artistyle_tf.video.clip import BrokenClipError, Clip, Frame, digest, read_clip
from artistyle_tf.video.engine import Motion, paint_frames
from artistyle_tf.video.film import write_film
from artistyle_tf.video.flags import Options, parse
from artistyle_tf.video.work import Work

__all__ = ["main"]

logger = logging.getLogger("artistyle_tf")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0, 1 bad file, 2 bad flag, 130 interrupted by
    Ctrl-C, 143 by SIGTERM."""
    return exit_status("artistyle-video", lambda: _status(sys.argv[1:] if argv is None else argv))


def _status(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    if isinstance(options, str):
        print(options)
        return 0
    with showing(progress=not options.quiet) as console:
        return _run(options, console)


def _run(options: Options, console: Console) -> int:
    if not all(map(importlib.util.find_spec, ("av", "cv2"))):
        raise ArtistyleError(
            "clips need the packages av and opencv-python-headless: pip install "
            "'artistyle-tf[video]'"
        )
    # Before TensorFlow loads, which takes seconds: a file that is no good is said at once.
    files.check_folder(options.output)
    clip, styles = read_clip(options.content), [read(path) for path in options.styles]
    start = read_start(options.config)
    assert isinstance(options.config.size, int)
    size = output_size(_standing_for(clip), options.config.size)
    for note in clip.notes:
        logger.warning("%s", note)
    with holding(options.output) as alone:
        if not alone:
            raise InputError(f"another run writes {one_line(options.output)}")
        return _painted(options, clip, styles, start, size, console)


def _painted(
    options: Options,
    clip: Clip,
    styles: list[Picture],
    start: Picture | None,
    size: tuple[int, int],
    console: Console,
) -> int:
    progress = _Progress(-(-clip.frame_count // options.preview_every))
    logger.addFilter(progress.new)
    try:
        with quiet_import(console.progress):
            import tensorflow as tf

            from artistyle_tf.run import gpus
            from artistyle_tf.video.painting import FramePainter

            gpus.let_memory_grow()
            tf.config.list_logical_devices()
        painter = FramePainter(options.config, styles, options.frame_iterations, progress)
        work = Work(options.output, _identity(options, styles, start, painter.network))
        motion = Motion(options.temporal_weight, options.look_back, options.flow)
        frames = itertools.islice(clip.frames(), 0, None, options.preview_every)
        done: list[Frame] = []
        ending = "; the same command goes on from there"
        try:
            for frame in paint_frames(frames, painter, work, motion, size):
                done.append(frame._replace(rgb=frame.rgb[:0]))  # when it is shown, not its pixels
                progress.finished()
            ending = ""
        except BrokenClipError:
            ending = ", all there are before that"
            raise
        finally:
            _write(options, clip, work, done, not ending)
            if ending and done:
                where = one_line(options.output)
                logger.warning("%d frames are in %s%s", len(done), where, ending)
            if not ending.startswith(";"):
                work.remove()
    finally:
        logger.removeFilter(progress.new)
    logger.info("%d frames are in %s", len(done), one_line(options.output))
    return 0


def _write(options: Options, clip: Clip, work: Work, done: list[Frame], ended: bool) -> None:
    """The clip of the frames that are done, in the output."""
    if not done:
        return
    logger.debug("writing the clip")
    pictures = ((frame.pts, work.read(frame.number)) for frame in done)
    write_film(options.output, clip, pictures, until_end=ended)


def _standing_for(clip: Clip) -> Picture:
    """A picture of the clip's size and name, for `output_size`."""
    import numpy as np

    return Picture(np.broadcast_to(np.uint8(0), (*clip.size, 3)), None, clip.name, ())


def _identity(
    options: Options, styles: list[Picture], start: Picture | None, network: str
) -> dict[str, Any]:
    """What has to be equal for a run to go on where another was killed."""
    from artistyle_tf import __version__

    settings = options.config.to_dict()
    settings["weights"], settings["init"] = network, start.digest if start else settings["init"]
    own = options._asdict()
    for name in ("content", "styles", "output", "config", "quiet"):
        del own[name]
    return {
        "version": __version__,
        "clip": digest(options.content),
        "styles": [style.digest for style in styles],
        "config": settings,
        **own,
    }


class _Progress:
    """What is shown while a clip is painted: a callback of each frame's run."""

    def __init__(self, total: int):
        self._total, self._done, self._painted = total, 0, 0
        self._began = time.monotonic()
        self._told: set[str] = set()

    def __call__(self, step: Any) -> None:
        if step.iteration == 1:
            self._painted += 1
        of = f" of {self._total}" if self._total else ""
        left = ""
        if self._total and self._painted > 1:
            each = (time.monotonic() - self._began) / (self._painted - 1)
            left = f", about {clock(each * (self._total - self._done))} left"
        logger.debug(
            "frame %d%s, iteration %d of %d%s",
            self._done + 1,
            of,
            step.iteration,
            step.iterations,
            left,
        )

    def finished(self) -> None:
        """A frame is done."""
        self._done += 1

    def new(self, record: logging.LogRecord) -> bool:
        """Whether a message is the first of its kind: each frame's run would say it again."""
        text = record.getMessage()
        if text.startswith("frame "):
            return True
        first = text not in self._told
        self._told.add(text)
        return first
