"""Paints what is ordered on the page, one run at a time, and goes on from there: the same run,
other settings, a larger size. Between runs it paints drafts. No Gradio; the first run loads
TensorFlow.

A thread paints, since a run outlives the page that ordered it: a closed page's picture is still
saved, and a large painting goes on. Gradio's own queue serves events of open pages only.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import itertools
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from artistyle_tf import samples
from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.cli.parsing import number
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.config.validation import MAX_SIZE, integer
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.inputs import read_inputs
from artistyle_tf.engine.plan import Plan, Room, make_plan, schedule
from artistyle_tf.engine.results import Step
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images import read
from artistyle_tf.images.picture import MIN_SIDE, Picture
from artistyle_tf.images.sizes import fit, whole_cells
from artistyle_tf.text import reason
from artistyle_tf.vgg.weights import load
from artistyle_tf.web.form import Limits, check_pixels

if TYPE_CHECKING:
    from artistyle_tf.engine.painter import Painter
    from artistyle_tf.engine.results import Result

logger = logging.getLogger("artistyle_tf")

PAUSE = 0.7  # Minimum seconds between two pictures shown.
LONGEST_QUEUE = 20  # Waiting runs; further ones are refused.
LINGER = 10.0  # Seconds that the files of a visit outlive it.
KEPT_PAINTERS = 2  # Painters kept with networks and graphs, for the latest settings.
DRAFT = Config.preset("fast", size=144, levels=1, iterations=60, weights="preview")


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
    """What to paint."""

    config: Config
    content: Picture | None
    style: Picture | None
    mask: Picture | None = None  # White where the style applies; None: everywhere.
    owner: str = ""  # Whose list of recent paintings it is in.
    lasting: bool = False  # Whether it goes on when its page is closed.
    draft: bool = False  # Quick, small and not saved.
    folder: str | None = None  # For its checkpoint; None: none.
    resume: bool = False  # From the checkpoint in the folder.

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the painting. InputError: too small."""
        return read_inputs(self.config, self.content, self.style).size


class Run:
    """An order and what became of it. Any thread may read or stop it; one thread paints it."""

    def __init__(self, order: Order):
        self.order = order
        self.future: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.log = ReportLog()
        self.step: Step | None = None  # The latest one shown, with its
        self.image: np.ndarray | None = None  # picture, uint8 [H, W, 3].
        self.result: Result | None = None  # Set after the painting is saved as `path`.
        self.path = ""
        self.error: str | None = None
        self.stopping = False
        self._due = 0.0

    @property
    def over(self) -> bool:
        """Whether it has ended, with or without a painting."""
        return self.future.done()

    @property
    def unfinished(self) -> bool:
        """Whether its painting was saved before the last iteration."""
        return self.result is not None and (self.stopping or self.result.error is not None)

    def stop(self) -> None:
        """Stops it after the current iteration, or takes it out of the queue."""
        if not self.over:
            self.stopping = True
            self.future.cancel()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is over; returns whether it is."""
        with contextlib.suppress(concurrent.futures.CancelledError, TimeoutError):
            self.future.exception(seconds)
        return self.over

    def updates(self, pause: float = PAUSE) -> Iterator[None]:
        """Yields whenever there may be something new to show, finally when it is over."""
        if not self.over:
            yield
        while not self.wait(pause):
            yield
        yield

    def __call__(self, step: Step) -> bool | None:
        """The run's callback: keeps the step, and stops the run if asked to."""
        began = time.monotonic()
        if began >= self._due or step.iteration == step.iterations or self.stopping:
            self.step, self.image = step, step.image()
            self._due = began + PAUSE
        return False if self.stopping else None


def make_painter(config: Config) -> "Painter":
    from artistyle_tf.engine.painter import Painter

    return Painter(config)


class Studio:
    """Paints orders one at a time, first come, first served, and saves paintings in `folder`, or in
    `spare` if that fails."""

    def __init__(
        self, folder: str, spare: str, make_painter: Callable[[Config], Any] = make_painter
    ):
        self.folder = folder
        self.saved: list[tuple[str, str]] = []
        """(owner, path) of every painting since the start, oldest first."""
        self._spare = spare
        self._painter = functools.lru_cache(KEPT_PAINTERS)(make_painter)
        self._sketcher = functools.cache(make_painter)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "studio")
        self._queue: list[Run] = []
        self._ordering = threading.Lock()

    def submit(self, order: Order) -> Run:
        """Queues an order; drafts yield to it. InputError: the queue is full, or the studio is
        closing."""
        run = Run(order)
        with self._ordering:
            self._queue = self._unfinished()
            for other in self._queue:
                if other.order.draft and not order.draft:
                    other.stop()
            if len(self._queue) > LONGEST_QUEUE:
                raise InputError(f"{LONGEST_QUEUE} runs are already waiting; try again later")
            try:
                run.future = self._thread.submit(self._paint, run)
            except RuntimeError:
                raise InputError("the server is stopping") from None
            self._queue.append(run)
        return run

    def draft(self, content: Picture, style: Picture, config: Config) -> Run | None:
        """Begins a draft with the config's strength, stroke size and colours; None if paintings are
        being made."""
        if not all(run.order.draft for run in self._unfinished()):
            return None
        settings = {name: getattr(config, name) for name in ("strength", "style_scale", "color")}
        quick = dataclasses.replace(DRAFT, **settings)
        return self.submit(Order(quick, content, style, draft=True))

    def warm(self) -> None:
        """Makes the painter of drafts ready, before the first is asked for."""
        content, style = (read(str(path)) for path in (samples.content(), samples.style()))
        begun = self._sketcher(DRAFT)
        self._thread.submit(begun, content, style, callback=lambda step: False)

    def place(self, run: Run) -> int:
        """Number of paintings ahead in the queue; 0 if it is being painted or over."""
        queue = [one for one in self._unfinished() if not one.order.draft]
        return queue.index(run) if run in queue else 0

    def close(self) -> None:
        """Accepts no more orders, stops all runs, and waits until the picture is saved."""
        self._thread.shutdown(wait=False)
        for run in reversed(self._unfinished()):
            run.stop()
        self._thread.shutdown()

    def _unfinished(self) -> list[Run]:
        return [run for run in self._queue if not run.over]

    def _paint(self, run: Run) -> None:
        order = run.order
        try:
            if order.draft:
                # One painter for all drafts: its network is loaded, and its functions are traced.
                painter = self._sketcher(DRAFT).tuned(order.config)
                run.result = painter(order.content, order.style, callback=run)
                return
            result = self._painter(order.config)(
                order.content,
                order.style,
                content_masks=[order.mask] if order.mask else [],
                callback=[run, run.log],
                checkpoints=order.folder
                and Checkpoints(order.folder, every=10**6, resume=order.resume),
            )
            if result.error:
                run.error = f"{result.stop_reason}: {reason(result.error)}"
            self._save(run, result)
            run.result = result
        except ArtistyleError as error:
            run.error = str(error)
        except Exception as error:
            kind = type(error).__name__
            if kind in ("MemoryError", "ResourceExhaustedError"):
                run.error = "there is not enough memory; a smaller size needs less"
            else:
                logger.error("the run failed: %s: %s", kind, reason(error))
                run.error = f"the run failed: {reason(error)}"

    def _save(self, run: Run, result: "Result") -> None:
        """Saves the painting under a new name, made from the photo's."""
        picture = run.order.content or run.order.style
        stem = os.path.splitext(picture.name)[0] if picture else ""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:40] or "picture"
        stem += time.strftime("-%Y%m%d-%H%M%S")
        names = itertools.chain([stem], (f"{stem}-{again}" for again in itertools.count(2)))
        paths = (os.path.join(self.folder, f"{name}.png") for name in names)
        with contextlib.suppress(OSError):
            os.makedirs(self.folder, exist_ok=True)  # it may have been deleted
        run.path = next(path for path in paths if not os.path.lexists(path))
        try:
            result.save(run.path)
        except InputError as error:
            run.error = "the server can't save it in its folder; download it here"
            logger.error("%s", error)
            run.path = os.path.join(self._spare, os.path.basename(run.path))
            result.save(run.path)
        self.saved.append((run.order.owner, run.path))


def delete_soon(*paths: str) -> None:
    """Deletes files and folders when what is under way can't need them any more: updates that are
    being made, and pictures that are being sent."""

    def delete() -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    timer = threading.Timer(LINGER, delete)
    timer.daemon = True  # the server's own folder goes with the server
    timer.start()


class Session:
    """A visit: one open page, with a folder for its files, which is deleted when it ends."""

    def __init__(self, studio: Studio, workspace: str):
        self.run: Run | None = None  # The latest run on the page.
        self.draft: Run | None = None  # The latest draft; its pictures are shown while it is.
        self.owner = ""  # See `Order`.
        self.uploads: dict[str, str] = {}  # Path of a picture that the page has → its original.
        self.listed: list[str] = []  # Paths of the recent paintings shown.
        self.pictures: list[str] = []  # Files that the page shows.
        self.folder = tempfile.mkdtemp(prefix="visit-", dir=workspace)
        self._studio = studio
        self._painted: Run | None = None
        self._checkpoint: str | None = None

    @property
    def painted(self) -> Run | None:
        """The latest run of the page that has a painting."""
        if self.run and self.run.result:
            self._painted = self.run
        return self._painted

    def start(self, order: Order) -> Run:
        """Paints an order, after stopping the current run."""
        self._settle()
        if self._checkpoint:
            shutil.rmtree(self._checkpoint, ignore_errors=True)
        self._checkpoint = None if order.lasting else tempfile.mkdtemp(dir=self.folder)
        order = dataclasses.replace(order, owner=self.owner, folder=self._checkpoint, resume=False)
        self.run = self._studio.submit(order)
        return self.run

    def sketch(self, content: Picture, style: Picture, config: Config) -> Run | None:
        """Begins a draft in place of the current one; see `Studio.draft`."""
        if self.draft:
            self.draft.stop()
        self.draft = self._studio.draft(content, style, config)
        return self.draft

    def go_on(self) -> Run:
        """Goes on from the latest painting: from its checkpoint if it was stopped, else from the
        picture."""
        self._settle()
        painted = self.require_painted()
        order = painted.order
        if painted.unfinished and order.folder and order.folder == self._checkpoint:
            self.run = self._studio.submit(dataclasses.replace(order, resume=True))
            return self.run
        # The coarse levels are done.
        config = dataclasses.replace(order.config, init=painted.path, levels=1)
        return self.start(dataclasses.replace(order, config=config))

    def change(self, order: Order) -> Run:
        """Paints an order with new settings, starting from the current picture."""
        self._settle()
        config = dataclasses.replace(order.config, init=self.require_painted().path)
        return self.start(dataclasses.replace(order, config=config))

    def leave(self) -> None:
        """Ends the visit: stops and saves the run, unless it is lasting, and soon deletes the
        files."""
        if self.draft:
            self.draft.stop()
        if not (self.run and self.run.order.lasting):
            self._settle()
        self.run = None
        delete_soon(self.folder)

    def require_painted(self) -> Run:
        """The latest run that has a painting; InputError if there is none yet."""
        if self.painted is None:
            raise InputError("there is no result yet to continue from")
        return self.painted

    def _settle(self) -> None:
        """Stops the run and waits until its painting is available."""
        self.draft = None
        if self.run:
            self.run.stop()
            self.run.wait()
        _ = self.painted


def enlarged(painted: Run, longer: str, limits: Limits) -> Order:
    """The painting's order for a larger size, `longer` px, with iterations as in preset `large`.
    An `ArtistyleError` for no integer, or too large a one."""
    order, large = painted.order, PRESETS["large"]
    size: Any = integer("size", number(longer.strip(), int), MIN_SIDE, MAX_SIZE)
    if order.content is None:  # a texture, which may not be square
        size = fit(*order.size, size)[::-1]
    history = min(order.config.history, large["history"])
    config = dataclasses.replace(order.config, size=size, finest=large["finest"], history=history)
    order = dataclasses.replace(order, config=config, lasting=True)
    check_pixels("the result", order.size, limits)
    return order


def estimate(painted: Run, order: Order, room: Room) -> tuple[float, Plan]:
    """Seconds and plan of a large painting, by the pace of the one there is. An `ArtistyleError` if
    it does not fit into the memory says what would."""
    assert painted.result is not None
    config = order.config
    levels = schedule(config, whole_cells(order.size))
    weights = load(config.weights, config.layers[-1], report=lambda *text: None)
    channels = {name: pair[0].shape[-1] for name, pair in weights.layers.items()}
    itemsize = 2 if painted.result.record["convolutions"].startswith("bfloat16") else 4
    plan = make_plan(config, levels[-1][0], channels, itemsize, room, 1 if order.mask else 0)
    first, *rest = painted.result.trace  # the first iteration is slower
    began, rows = (first[1], rest) if rest else (0.0, [first])
    pace = (rows[-1][1] - began) / sum(height * width for *_, height, width in rows)
    return pace * sum(height * width * budget for (height, width), budget in levels), plan
