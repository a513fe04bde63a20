"""The state of one open page: its run, its latest painting, its large painting. No Gradio."""

import dataclasses
import shutil
import tempfile

from artistyle_tf.config.config import Config
from artistyle_tf.errors import InputError
from artistyle_tf.web.job import Order, Painting, Run
from artistyle_tf.web.studio import Studio

__all__ = ["Desk", "Desks"]


class Desk:
    """One page's place in the studio.

    Args:
      studio: the studio that paints its orders.
      workspace: folder for the checkpoints of its runs, which are deleted when no longer needed.
    """

    def __init__(self, studio: Studio, workspace: str):
        self.studio = studio
        self.run: Run | None = None
        """The latest run shown on the page."""
        self.large: Run | None = None
        """The latest run in the background, which continues even when the page is closed."""
        self._kept: Painting | None = None
        self._workspace = workspace
        self._folder: str | None = None

    @property
    def painting(self) -> Painting | None:
        """The latest painting of the page."""
        if self.run and self.run.painting:
            self._kept = self.run.painting
        return self._kept

    def start(self, order: Order) -> Run:
        """Paints an order, after stopping the current run.

        Raises:
          InputError: the studio accepts no more orders.
        """
        self._settle()
        self._forget()
        self._folder = tempfile.mkdtemp(dir=self._workspace)
        return self._submit(dataclasses.replace(order, folder=self._folder))

    def stop(self) -> None:
        """Stops the run and saves the picture."""
        if self.run:
            self.studio.stop(self.run)

    def go_on(self) -> Run:
        """Continues the latest painting with its settings: from its checkpoint if it was stopped,
        or from the picture if it was finished.

        Raises:
          InputError: there is no painting yet.
        """
        self._settle()
        kept = self._required()
        order = kept.order
        if kept.stopped and order.folder is not None and order.folder == self._folder:
            return self._submit(dataclasses.replace(order, resume=True))
        # The coarse levels are done.
        config = dataclasses.replace(order.config, init=kept.path, levels=1)
        return self.start(dataclasses.replace(order, config=config, resume=False))

    def change(self, order: Order) -> Run:
        """Paints an order with new settings, starting from the current picture.

        Raises:
          InputError: there is no painting yet.
        """
        self._settle()
        config = dataclasses.replace(order.config, init=self._required().path)
        return self.start(dataclasses.replace(order, config=config))

    def paint_large(self, config: Config) -> Run:
        """Repaints the latest painting with other settings, in the background.

        Raises:
          InputError: there is no painting yet, or the previous large painting is not finished.
        """
        kept = self._required()
        if self.large and self.large.stage != "over":
            raise InputError("a large painting is already in progress")
        order = dataclasses.replace(kept.order, config=config, folder=None, resume=False)
        self.large = self.studio.submit(order)
        return self.large

    def leave(self) -> None:
        """Called when the page is closed: stops and saves its run. A large painting continues."""
        self._settle()
        self._forget()

    def _submit(self, order: Order) -> Run:
        self.run = self.studio.submit(order)
        return self.run

    def _settle(self) -> None:
        """Stops the run and waits until its painting is available."""
        if self.run:
            self.studio.stop(self.run)
            self.run.wait()
        _ = self.painting

    def _required(self) -> Painting:
        if self.painting is None:
            raise InputError("there is no painting yet to continue from")
        return self.painting

    def _forget(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class Desks:
    """The desks of all open pages, by session."""

    def __init__(self, studio: Studio, workspace: str):
        self.studio, self._workspace = studio, workspace
        self._desks: dict[str, Desk] = {}

    def of(self, session: str) -> Desk:
        """The session's desk, created if necessary."""
        return self._desks.setdefault(session, Desk(self.studio, self._workspace))

    def leave(self, session: str) -> None:
        """Called when the session ends."""
        desk = self._desks.pop(session, None)
        if desk:
            desk.leave()
