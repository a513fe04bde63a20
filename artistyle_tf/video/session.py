"""What a process needs to paint shots: this one, or workers of Ray. TensorFlow loads late."""

import functools
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from artistyle_tf.batch.pool import Options as Sharing
from artistyle_tf.batch.pool import Outcome, run_tasks
from artistyle_tf.batch.worker import computing
from artistyle_tf.engine.inputs import read_start
from artistyle_tf.engine.provenance import Provenance, kinds_of
from artistyle_tf.engine.results import Callbacks
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import output_size
from artistyle_tf.text import one_line, reason
from artistyle_tf.video.flags import Options
from artistyle_tf.video.frame_store import FrameStore
from artistyle_tf.video.reader import Frame, frames_with_masks, read_guides, read_video
from artistyle_tf.video.shots import paint_shot


class Session:
    """A video with its styles and masks, and what paints its shots.

    The callback, as for `stylize`, is called in every frame's run. ConfigError or InputError,
    before TensorFlow loads, if a file can't be used.
    """

    def __init__(self, options: Options, callback: Callbacks | None = None):
        self.options, self._callback = options, callback
        self.video = read_video(options.content)
        self._styles = [read(path) for path in options.styles]
        masks = options.content_masks, options.style_masks
        self._guides = read_guides(*masks, self.video, self._styles)
        self._start = read_start(options.config)
        assert isinstance(options.config.size, int)
        self._size = output_size(self.video.blank(), options.config.size)

    @functools.cached_property
    def painter(self) -> Any:
        """The `FramePainter` for all shots, which has the network and its traces."""
        from artistyle_tf.video.painting import FramePainter

        config, later = self.options.config, self.options.frame_iterations
        painter = FramePainter(config, self._styles, later, self._guides, self._callback)
        painter.weigh(next(self.frames()))
        return painter

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yields the frames to paint with their masks: every `preview_every`-th, beginning with
        `first`."""
        frames = frames_with_masks(self.video, self._guides, first, stop)
        return itertools.islice(frames, 0, None, self.options.preview_every)

    def paint(self, numbers: Sequence[int], store: FrameStore) -> None:
        """Paints the missing frames of a shot into the store."""
        options = self.options
        frames = self.frames(numbers[0], numbers[-1] + 1)
        how = options.temporal_weight, options.static_threshold
        paint_shot(self.painter, store, self._size, frames, *how)

    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to resume another, as plain values."""
        options = self.options
        pictures = kinds_of(None, self._styles, self._start, Masks((), self._guides.styles))
        own = options._asdict()
        for name in (
            "styles",
            "style_masks",
            "output",
            "config",
            "quiet",
            "workers",
            "device",
            "overwrite",
        ):
            del own[name]
        return {
            **Provenance.of(options.config, pictures, self.painter.weights).identity(),
            **own,
            "content": _digest(options.content),
            "content_masks": [_digest(path) for path in options.content_masks],
        }


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"can't read {one_line(path)}: {reason(error)}") from error


def paint_with_workers(
    options: Options, shots: Sequence[Sequence[int]], store: FrameStore, tell: Callable[[], None]
) -> None:
    """Has Ray workers paint shots, given as frame numbers, into the store.

    A shot whose worker dies goes to another one, at most three. `tell` is called twice a second in
    another thread. KeyboardInterrupt: stopped; finished frames stay. ArtistyleError: Ray can't
    start, or, after all others, a shot failed.
    """
    failures: list[str] = []
    ended = threading.Event()

    def note(numbers: Sequence[int], outcome: Outcome) -> None:
        if outcome.status == "failed":
            failures.append(f"the shot at frame {numbers[0] + 1} failed: {outcome.reason}")

    def tell_again() -> None:
        while not ended.wait(0.5):
            tell()

    make, sharing = functools.partial(ShotWorker, options, store), Sharing(device=options.device)
    thread = threading.Thread(target=tell_again, daemon=True)
    thread.start()
    try:
        run_tasks(make, shots, note, options=sharing, count=options.workers)
    finally:
        ended.set()
        thread.join()
    if failures:
        raise ArtistyleError("; ".join(failures))


class ShotWorker:
    """Paints one shot after another, as `batch.worker.Worker` paints jobs."""

    def __init__(self, options: Options, store: FrameStore, sharing: Sharing):
        self._store, self._sharing = store, sharing
        self._stop = threading.Event()
        self._session = Session(options, lambda step: not self._stop.is_set())

    def stop(self) -> None:
        """Stops the current shot after an iteration."""
        self._stop.set()

    def paint(self, numbers: Sequence[int]) -> Outcome:
        try:
            with computing(self._sharing):
                self._session.paint(numbers, self._store)
        except KeyboardInterrupt:
            return Outcome("stopped")
        except (MemoryError, ArtistyleError) as error:
            return Outcome("failed", reason(error) if str(error) else "out of memory")
        return Outcome("done")
