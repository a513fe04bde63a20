"""Checkpoints: all that is needed to resume a run that was killed. NumPy only.

A checkpoint is an uncompressed .npz with a JSON header and arrays, each with the format's checksum.
Nothing is pickled, and no name or path stored in it is ever opened.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.config.choices import Cadence
from artistyle_tf.errors import InputError
from artistyle_tf.files import replacing
from artistyle_tf.locks import hold
from artistyle_tf.text import one_line, reason

KEPT = 2
SECONDS = 60.0
SHARE = 50
"""Without `every`, one is due after SECONDS, but no sooner than SHARE times what the last took."""

_NAME = re.compile(r"artistyle-(?P<iteration>\d{8,})-(?P<number>\d{6,})\.npz")
"""The number says which was written last: clocks and copying can't confuse it, and the iteration
doesn't say it after a resume from an older one."""
_MARK = "checkpoint-"  # of temporary files: tells other runs' files from leftovers
_LEFT = re.compile(rf"\.artistyle-{_MARK}[0-9a-f]+\.tmp")


class Saved(NamedTuple):
    header: dict[str, Any]
    arrays: list[np.ndarray]


class Checkpoints:
    """Keeps the two newest checkpoints of a run in a folder, for one run at a time.

    Args:
      folder: created by `begin` if it does not exist.
      every: iterations between checkpoints, or seconds, like "60s"; None: by time, so that writing
        takes at most a fiftieth of the run.
      resume: whether to resume from the newest readable checkpoint.

    Raises:
      ConfigError: `every` is invalid.
      InputError: the folder can't be used, or it contains checkpoints and `resume` is False: they
        may hold days of work.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int | str | None = None,
        resume: bool = False,
    ):
        self.folder, self.resume = os.fspath(folder), resume
        self._cadence = None if every is None else Cadence(every)
        self._last, self._cost = time.monotonic(), 0.0
        self._identity: Mapping[str, Any] = {}
        self._lock: Any = None
        self._writes = True
        self._broken: list[str] = []  # paths that `begin` found damaged
        self.notes: list[str] = []
        """Notes for the user about what `begin` found."""
        self._check_unused()

    def begin(
        self,
        identity: Mapping[str, Any],
        accept: Callable[[Saved], object] = lambda saved: None,
        *,
        writes: bool = True,
    ) -> Saved | None:
        """The newest checkpoint of the same run, or None to start from the beginning.

        Unusable checkpoints are skipped with a note. After `close`, the same object can serve
        another run.

        Args:
          identity: name → value that must match the checkpoint's: settings, digests.
          accept: called with a checkpoint; raises an exception if it can't be used.
          writes: whether this process writes checkpoints. One that doesn't, such as a worker other
            than the chief, reads them and does not modify the folder.

        Raises:
          InputError: the newest readable checkpoint is of another run (the message names the
            difference), another process is using the folder, or there are checkpoints but no
            `resume`.
        """
        if writes:
            with self._told("make"):
                os.makedirs(self.folder, exist_ok=True)
            lock = hold(os.path.join(self.folder, "checkpoints"))
            if lock is None:
                raise InputError(f"another run keeps its checkpoints in {one_line(self.folder)}")
            self._lock = lock
        self._identity, self._writes = json.loads(json.dumps(identity)), writes
        self._last, self._broken, self.notes = time.monotonic(), [], []
        try:
            if writes:
                self._check_unused()
                self._remove_leftovers()
            return self._newest(accept) if self.resume else None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Releases the folder for other processes."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def due(self, iteration: int) -> bool:
        """Whether a checkpoint is due after that iteration of the run."""
        if self._cadence is not None:
            return self._writes and self._cadence.due(iteration)
        passed = time.monotonic() - self._last
        return self._writes and passed >= max(SECONDS, SHARE * self._cost)

    def save(self, iteration: int, header: Mapping[str, Any], arrays: Sequence[Any]) -> None:
        """Writes a checkpoint atomically, and deletes damaged ones and the oldest.

        Args:
          iteration: iteration of the run, used in the file name.
          header: JSON-serialisable values.
          arrays: NumPy arrays or anything convertible.

        Raises:
          InputError: it can't be written; earlier checkpoints are unaffected.
        """
        if not self._writes:
            return
        began = time.monotonic()
        with self._told("write"):
            number = 1 + max(map(_number, self._files()), default=0)
            path = os.path.join(self.folder, f"artistyle-{iteration:08}-{number:06}.npz")
            text = json.dumps({**header, "identity": self._identity}).encode()
            named = {f"a{index:06}": np.asarray(array) for index, array in enumerate(arrays)}
            with replacing(path, _MARK) as file:
                np.savez(file, header=np.frombuffer(text, np.uint8), **named)  # type: ignore[arg-type]
            sound = [path for path in self._files() if path not in self._broken]
            for old in [*self._broken, *sound[KEPT:]]:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(old)
            self._broken = []
        self._last = time.monotonic()
        self._cost = self._last - began

    def _newest(self, accept: Callable[[Saved], object]) -> Saved | None:
        """As `begin`."""
        with self._told("read"):
            files = self._files()
        for path in files:
            try:
                saved = _read(path, self._identity)
                accept(saved)
            except InputError:
                raise
            except FileNotFoundError:  # removed meanwhile by its writer
                continue
            except Exception as error:  # zipfile and NumPy raise many types
                self.notes.append(f"{one_line(path)} can't be used: {reason(error)}")
                if not isinstance(error, OSError | MemoryError):  # those may be temporary
                    self._broken.append(path)
                continue
            return saved
        self.notes.append(f"there is no checkpoint in {one_line(self.folder)} to resume from")
        return None

    def _check_unused(self) -> None:
        """InputError if there can't be such a folder, or a run that doesn't resume would delete
        existing checkpoints."""
        with self._told("make"):
            files = self._files()
        if files and not self.resume:
            raise InputError(
                f"{one_line(files[0])} exists already; --resume continues from it; to "
                "start a new run, remove it or choose another folder"
            )

    def _remove_leftovers(self) -> None:
        """Removes temporary files of a run that was killed while writing."""
        with self._told("read"):
            for name in filter(_LEFT.fullmatch, os.listdir(self.folder)):
                path = os.path.join(self.folder, name)
                if os.path.isfile(path):
                    os.remove(path)

    def _files(self) -> list[str]:
        """Paths, newest first, of regular files only: reading a pipe could block."""
        try:
            names = filter(_NAME.fullmatch, os.listdir(self.folder))
        except FileNotFoundError:
            return []
        paths = (os.path.join(self.folder, name) for name in names)
        return sorted(filter(os.path.isfile, paths), key=_number, reverse=True)

    @contextlib.contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        """Converts an OSError in the block to an InputError."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"can't {verb} checkpoints in {one_line(self.folder)}: {reason(error)}"
            ) from error


def _read(path: str, identity: Mapping[str, Any]) -> Saved:
    """InputError if it belongs to another run, which is checked before the arrays are read."""
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
        difference = _difference(header["identity"], identity)
        if difference:
            raise InputError(f"{one_line(path)} is of another run: {difference}")
        return Saved(header, [archive[f"a{index:06}"] for index in range(len(archive.files) - 1)])


def _difference(saved: Mapping[str, Any], wanted: Mapping[str, Any], name: str = "") -> str:
    """The first difference as text, or "" if there is none."""
    for key, value in wanted.items():
        label = f"{name}{key}"
        if key not in saved:
            return f"{label} is not in it"
        if isinstance(value, dict) and isinstance(saved[key], dict):
            inner = _difference(saved[key], value, f"{label}.")
            if inner:
                return inner
        elif saved[key] != value:
            return f"{label} was {one_line(str(saved[key]))[:80]}, and is {str(value)[:80]} now"
    return ""


def _number(path: str) -> int:
    name = _NAME.fullmatch(os.path.basename(path))
    assert name is not None
    return int(name["number"])
