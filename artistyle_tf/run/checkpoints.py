"""Checkpoints: all that a run needs to go on as if it had never been killed. NumPy only."""

import contextlib
import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from artistyle_tf.errors import InputError
from artistyle_tf.files import replacing
from artistyle_tf.locks import Lock, hold
from artistyle_tf.run.checkpoint_file import Saved, read, write
from artistyle_tf.run.checkpoint_pace import Pace
from artistyle_tf.text import one_line, reason

__all__ = ["Checkpoints", "Saved"]

KEPT = 2

_NAME = re.compile(r"artistyle-(?P<iteration>\d{8,})(-(?P<number>\d{6,}))?\.npz")
"""With a running number within the folder: the newest is what was written last, which need not be
the highest iteration, and no clock and no copying confuses numbers. Older versions had none."""
_MARK = "checkpoint-"
"""In the names of files that are being written, so that no other run's are taken for leftovers."""
_LEFT = re.compile(rf"\.artistyle-{_MARK}[0-9a-f]+\.tmp")


class Checkpoints:
    """The checkpoints of one run at a time in one folder; the newest `keep` stay.

    Args:
      folder: `begin` makes it if it is not there.
      every: iterations between two, or seconds like "60s"; None: by time, at most a fiftieth of
        the run.
      resume: whether to go on from the newest one that can be read.
      keep: how many stay, 1 or more.

    Raises:
      ConfigError: an `every` that can't be.
      InputError: a folder that can't be; or that has checkpoints, without `resume`: they may be
        worth days.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int | str | None = None,
        resume: bool = False,
        keep: int = KEPT,
    ):
        self.folder, self.resume = os.fspath(folder), resume
        self._every, self._keep = every, max(1, keep)
        self._identity: Mapping[str, Any] = {}
        self._lock: Lock | None = None
        self._pace = Pace(every)
        self._writes = True
        self._broken: list[str] = []
        """Paths of those that `begin` found to be damaged."""
        self.notes: list[str] = []
        """What the user should know of what `begin` found."""
        with self._told("make"):
            _check_place(self.folder)
        self._check_unused()

    def begin(
        self,
        identity: Mapping[str, Any],
        accept: Callable[[Saved], object] = lambda saved: None,
        *,
        writes: bool = True,
    ) -> Saved | None:
        """The newest checkpoint of this very run, or None to begin at the beginning.

        Checkpoints that can't be used are passed over with a note. When one run has ended with
        `close`, another may begin.

        Args:
          identity: name → what must be equal in a checkpoint to go on from: settings, digests.
          accept: called with one; raises ValueError if it can't be used after all.
          writes: whether this process writes the checkpoints. One that doesn't, like a worker
            beside the chief, reads them and leaves the folder as it is.

        Raises:
          InputError: the newest readable one is of another run; the message names the difference.
            Or another process uses the folder now. Or it has checkpoints, without `resume`.
        """
        identity = json.loads(json.dumps(identity))
        if writes:
            with self._told("make"):
                os.makedirs(self.folder, exist_ok=True)
            lock = hold(os.path.join(self.folder, "checkpoints"))
            if lock is None:
                raise InputError(f"another run keeps its checkpoints in {one_line(self.folder)}")
            self._lock = lock
        self._identity = identity
        self._pace, self._writes = Pace(self._every), writes
        self._broken, self.notes = [], []
        try:
            if writes:
                self._check_unused()
                self._remove_leftovers()
            return self._newest(accept) if self.resume else None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets other processes use the folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def due(self, iteration: int) -> bool:
        """Whether one is to be saved after that iteration of the run."""
        return self._writes and self._pace.due(iteration)

    def next_due(self, iteration: int) -> int | None:
        """The next iteration after that one after which one is; None if nobody knows, or none."""
        return self._pace.next_due(iteration) if self._writes else None

    def save(self, iteration: int, header: Mapping[str, Any], arrays: Sequence[Any]) -> None:
        """Writes one, all or nothing, and forgets the damaged and the oldest.

        Args:
          iteration: of the run, for the name.
          header: plain values for JSON.
          arrays: NumPy arrays, or what becomes one; each is converted by itself.

        Raises:
          InputError: it can't be written; the ones before are still there.
        """
        if not self._writes:
            return
        with self._pace.measured(), self._told("write"):
            number = 1 + max((_order(path)[0] for path in self._paths()), default=0)
            path = os.path.join(self.folder, f"artistyle-{iteration:08}-{number:06}.npz")
            with replacing(path, _MARK) as file:
                write(file, {**header, "identity": self._identity}, arrays)
            sound = [path for path in self._files() if path not in self._broken]
            for old in [*self._broken, *sound[self._keep :]]:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(old)
            self._broken = []

    def _newest(self, accept: Callable[[Saved], object]) -> Saved | None:
        """As `begin`."""
        with self._told("read"):
            paths, files = self._paths(), self._files()
        for path in paths:
            if path not in files:
                self.notes.append(f"{one_line(path)} is not a regular file; it is skipped")
        for path in files:
            try:
                saved = read(path, self._identity)
                accept(saved)
            except InputError:
                raise
            except FileNotFoundError:  # its writer has removed it by now
                continue
            except Exception as error:  # zipfile and NumPy raise many kinds
                self.notes.append(f"{one_line(path)} can't be used: {reason(error)}")
                if not isinstance(error, OSError | MemoryError):  # those may pass
                    self._broken.append(path)
                continue
            return saved
        self.notes.append(f"there is no checkpoint in {one_line(self.folder)} to resume from")
        return None

    def _check_unused(self) -> None:
        """InputError if there is what a run that doesn't resume would remove."""
        with self._told("read"):
            files = [] if self.resume else self._files()
        if files:
            raise InputError(
                f"{one_line(files[0])} exists already; --resume continues from it; to "
                "start a new run, remove it or choose another folder"
            )

    def _remove_leftovers(self) -> None:
        """Of a run killed while it wrote."""
        with self._told("read"):
            for name in filter(_LEFT.fullmatch, os.listdir(self.folder)):
                path = os.path.join(self.folder, name)
                if os.path.isfile(path):
                    os.remove(path)

    def _files(self) -> list[str]:
        """The paths of the checkpoints, the newest first."""
        return [path for path in self._paths() if os.path.isfile(path)]

    def _paths(self) -> list[str]:
        """Whatever has a checkpoint's name, the newest first: pipes, which one waits at, too."""
        try:
            names = filter(_NAME.fullmatch, os.listdir(self.folder))
        except FileNotFoundError:
            return []
        return sorted((os.path.join(self.folder, name) for name in names), key=_order, reverse=True)

    @contextlib.contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        """An OSError in the block as an InputError."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"can't {verb} checkpoints in {one_line(self.folder)}: {reason(error)}"
            ) from error


def _order(path: str) -> tuple[int, int]:
    """The later it was written, the higher."""
    name = _NAME.fullmatch(os.path.basename(path))
    assert name is not None
    return int(name["number"] or 0), int(name["iteration"])


def _check_place(folder: str) -> None:
    """OSError if something is in the way of the folder, which need not be there yet."""
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise NotADirectoryError(errno.ENOTDIR, f"{place} is not a folder")
