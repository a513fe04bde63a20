"""What one open page has going: its run, the painting it has kept, and its large one. No Gradio."""

import dataclasses
import shutil
import tempfile

from artistyle_tf.errors import InputError
from artistyle_tf.settings.config import Config
from artistyle_tf.web.job import Order, Painting, Run
from artistyle_tf.web.studio import Studio

__all__ = ["Desk", "Desks"]


class Desk:
    """One page's place in the studio.

    Args:
      studio: where its orders go.
      workspace: folder for the checkpoints of its runs, gone when they are of no more use.
    """

    def __init__(self, studio: Studio, workspace: str):
        self.studio = studio
        self.run: Run | None = None
        """The newest one that the page shows."""
        self.large: Run | None = None
        """The newest one that goes on in the background, even when the page is closed."""
        self._kept: Painting | None = None
        self._workspace = workspace
        self._folder: str | None = None

    @property
    def painting(self) -> Painting | None:
        """The newest painting of the page."""
        if self.run and self.run.painting:
            self._kept = self.run.painting
        return self._kept

    def start(self, order: Order) -> Run:
        """Paints an order; a run that is going ends first.

        Raises:
          InputError: the studio takes no more orders.
        """
        self._settle()
        self._forget()
        self._folder = tempfile.mkdtemp(dir=self._workspace)
        return self._submit(dataclasses.replace(order, folder=self._folder))

    def stop(self) -> None:
        """Ends the run; what is painted is kept."""
        if self.run:
            self.studio.stop(self.run)

    def go_on(self) -> Run:
        """Goes on with the kept painting and its settings: exactly where it was stopped, or from
        the picture if it was finished.

        Raises:
          InputError: nothing is kept.
        """
        self._settle()
        kept = self._required()
        order = kept.order
        if kept.stopped and order.folder is not None and order.folder == self._folder:
            return self._submit(dataclasses.replace(order, resume=True))
        # It has been through the coarse levels already.
        config = dataclasses.replace(order.config, init=kept.path, levels=1)
        return self.start(dataclasses.replace(order, config=config, resume=False))

    def change(self, order: Order) -> Run:
        """Paints an order, which has new settings, from the picture that is there now.

        Raises:
          InputError: nothing is painted yet.
        """
        self._settle()
        config = dataclasses.replace(order.config, init=self._required().path)
        return self.start(dataclasses.replace(order, config=config))

    def paint_large(self, config: Config) -> Run:
        """Paints what the kept painting was made from with other settings, in the background.

        Raises:
          InputError: nothing is kept, or the one before is not over.
        """
        kept = self._required()
        if self.large and self.large.stage != "over":
            raise InputError("a large painting is on its way already")
        order = dataclasses.replace(kept.order, config=config, folder=None, resume=False)
        self.large = self.studio.submit(order)
        return self.large

    def leave(self) -> None:
        """The page is closed: its run ends, and what is painted is saved. A large one goes on."""
        self._settle()
        self._forget()

    def _submit(self, order: Order) -> Run:
        self.run = self.studio.submit(order)
        return self.run

    def _settle(self) -> None:
        """Until the run is over, and its painting known."""
        if self.run:
            self.studio.stop(self.run)
            self.run.wait()
        _ = self.painting

    def _required(self) -> Painting:
        if self.painting is None:
            raise InputError("there is no painting yet to go on from")
        return self.painting

    def _forget(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class Desks:
    """The desks of all open pages, by what names their sessions."""

    def __init__(self, studio: Studio, workspace: str):
        self.studio, self._workspace = studio, workspace
        self._desks: dict[str, Desk] = {}

    def of(self, session: str) -> Desk:
        """The session's desk, a new one if it has none."""
        return self._desks.setdefault(session, Desk(self.studio, self._workspace))

    def leave(self, session: str) -> None:
        """The session is over."""
        desk = self._desks.pop(session, None)
        if desk:
            desk.leave()
