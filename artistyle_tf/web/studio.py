"""Paints what is ordered on the page, one run at a time, and goes on from there: the same run,
other settings, a larger size. No Gradio; the first run loads TensorFlow.

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
from artistyle_tf.images.picture import MIN_SIDE, Picture
from artistyle_tf.images.sizes import fit, whole_cells
from artistyle_tf.text import one_line, reason
from artistyle_tf.vgg.weights import load
from artistyle_tf.web.form import Limits, check_pixels

if TYPE_CHECKING:
    from artistyle_tf.engine.painter import Painter
    from artistyle_tf.engine.results import Result

__all__ = [
    "Order",
    "Run",
    "Session",
    "Studio",
    "enlarged",
    "estimate",
    "make_painter",
]

logger = logging.getLogger("artistyle_tf")

PAUSE = 0.7  # Minimum seconds between two pictures shown.
LONGEST_QUEUE = 20  # Waiting runs; further ones are refused.
KEPT_PAINTERS = 2  # Painters kept with networks and graphs, for the latest settings.


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
    """What to paint."""

    config: Config
    content: Picture | None
    style: Picture | None
    mask: Picture | None = None  # White where the style applies; None: everywhere.
    lasting: bool = False  # Whether it goes on when its page is closed.
    folder: str | None = None  # For its checkpoint; None: none.
    resume: bool = False  # From the checkpoint in the folder.

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the painting. InputError: too small."""
        return read_inputs(self.config, self.content, [self.style] if self.style else []).size


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
    """Paints orders one at a time, first come, first served, and saves paintings in `folder`."""

    def __init__(self, folder: str, make_painter: Callable[[Config], Any] = make_painter):
        self.folder = folder
        self.saved: list[str] = []
        self._painter = functools.lru_cache(KEPT_PAINTERS)(make_painter)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "studio")
        self._queue: list[Run] = []
        self._ordering = threading.Lock()

    def submit(self, order: Order) -> Run:
        """Queues an order. InputError: the queue is full, or the studio is closing."""
        run = Run(order)
        with self._ordering:
            self._queue = self._unfinished()
            if len(self._queue) > LONGEST_QUEUE:
                raise InputError(f"{LONGEST_QUEUE} paintings are already waiting; try again later")
            try:
                run.future = self._thread.submit(self._paint, run)
            except RuntimeError:
                raise InputError("the server is stopping") from None
            self._queue.append(run)
        return run

    def place(self, run: Run) -> int:
        """Number of runs ahead in the queue; 0 if it is being painted or over."""
        queue = self._unfinished()
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
            result = self._painter(order.config)(
                order.content,
                order.style,
                content_masks=[order.mask] if order.mask else [],
                callback=[run, run.log],
                checkpoints=order.folder
                and Checkpoints(order.folder, every=10**6, resume=order.resume),
            )
            run.path = self._save(order, result)
            if result.error:
                run.error = f"{result.stop_reason}: {reason(result.error)}"
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

    def _save(self, order: Order, result: "Result") -> str:
        """Saves the painting under a new name, made from the photo's; returns its path."""
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make {one_line(self.folder)}: {reason(error)}") from error
        picture = order.content or order.style
        stem = os.path.splitext(picture.name)[0] if picture else ""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:40] or "picture"
        start = os.path.join(self.folder, f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}")
        names = itertools.chain([".png"], (f"-{again}.png" for again in itertools.count(2)))
        path = next(path for name in names if not os.path.lexists(path := start + name))
        result.save(path)
        self.saved.append(path)
        return path


class Session:
    """One open page; its checkpoints are in the workspace until no longer needed."""

    def __init__(self, studio: Studio, workspace: str):
        self.run: Run | None = None  # The latest run on the page.
        self._studio = studio
        self._painted: Run | None = None
        self._workspace = workspace
        self._folder: str | None = None

    @property
    def painted(self) -> Run | None:
        """The latest run of the page that has a painting."""
        if self.run and self.run.result:
            self._painted = self.run
        return self._painted

    def start(self, order: Order) -> Run:
        """Paints an order, after stopping the current run."""
        self._settle()
        self._forget()
        self._folder = tempfile.mkdtemp(dir=self._workspace)
        self.run = self._studio.submit(
            dataclasses.replace(order, folder=self._folder, resume=False)
        )
        return self.run

    def go_on(self) -> Run:
        """Goes on from the latest painting: from its checkpoint if it was stopped, else from the
        picture."""
        self._settle()
        painted = self.require_painted()
        order = painted.order
        if painted.unfinished and order.folder == self._folder:
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
        """Stops and saves the run, unless it is lasting, and deletes its checkpoint."""
        if not (self.run and self.run.order.lasting):
            self._settle()
            self._forget()

    def require_painted(self) -> Run:
        """The latest run that has a painting; InputError if there is none yet."""
        if self.painted is None:
            raise InputError("there is no painting yet to continue from")
        return self.painted

    def _settle(self) -> None:
        """Stops the run and waits until its painting is available."""
        if self.run:
            self.run.stop()
            self.run.wait()
        _ = self.painted

    def _forget(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


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
    check_pixels("the painting", order.size, limits)
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
    trace = painted.result.trace
    pace = trace[-1][1] / sum(height * width for *_, height, width in trace)
    return pace * sum(height * width * budget for (height, width), budget in levels), plan
